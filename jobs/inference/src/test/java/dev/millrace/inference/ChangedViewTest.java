package dev.millrace.inference;

import static dev.millrace.core.model.Deployment.State.EFFECTIVE;
import static dev.millrace.core.model.Deployment.State.PREPARING;
import static dev.millrace.core.model.Deployment.State.REVOKED;
import static dev.millrace.inference.ChangedFlights.PLAIN;
import static dev.millrace.inference.ChangedFlights.id;
import static dev.millrace.inference.ChangedFlights.identity;
import static dev.millrace.inference.ChangedFlights.pinned;
import static dev.millrace.inference.ChangedFlights.plan;
import static dev.millrace.inference.ChangedFlights.record;
import static dev.millrace.inference.ChangedFlights.trained;
import static dev.millrace.inference.Flights.departure;
import static dev.millrace.inference.Flights.timeMillis;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.tuple;

import dev.millrace.core.definition.Model;
import dev.millrace.core.definition.Project;
import dev.millrace.core.model.CanaryAssignment;
import dev.millrace.core.model.DeployedVersion;
import dev.millrace.core.model.LifecycleEntry;
import dev.millrace.core.row.Positions;
import dev.millrace.platform.DefinitionsLog.Applied;
import dev.millrace.platform.DefinitionsLog.KeptView;
import dev.millrace.platform.ModelRevision;
import dev.millrace.platform.RunningViews;
import dev.millrace.streaming.DeadLetter;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apache.flink.util.InstantiationUtil;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** Versions that were trained on several definitions of one view score the same events. */
class ChangedViewTest {

  private static final String AT_SECOND = PLAIN + "@" + id(2);

  @Test
  void eachVersionScoresTheSameBatchWithTheRowsOfItsOwnDefinition() throws Exception {
    try (Scoring scoring =
        new Scoring(
            plan(2, 1),
            record(0, "d1", EFFECTIVE, timeMillis(0), trained(1, 1), null, 0, trained(2, 2)))) {
      bothRows(scoring);
      scoring.models.score(ChangedViewTest::sum);
      for (int offset = 1; offset <= 3; offset++) {
        scoring.event(departure(offset, "JFK", 100.0 * offset));
      }
      // One round trip, each row once.
      assertThat(scoring.store.rounds).hasSize(1);
      assertThat(scoring.store.rounds.get(0))
          .extracting(FeatureReads.Query::key)
          .containsExactlyInAnyOrder(PLAIN, AT_SECOND, ChangedFlights.DEPARTURES);
      assertThat(scoring.predictions()).hasSize(3);
      assertThat(scoring.shadows()).hasSize(3);
      for (int offset = 1; offset <= 3; offset++) {
        Prediction champion = scoring.predictions().get(offset - 1);
        assertThat(champion.version()).isEqualTo(1);
        assertThat(champion.shadows()).containsExactly(2);
        assertThat(champion.score()).isEqualTo(12.5 + 3 + 100 * offset);
        assertThat(champion.inputs())
            .isEqualTo(
                Map.of("delay_mean_1h", 12.5, "count_1h_in", 3.0, "distance", 100.0 * offset));
        assertThat(champion.freshness()).isEqualTo(Map.of("origin_delays", "INCLUDED"));
        assertThat(champion.rows())
            .isEqualTo(Map.of("origin_delays", origin(timeMillis(0), "0:5", "1-" + id(1))));
        Prediction shadow = scoring.shadows().get(offset - 1);
        assertThat(shadow.version()).isEqualTo(2);
        assertThat(shadow.predictionId()).isEqualTo(champion.predictionId());
        assertThat(shadow.score()).isEqualTo(11.5 + 40 + 7 + 100 * offset);
        assertThat(shadow.inputs())
            .isEqualTo(
                Map.of(
                    "delay_mean_1h",
                    11.5,
                    "delay_max_1h_in",
                    40.0,
                    "count_1h",
                    7.0,
                    "distance",
                    100.0 * offset));
        assertThat(shadow.freshness())
            .isEqualTo(Map.of("origin_delays", "INCLUDED", "origin_departures", "INCLUDED"));
        assertThat(shadow.rows().get("origin_delays"))
            .isEqualTo(origin(timeMillis(0), "0:6", "2-" + id(2)));
      }
    }
  }

