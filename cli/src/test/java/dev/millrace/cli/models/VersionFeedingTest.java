package dev.millrace.cli.models;

import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.core.definition.Definitions;
import dev.millrace.core.definition.FeatureView;
import dev.millrace.core.definition.Model;
import dev.millrace.core.definition.Model.Input;
import dev.millrace.core.definition.Project;
import dev.millrace.platform.DefinitionsLog.ViewIdentity;
import dev.millrace.platform.ModelRevision;
import dev.millrace.platform.RunningViews;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** With the example's own definition. */
class VersionFeedingTest {

  private final Project project;
  private final Model model;
  private final List<String> inputs;
  private final Map<String, String> ids = new LinkedHashMap<>();
  private final List<ModelRevision> revisions;

  VersionFeedingTest() throws Exception {
    project = Definitions.read(Path.of("../examples/flights"));
    model = project.model("delay_risk").orElseThrow();
    inputs = model.inputs().stream().map(Input::name).toList();
    Map<String, ViewIdentity> identities = new LinkedHashMap<>();
    for (FeatureView view : project.featureViews()) {
      ids.put(view.name(), view.id());
      identities.put(view.name(), new ViewIdentity(1, view.id()));
    }
    revisions = ModelRevision.of(model, RunningViews.only(project, identities));
  }

  @Test
  void aVersionOfTheAppliedDefinitionsIsFed() {
    assertThat(VersionFeeding.obstacle(inputs, ids, revisions)).isNull();
    assertThat(VersionFeeding.obstacle(inputs, Map.of(), revisions)).isNull();
  }

  @Test
  void otherInputsAreNot() {
    List<String> fewer = new ArrayList<>(inputs);
    String left = fewer.remove(2);
    fewer.add("rain");
    assertThat(VersionFeeding.obstacle(fewer, ids, revisions))
        .contains("takes %d inputs, the definition has %d".formatted(inputs.size(), inputs.size()))
        .contains("the definition has no rain; it takes no " + left);
    List<String> turned = new ArrayList<>(inputs);
    Collections.reverse(turned);
    assertThat(VersionFeeding.obstacle(turned, ids, revisions)).contains("in another order");
  }

  @Test
  void aDefinitionThatIsNotComputedIsNamed() {
    Map<String, String> pins = new LinkedHashMap<>(ids);
    pins.put("origin_delays", "ffffffffffff");
    assertThat(VersionFeeding.obstacle(inputs, pins, revisions))
        .isEqualTo(
            "it was made for view origin_delays with definition ffffffffffff, which is not computed");
  }
}
