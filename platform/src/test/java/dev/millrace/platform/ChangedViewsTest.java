package dev.millrace.platform;

import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.core.definition.Definitions;
import dev.millrace.core.definition.Project;
import dev.millrace.core.lifecycle.DecidedDeployment;
import dev.millrace.core.lifecycle.ModelState;
import dev.millrace.core.lifecycle.RegisteredVersion;
import dev.millrace.core.model.Deployment;
import dev.millrace.core.rollout.RolloutStep.Verdict;
import dev.millrace.platform.DefinitionsLog.Applied;
import dev.millrace.platform.DefinitionsLog.KeptView;
import dev.millrace.platform.DefinitionsLog.ViewIdentity;
import dev.millrace.platform.PinnedViews.Pin;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** Which definitions of a view go on when it changes, and under which keys. */
class ChangedViewsTest {

  private static final String READINGS =
      """
      {"type": "record", "name": "Reading", "fields": [
        {"name": "id", "type": "string"},
        {"name": "meter", "type": "string"},
        {"name": "at", "type": {"type": "long", "logicalType": "timestamp-millis"}},
        {"name": "value", "type": "double"}%s]}
      """;

  private static final Duration PROBATION = Duration.ofDays(10);

  /** Definition ids by the window that makes them. */
  private static String id(String window) {
    return project(window, "").featureView("load").orElseThrow().id();
  }

  private static Map<String, String> files(String window, String more, String field) {
    return Map.of(
        "millrace.yaml",
        """
        project: meters
        sources:
          - {name: readings, topic: readings, format: json, schema: reading.avsc, event-id: id, event-time: at%s}
        entities:
          - {name: meter, keys: [meter]}
        feature-views:
          - name: load
            entity: meter
            source: readings
            aggregations: [{function: sum, column: value, windows: [%s]}]
        models:
          - name: fault
            source: readings
            inputs: ["load:*"]
            fallback: "0.5"
            rollout: {unit: meter, probation: 10d, step: 1d, shadow: 1d, canary: [50, 100]}
        """
            .formatted(more, window),
        "reading.avsc",
        READINGS.formatted(field));
  }

  private static Project project(String window, String more) {
    return Definitions.read(files(window, more, ""));
  }

  private static Applied applied(int revision, String window, long epoch, KeptView... kept) {
    return new Applied(
        "meters",
        revision,
        0,
        Map.of("load", new ViewIdentity(epoch, id(window))),
        List.of(kept),
        Map.of("readings", "T"),
        files(window, "", ""));
  }

  private static KeptView kept(String window, long epoch, int revision) {
    return new KeptView("load", new ViewIdentity(epoch, id(window)), revision);
  }

  private static RegisteredVersion version(int number, String window) {
    return new RegisteredVersion(
        number,
        RegisteredVersion.Status.VALIDATED,
        "file:///m/" + number,
        "00",
        null,
        null,
        Map.of("load", id(window)),
        null,
        "key-" + number,
        "test",
        "",
        0,
        null,
        null);
  }

  private static DecidedDeployment deployment(
      RegisteredVersion champion, @Nullable RegisteredVersion canary, Deployment.State state) {
    return new DecidedDeployment(
        "d" + champion.version() + (canary == null ? "" : "-" + canary.version()) + state,
        state,
        named(champion),
        canary == null ? null : named(canary),
        canary == null ? 0 : 0.5,
        List.of(),
        0L,
        "test",
        "",
        "key",
        0,
        0);
  }

  private static DecidedDeployment.Named named(RegisteredVersion version) {
    return new DecidedDeployment.Named(
        version.version(), version.uri(), version.sha256(), null, null, version.views());
  }

  private static PinnedViews pinned(
      List<RegisteredVersion> versions,
      List<DecidedDeployment> deployments,
      Map<Integer, Verdict> probations,
      long nowMillis) {
    return PinnedViews.of(
        project("1h", ""),
        Map.of("fault", new ModelState("fault", 1, versions, deployments, List.of(), null)),
        Map.of("fault", probations),
        nowMillis);
  }

  private static final RegisteredVersion FIRST = version(1, "1h");
  private static final RegisteredVersion SECOND = version(2, "2h");

  @Test
  void whatAChampionPinsGoesOnUnderTheViewsOwnKey() {
    PinnedViews pins =
        pinned(
            List.of(FIRST),
            List.of(deployment(FIRST, null, Deployment.State.EFFECTIVE)),
            Map.of(),
            0);
    ViewChanges changes = ViewChanges.of(project("2h", ""), applied(3, "1h", 1), pins);
    assertThat(changes.changed()).containsExactly("load");
    assertThat(changes.begun()).containsExactly("load");
    assertThat(changes.kept()).containsExactly(kept("1h", 1, 3));
    assertThat(changes.released()).isEmpty();
    assertThat(changes.lines())
        .containsExactly(
            "feature view load: changed, " + id("1h") + " -> " + id("2h"),
            "feature view load: definition "
                + id("1h")
                + " goes on, pinned by version 1 of model fault");
    assertThat(RunningViews.keys(applied(4, "2h", 2, kept("1h", 1, 3))))
        .isEqualTo(Map.of("load", Map.of(id("1h"), "load", id("2h"), "load@" + id("2h"))));
  }

  @Test
  void whatNobodyPinsEnds() {
    ViewChanges changes =
        ViewChanges.of(project("2h", ""), applied(3, "1h", 1), PinnedViews.none());
    assertThat(changes.kept()).isEmpty();
    assertThat(changes.released()).containsExactly(kept("1h", 1, 3));
    assertThat(RunningViews.keys(applied(4, "2h", 2)))
        .isEqualTo(Map.of("load", Map.of(id("2h"), "load")));
  }