  @Test
  void aCanaryAndItsChampionHaveTheirOwnInputsWhoeverServes() throws Exception {
    CanaryAssignment assignment = CanaryAssignment.of("delay_risk", 2);
    try (Scoring scoring =
        new Scoring(
            plan(2, 1),
            record(0, "d1", EFFECTIVE, timeMillis(0), trained(1, 1), trained(2, 2), 0.5))) {
      bothRows(scoring);
      scoring.models.score(ChangedViewTest::sum);
      for (int offset = 1; offset <= 60; offset++) {
        scoring.event(departure(offset, "JFK", 0.0));
      }
      scoring.barrier(1);
      assertThat(scoring.predictions())
          .hasSize(60)
          .allSatisfy(
              p -> {
                boolean canary = assignment.serves(p.eventId(), 0.5);
                assertThat(p.role()).isEqualTo(canary ? Role.CANARY : Role.CHAMPION);
                assertThat(p.score()).isEqualTo(canary ? 58.5 : 15.5);
              });
      assertThat(scoring.shadows())
          .hasSize(60)
          .allSatisfy(p -> assertThat(p.score()).isEqualTo(p.version() == 2 ? 58.5 : 15.5));
    }
  }

  @Test
  void aPromotionChangesTheInputsExactlyAtItsTime() throws Exception {
    DeploymentRecord old = record(0, "d1", EFFECTIVE, null, trained(1, 1), null, 0);
    try (Scoring scoring = new Scoring(plan(2, 1), old)) {
      bothRows(scoring);
      scoring.event(departure(5, "JFK", 100.0));
      scoring.barrier(1);
      scoring.deploy(record(1, "d2", PREPARING, null, trained(2, 2), null, 0));
      ready(scoring);
      assertThat(scoring.announced.get(0).is(LifecycleEntry.Command.READY)).isTrue();
      for (int offset : List.of(8, 4, 7, 6)) {
        scoring.event(departure(offset, "JFK", 100.0));
      }
      scoring.deploy(record(2, "d2", EFFECTIVE, timeMillis(6) + 1, trained(2, 2), null, 0));
      scoring.barrier(2);
      Map<String, Integer> inputsOf = new HashMap<>();
      for (Prediction prediction : scoring.predictions()) {
        inputsOf.put(prediction.eventId(), prediction.inputs().size());
        assertThat(prediction.rows().get("origin_delays"))
            .extracting(RowOrigin::version)
            .isEqualTo(identity(prediction.version()).toString());
      }
      assertThat(inputsOf).isEqualTo(Map.of("f4", 3, "f5", 3, "f6", 3, "f7", 4, "f8", 4));
      // Revoked: what is not scored yet has the inputs of the restored version.
      scoring.deploy(record(3, "d2", REVOKED, timeMillis(6) + 1, trained(2, 2), null, 0));
      scoring.event(departure(9, "JFK", 100.0));
      scoring.barrier(3);
      assertThat(scoring.last().version()).isEqualTo(1);
      assertThat(scoring.last().inputs()).containsEntry("count_1h_in", 3.0).hasSize(3);
    }
  }

  @Test
  void onlyWhatTheDeploymentReadsIsAskedFor() throws Exception {
    try (Scoring scoring =
        new Scoring(plan(2, 1), record(0, "d1", EFFECTIVE, null, trained(1, 1), null, 0))) {
      bothRows(scoring);
      scoring.event(departure(1, "JFK", 100.0));
      scoring.barrier(1);
      assertThat(scoring.store.rounds.get(0))
          .extracting(FeatureReads.Query::key)
          .containsExactly(PLAIN);
      scoring.deploy(record(1, "d2", EFFECTIVE, timeMillis(2), trained(2, 2), null, 0));
      scoring.event(departure(2, "JFK", 100.0));
      scoring.barrier(2);
      assertThat(scoring.store.rounds.get(1))
          .extracting(FeatureReads.Query::key)
          .containsExactly(AT_SECOND, ChangedFlights.DEPARTURES);
    }
  }

