package dev.millrace.drift.audit;

import dev.millrace.core.definition.FeatureView;
import dev.millrace.core.definition.Model;
import dev.millrace.core.definition.Project;
import dev.millrace.core.definition.Source;
import dev.millrace.platform.DefinitionsLog.ViewIdentity;
import java.io.Serializable;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What the audits of a project need to know; it travels to the task.
 *
 * @param inputs by model: which inputs come from which feature
 * @param folder where mismatches are kept, as a path; null where there is none
 */
public record AuditPlan(
    String project,
    AuditOptions options,
    List<AuditedView> views,
    Map<String, List<InputOf>> inputs,
    @Nullable String folder)
    implements Serializable {

  /** An input of a model that is a feature of a view. */
  record InputOf(String input, String view, String feature) implements Serializable {}

  /**
   * The plan of a project.
   *
   * @param identities the views' identities as applied
   */
  public static AuditPlan of(
      Project project,
      Map<String, ViewIdentity> identities,
      AuditOptions options,
      @Nullable String folder) {
    Map<String, AuditedView> views = new LinkedHashMap<>();
    Map<String, List<InputOf>> inputs = new LinkedHashMap<>();
    for (Model model : project.models()) {
      List<InputOf> ofModel = new ArrayList<>();
      for (Model.Input input : model.inputs()) {
        if (input instanceof Model.Input.OfView ofView) {
          ofModel.add(new InputOf(ofView.name(), ofView.view(), ofView.feature()));
          if (!views.containsKey(ofView.view())) {
            views.put(ofView.view(), view(project, ofView.view(), identities));
          }
        }
      }
      inputs.put(model.name(), List.copyOf(ofModel));
    }
    return new AuditPlan(
        project.name(), options, List.copyOf(views.values()), Map.copyOf(inputs), folder);
  }

  private static AuditedView view(
      Project project, String name, Map<String, ViewIdentity> identities) {
    FeatureView view = project.featureView(name).orElse(null);
    Source source = view == null ? null : project.source(view.source()).orElse(null);
    ViewIdentity identity = identities.get(name);
    if (view == null || source == null || identity == null) {
      throw new IllegalArgumentException(
          "Cannot audit view " + name + ": it is not applied; run ./millrace apply");
    }
    return AuditedView.of(source, view, identity.toString());
  }

  @Nullable AuditedView view(String name) {
    return views.stream().filter(v -> v.view().equals(name)).findFirst().orElse(null);
  }
}