  @Test
  void anUnchangedProjectLetsGoWhatIsNoLongerPinned() {
    ViewChanges changes =
        ViewChanges.of(
            project("2h", ""), applied(4, "2h", 2, kept("1h", 1, 3)), PinnedViews.none());
    assertThat(changes.changed()).isEmpty();
    assertThat(changes.begun()).isEmpty();
    assertThat(changes.released()).containsExactly(kept("1h", 1, 3));
    assertThat(changes.lines())
        .containsExactly(
            "feature view load: definition "
                + id("1h")
                + " ends, no version that may serve pins it");
  }

  @Test
  void aDefinitionThatComesBackWhileItIsComputedDoesNotBeginAnew() {
    PinnedViews pins =
        pinned(
            List.of(FIRST, SECOND),
            List.of(deployment(FIRST, SECOND, Deployment.State.EFFECTIVE)),
            Map.of(),
            0);
    ViewChanges changes =
        ViewChanges.of(project("1h", ""), applied(4, "2h", 2, kept("1h", 1, 3)), pins);
    assertThat(changes.begun()).isEmpty();
    assertThat(changes.kept()).containsExactly(kept("2h", 2, 4));
    assertThat(changes.released()).isEmpty();
  }

  @Test
  void aJobThatStartsLetsNothingGo() {
    ViewChanges changes =
        ViewChanges.of(project("2h", ""), applied(4, "2h", 2, kept("1h", 1, 3)), null);
    assertThat(changes.kept()).containsExactly(kept("1h", 1, 3));
    assertThat(changes.lines()).isEmpty();
  }

  @Test
  void theDefinitionsOfEarlierRevisionsAreReadAsTheyWere() {
    RunningViews running =
        RunningViews.of(
            project("2h", ""), applied(4, "2h", 2, kept("1h", 1, 3)), Map.of(3, project("1h", "")));
    assertThat(running.all())
        .extracting(RunningViews.Running::key)
        .containsExactly("load", "load@" + id("2h"));
    assertThat(running.current("load").key()).isEqualTo("load@" + id("2h"));
    assertThat(running.find("load", id("1h")).orElseThrow().view().features())
        .extracting(f -> f.name())
        .containsExactly("value_sum_1h");
  }

  @Test
  void championsCanariesAndWhatIsBeingPreparedPin() {
    RegisteredVersion third = version(3, "3h");
    PinnedViews pins =
        pinned(
            List.of(FIRST, SECOND, third),
            List.of(
                deployment(FIRST, SECOND, Deployment.State.EFFECTIVE),
                deployment(third, null, Deployment.State.PREPARING)),
            Map.of(),
            0);
    assertThat(pins.of("load", id("1h"))).containsExactly(new Pin("fault", 1, "load", id("1h")));
    assertThat(pins.of("load", id("2h"))).hasSize(1);
    assertThat(pins.of("load", id("3h"))).hasSize(1);
    assertThat(pins.of("load", "0")).isEmpty();
  }

  @Test
  void whoWouldComeBackPinsUntilProbationIsOver() {
    List<RegisteredVersion> versions = List.of(FIRST, SECOND);
    List<DecidedDeployment> deployments =
        List.of(
            deployment(FIRST, null, Deployment.State.EFFECTIVE),
            deployment(SECOND, null, Deployment.State.EFFECTIVE));
    List<PinnedViews> during = new ArrayList<>();
    during.add(pinned(versions, deployments, Map.of(2, Verdict.STARTED), Long.MAX_VALUE));
    during.add(pinned(versions, deployments, Map.of(), PROBATION.toMillis()));
    for (PinnedViews pins : during) {
      assertThat(pins.of("load", id("1h"))).extracting(Pin::version).containsExactly(1);
      assertThat(pins.of("load", id("2h"))).extracting(Pin::version).containsExactly(2);
    }
    for (PinnedViews pins :
        List.of(
            pinned(versions, deployments, Map.of(2, Verdict.PASSED), 0),
            pinned(versions, deployments, Map.of(), PROBATION.multipliedBy(3).toMillis()))) {
      assertThat(pins.of("load", id("1h"))).isEmpty();
      assertThat(pins.of("load", id("2h"))).hasSize(1);
    }
  }

  @Test
  void aSourceMayGrowBesideWhatIsPinnedAndNothingElse() {
    PinnedViews pins =
        pinned(
            List.of(FIRST),
            List.of(deployment(FIRST, null, Deployment.State.EFFECTIVE)),
            Map.of(),
            0);
    List<KeptView> kept = List.of(kept("1h", 1, 3));
    Map<Integer, Applied> revisions = Map.of(3, applied(3, "1h", 1));
    Project grown =
        Definitions.read(
            files(
                "1h",
                "",
                ", {\"name\": \"unit\", \"type\": [\"null\", \"string\"], \"default\": null}"));
    assertThat(new KeptViewCheck(grown, revisions).obstacles(kept, pins)).isEmpty();
    Project later = project("1h", ", max-out-of-orderness: 1h");
    assertThat(new KeptViewCheck(later, revisions).obstacles(kept, pins))
        .singleElement()
        .asString()
        .contains(
            "view load: its definition " + id("1h"),
            "pinned by version 1 of model fault",
            "source readings changes in more than added fields");
    assertThat(new KeptViewCheck(grown, Map.of()).obstacles(kept, pins))
        .singleElement()
        .asString()
        .contains("revision 3");
  }
}