  @Test
  void aDefinitionThatIsNotComputedMakesAVersionUnloadable() throws Exception {
    DeployedVersion lost = pinned(3, Map.of("origin_delays", "eeeeeeeeeeee"));
    try (Scoring scoring =
        new Scoring(plan(2, 1), record(0, "d1", EFFECTIVE, null, trained(1, 1), null, 0))) {
      bothRows(scoring);
      scoring.deploy(record(1, "d2", PREPARING, null, trained(1, 1), null, 0, lost));
      ready(scoring);
      assertThat(scoring.announced).hasSize(1);
      assertThat(scoring.announced.get(0).is(LifecycleEntry.Command.UNLOADABLE)).isTrue();
      assertThat(scoring.announced.get(0).reason())
          .contains(
              "version 3",
              "it was trained on view origin_delays with definition eeeeeeeeeeee, which is no"
                  + " longer computed; apply that definition again or train a new version");
      scoring.event(departure(1, "JFK", 100.0));
      scoring.barrier(1);
      assertThat(scoring.last().version()).isEqualTo(1);
      assertThat(scoring.models.loaded).containsExactly(1);
      // Effective all the same, as after a restart: it goes without, or the one before serves.
      scoring.deploy(record(2, "d2", EFFECTIVE, timeMillis(2), trained(1, 1), null, 0, lost));
      scoring.deploy(record(3, "d3", EFFECTIVE, timeMillis(3), lost, null, 0));
      scoring.event(departure(4, "JFK", 100.0));
      scoring.barrier(2);
      assertThat(scoring.last().deploymentId()).isEqualTo("d2");
      assertThat(scoring.last().shadows()).isEmpty();
    }
  }

  @Test
  void aRollbackServesWhileTheOldDefinitionIsKept() throws Exception {
    DeploymentRecord[] log = {
      record(0, "d1", EFFECTIVE, null, trained(1, 1), null, 0),
      record(1, "d2", EFFECTIVE, timeMillis(2), trained(2, 2), null, 0),
      record(2, "d2", REVOKED, timeMillis(2), trained(2, 2), null, 0)
    };
    try (Scoring scoring = new Scoring(plan(2, 1), log)) {
      bothRows(scoring);
      scoring.event(departure(3, "JFK", 100.0));
      scoring.barrier(1);
      assertThat(scoring.last().version()).isEqualTo(1);
      assertThat(scoring.last().inputs()).containsEntry("delay_mean_1h", 12.5);
    }
    // Nobody pins it any more, so it is not computed: the fallback, with the inputs as they are.
    try (Scoring scoring = new Scoring(plan(2), log)) {
      scoring.event(departure(3, "JFK", 100.0));
      scoring.pass(60);
      assertThat(scoring.last().role()).isEqualTo(Role.FALLBACK);
      assertThat(scoring.last().inputs())
          .containsOnlyKeys("delay_mean_1h", "delay_max_1h_in", "count_1h", "distance");
    }
  }

  @Test
  void whoDoesNotSayWhatItWasTrainedOnHasTheInputsAsTheyAre() throws Exception {
    try (Scoring scoring =
        new Scoring(
            plan(3, 1, 2), record(0, "d1", EFFECTIVE, null, pinned(1, Map.of()), null, 0))) {
      scoring.event(departure(1, "JFK", null));
      scoring.barrier(1);
      assertThat(scoring.last().inputs()).containsOnlyKeys("delay_min_1h_in", "distance");
      assertThat(scoring.store.rounds.get(0))
          .extracting(FeatureReads.Query::key)
          .containsExactly(PLAIN + "@" + id(3));
    }
  }

  @Test
  void oneArtifactMayBeTwoVersions() throws Exception {
    DeployedVersion old = trained(1, 1);
    DeployedVersion same =
        new DeployedVersion(2, old.uri(), old.sha256(), null, null, trained(2, 3).views());
    try (Scoring scoring =
        new Scoring(plan(3, 1), record(0, "d1", EFFECTIVE, null, old, null, 0, same))) {
      scoring.models.score(row -> row.length);
      scoring.event(departure(1, "JFK", 100.0));
      scoring.barrier(1);
      assertThat(scoring.last().score()).isEqualTo(3);
      assertThat(scoring.shadows()).extracting(Prediction::score).containsExactly(2.0);
    }
  }

  @Test
  void aKeyIsNeededOnlyByTheVersionsThatReadItsView() throws Exception {
    // The model as it is reads no view any more.
    ScoringPlan plan = ChangedFlights.planWithoutViews(2, 1);
    DeploymentRecord old =
        record(0, "d1", EFFECTIVE, null, trained(1, 1), null, 0, pinned(2, Map.of()));
    try (Scoring scoring = new Scoring(plan, old)) {
      scoring.event(departure(1, null, 100.0));
      scoring.barrier(1);
      assertThat(scoring.predictions()).isEmpty();
      assertThat(scoring.shadows()).isEmpty();
      assertThat(scoring.letters())
          .extracting(DeadLetter::reason)
          .containsExactly(DeadLetter.Reason.NULL_KEY);
      // The successor serves it, and the old one has nothing to say.
      scoring.deploy(
          record(1, "d2", EFFECTIVE, timeMillis(2), pinned(2, Map.of()), null, 0, trained(1, 1)));
      scoring.event(departure(2, null, 100.0));
      scoring.barrier(2);
      assertThat(scoring.last().version()).isEqualTo(2);
      assertThat(scoring.last().shadows()).isEmpty();
      assertThat(scoring.shadows()).isEmpty();
    }
  }

  @Test
  void eachRowIsReadOnceForAllRevisions() throws Exception {
    ScoringPlan plan = plan(3, 2, 1);
    assertThat(plan.plans()).extracting(InputPlan::revision).containsExactly(3, 2, 1);
    assertThat(plan.views())
        .extracting(ViewRead::key, ViewRead::version)
        .containsExactly(
            tuple("origin_delays@" + id(3), "3-" + id(3)),
            tuple("origin_delays@" + id(2), "2-" + id(2)),
            tuple("origin_departures", "1-bbbbbbbbbbbb"),
            tuple("origin_delays", "1-" + id(1)));
    assertThat(plan.inputCount()).isEqualTo(2 + 4 + 3);
    assertThat(plan.current().views()).containsExactly(0);
    assertThat(plan.plans().get(1).views()).containsExactly(1, 2);
    ScoringPlan there = InstantiationUtil.clone(plan);
    assertThat(there.plans().get(2).inputNames())
        .containsExactly("delay_mean_1h", "count_1h_in", "distance");
  }

  @Test
  void aPlanIsForThoseWhosePinsItReads() {
    ScoringPlan plan = plan(3, 1, 2);
    assertThat(revision(plan, trained(1, 3))).isEqualTo(3);
    assertThat(revision(plan, trained(1, 2))).isEqualTo(2);
    assertThat(revision(plan, trained(1, 1))).isEqualTo(1);
    // The second view alone: the only plan that reads it.
    assertThat(revision(plan, pinned(1, Map.of("origin_departures", "bbbbbbbbbbbb")))).isEqualTo(2);
    DeployedVersion mixed =
        pinned(1, Map.of("origin_delays", id(1), "origin_departures", "bbbbbbbbbbbb"));
    assertThat(revision(plan, mixed)).isNull();
    assertThat(plan.withoutInputs(mixed)).contains("no revision", "train a new version");
  }

  @Test
  void aRevisionIsTakenOnlyWhereAllThatItReadsIsComputedAndDiffers() {
    // The second view has another definition now, and the one of revision 2 is not kept.
    RunningViews running =
        RunningViews.of(
            ChangedFlights.project(3),
            new Applied(
                "flights",
                3,
                0,
                Map.of("origin_delays", identity(3)),
                List.of(
                    new KeptView("origin_delays", identity(1), 1),
                    new KeptView("origin_delays", identity(2), 2)),
                Map.of(),
                Map.of()),
            Map.of(1, ChangedFlights.project(1), 2, ChangedFlights.project(2)));
    assertThat(ModelRevision.of(ChangedFlights.model(3), running))
        .extracting(ModelRevision::revision)
        .containsExactly(3, 1);
    // A model that reads nothing of what changed has its inputs once.
    Model model = Flights.model(null, List.of(Flights.DEPARTURES));
    RunningViews changed =
        RunningViews.of(
            ChangedFlights.project(2, model),
            new Applied(
                "flights",
                2,
                0,
                Map.of(
                    "origin_delays",
                    identity(2),
                    "origin_departures",
                    Flights.IDENTITIES.get("origin_departures")),
                List.of(new KeptView("origin_delays", identity(1), 1)),
                Map.of(),
                Map.of()),
            Map.of(1, ChangedFlights.project(1, model)));
    assertThat(ModelRevision.of(model, changed)).hasSize(1);
  }

  @Test
  void whatTheSourceHasNoLongerIsNoInput() {
    Model model = Flights.model(null, List.of(Flights.DELAY, Flights.DISTANCE));
    Project base = ChangedFlights.project(2, model);
    Model was =
        Flights.model(
            null, List.of(Flights.DELAY, new Model.Input.OnDemand("weight", "weight * 2.0")));
    RunningViews running =
        RunningViews.of(
            base,
            new Applied(
                "flights",
                2,
                0,
                Map.of("origin_delays", identity(2)),
                List.of(new KeptView("origin_delays", identity(1), 1)),
                Map.of(),
                Map.of()),
            Map.of(1, ChangedFlights.project(1, was)));
    ScoringPlan plan = ScoringPlan.of(base, model, running, true, InferenceJob.STAGE);
    assertThat(plan.plans()).hasSize(1);
    assertThat(plan.inputsOf(trained(1, 1))).isNull();
    assertThat(plan.withoutInputs(trained(1, 1)))
        .contains("input weight cannot be computed any more", "train a new version");
  }

  private static @Nullable Integer revision(ScoringPlan plan, DeployedVersion version) {
    InputPlan inputs = plan.inputsOf(version);
    return inputs == null ? null : (Integer) inputs.revision();
  }

  private static RowOrigin origin(long timeMillis, String positions, String version) {
    return new RowOrigin(timeMillis, Positions.parse(positions), version);
  }

  /** Both definitions' rows of one entity, with other values for the same event. */
  private static void bothRows(Scoring scoring) {
    scoring.store.row(
        PLAIN, timeMillis(0), "0:5", "1-" + id(1), "delay_mean_1h", "12.5", "count_1h", "3");
    scoring.store.row(
        AT_SECOND,
        timeMillis(0),
        "0:6",
        "2-" + id(2),
        "delay_mean_1h",
        "11.5",
        "delay_max_1h",
        "40");
    scoring.store.row(
        ChangedFlights.DEPARTURES,
        timeMillis(0),
        "0:100",
        Flights.DEPARTURES_VERSION,
        "count_1h",
        "7");
  }

  private static double sum(double[] row) {
    double sum = 0;
    for (double value : row) {
      sum += value;
    }
    return sum;
  }

  private static void ready(Scoring scoring) throws Exception {
    scoring.time.runLoader();
    scoring.harness.setProcessingTime(
        scoring.harness.getProcessingTimeService().getCurrentProcessingTime() + 50);
  }
}
