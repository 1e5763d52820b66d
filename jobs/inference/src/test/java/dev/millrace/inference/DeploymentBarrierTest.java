package dev.millrace.inference;

import static dev.millrace.core.model.Deployment.State.EFFECTIVE;
import static dev.millrace.core.model.Deployment.State.PREPARING;
import static dev.millrace.core.model.Deployment.State.REVOKED;
import static dev.millrace.inference.Flights.DISTANCE;
import static dev.millrace.inference.Flights.departure;
import static dev.millrace.inference.Flights.deployed;
import static dev.millrace.inference.Flights.plan;
import static dev.millrace.inference.Flights.record;
import static dev.millrace.inference.Flights.timeMillis;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import dev.millrace.core.model.CanaryAssignment;
import dev.millrace.core.model.LifecycleEntry;
import java.util.ArrayList;
import java.util.List;
import org.apache.flink.runtime.checkpoint.OperatorSubtaskState;
import org.apache.flink.streaming.api.watermark.Watermark;
import org.junit.jupiter.api.Test;

/**
 * Deployments that change who scores: the barrier, late events, revocations, canary and shadows.
 */
class DeploymentBarrierTest {

  private static final ScoringPlan PLAN = plan("0.2", DISTANCE);

  @Test
  void aPreparedDeploymentServesFromItsTimeOn() throws Exception {
    try (Scoring scoring = new Scoring(PLAN, deployed(0, 1))) {
      scoring.event(departure(1, "JFK", 100.0));
      scoring.event(departure(5, "JFK", 100.0));
      scoring.deploy(record(1, "d2", PREPARING, null, 2, null, 0));
      // Not loaded yet: the old one goes on, and nothing is announced.
      scoring.event(departure(6, "JFK", 100.0));
      assertThat(scoring.announced).isEmpty();
      ready(scoring);
      assertThat(details(scoring).get("deployment_id").asText()).isEqualTo("d2");
      assertThat(details(scoring).get("largest_event_time").asLong()).isEqualTo(timeMillis(6));
      assertThat(details(scoring).get("subtask").asInt()).isZero();
      assertThat(details(scoring).get("parallelism").asInt()).isEqualTo(1);
      assertThat(scoring.announced.get(0).is(LifecycleEntry.Command.READY)).isTrue();
      // What lies beyond is held, what is late goes on.
      scoring.event(departure(7, "JFK", 100.0));
      scoring.event(departure(9, "JFK", 100.0));
      scoring.event(departure(4, "JFK", 100.0));
      scoring.harness.processWatermark1(new Watermark(timeMillis(8)));
      assertThat(ids(scoring)).containsExactly("f1", "f5", "f6", "f4");
      assertThat(scoring.harness.getOutput()).last().isEqualTo(new Watermark(timeMillis(6)));
      // Another subtask was further: T is its.
      scoring.deploy(record(2, "d2", EFFECTIVE, timeMillis(7) + 1, 2, null, 0));
      assertThat(scoring.predictions())
          .extracting(Prediction::version)
          .containsExactly(1, 1, 1, 1, 1, 2);
      assertThat(scoring.harness.getOutput()).last().isEqualTo(new Watermark(timeMillis(8)));
      // A late event is still the old version's.
      scoring.event(departure(3, "JFK", 100.0));
      scoring.barrier(1);
      assertThat(scoring.last().version()).isEqualTo(1);
      assertThat(scoring.last().deploymentId()).isEqualTo("d1");
    }
  }

  @Test
  void theFirstDeploymentHasABarrierToo() throws Exception {
    try (Scoring scoring = new Scoring(PLAN)) {
      scoring.deploy(record(0, "d1", PREPARING, null, 1, null, 0));
      ready(scoring);
      assertThat(details(scoring).get("largest_event_time").isNull()).isTrue();
      scoring.event(departure(1, "JFK", 100.0));
      scoring.event(departure(2, "JFK", 100.0));
      scoring.barrier(1);
      assertThat(scoring.predictions()).isEmpty();
      scoring.deploy(record(1, "d1", EFFECTIVE, timeMillis(2), 1, null, 0));
      assertThat(scoring.predictions()).extracting(Prediction::version).containsExactly(0, 1);
      assertThat(scoring.predictions().get(0).role()).isEqualTo(Role.FALLBACK);
    }
  }

  @Test
  void aRevokedPreparationLetsTheHeldGo() throws Exception {
    try (Scoring scoring = new Scoring(PLAN, deployed(0, 1))) {
      scoring.event(departure(1, "JFK", 100.0));
      scoring.deploy(record(1, "d2", PREPARING, null, 2, null, 0));
      ready(scoring);
      scoring.event(departure(2, "JFK", 100.0));
      scoring.deploy(record(2, "d2", REVOKED, null, 2, null, 0));
      assertThat(scoring.predictions()).extracting(Prediction::version).containsExactly(1, 1);
      assertThat(scoring.models.closed).containsExactly(2);
    }
  }

  @Test
  void whatCannotBeLoadedIsSaidSoAndTheOldOneGoesOn() throws Exception {
    try (Scoring scoring = new Scoring(PLAN, deployed(0, 1))) {
      scoring.models.broken.add(3);
      scoring.deploy(record(1, "d3", PREPARING, null, 1, null, 0, 3));
      ready(scoring);
      assertThat(scoring.announced.get(0).is(LifecycleEntry.Command.UNLOADABLE)).isTrue();
      assertThat(scoring.announced.get(0).reason()).contains("version 3", "broken");
      scoring.event(departure(1, "JFK", 100.0));
      scoring.barrier(1);
      assertThat(scoring.last().version()).isEqualTo(1);
      scoring.deploy(record(2, "d3", REVOKED, null, 1, null, 0, 3));
      scoring.event(departure(2, "JFK", 100.0));
      scoring.barrier(2);
      assertThat(scoring.last().version()).isEqualTo(1);
    }
  }

  @Test
  void whatIsHeldOutlivesARestart() throws Exception {
    OperatorSubtaskState snapshot;
    DeploymentRecord preparing = record(1, "d2", PREPARING, null, 2, null, 0);
    try (Scoring scoring = new Scoring(PLAN, deployed(0, 1))) {
      scoring.event(departure(4, "JFK", 100.0));
      scoring.deploy(preparing);
      ready(scoring);
      scoring.event(departure(5, "JFK", 100.0));
      scoring.barrier(1);
      snapshot = scoring.harness.snapshot(1, 1);
    }
    try (Scoring scoring =
        new Scoring(
            PLAN,
            new FakeStore(),
            new FakeModels(),
            new ManualTime(),
            snapshot,
            deployed(0, 1),
            preparing)) {
      // Announced again, no earlier than before, whichever of the two comes first.
      ready(scoring);
      scoring.harness.setProcessingTime(200);
      assertThat(details(scoring).get("largest_event_time").asLong())
          .isBetween(timeMillis(4), timeMillis(5));
      scoring.deploy(record(2, "d2", EFFECTIVE, timeMillis(5) + 1, 2, null, 0));
      scoring.barrier(2);
      assertThat(ids(scoring)).containsExactly("f5");
      assertThat(scoring.last().version()).isEqualTo(1);
      scoring.event(departure(6, "JFK", 100.0));
      scoring.barrier(3);
      assertThat(scoring.last().version()).isEqualTo(2);
    }
  }

  @Test
  void aBarrierComesAfterWhatADeadAttemptHasWritten() throws Exception {
    OperatorSubtaskState snapshot;
    try (Scoring scoring = new Scoring(PLAN, deployed(0, 1))) {
      scoring.event(departure(4, "JFK", 100.0));
      scoring.barrier(1);
      snapshot = scoring.harness.snapshot(1, 1);
      // Written after the checkpoint, and there to stay.
      scoring.event(departure(9, "JFK", 100.0));
    }
    try (Scoring scoring =
        new Scoring(
            PLAN,
            new FakeStore(),
            new FakeModels(),
            new ManualTime(),
            snapshot,
            timeMillis(9),
            deployed(0, 1),
            record(1, "d2", PREPARING, null, 2, null, 0))) {
      ready(scoring);
      assertThat(details(scoring).get("largest_event_time").asLong()).isEqualTo(timeMillis(9));
    }
  }

  @Test
  void aRevocationIsForEverythingNotScoredYet() throws Exception {
    try (Scoring scoring =
        new Scoring(
            PLAN,
            record(0, "d1", EFFECTIVE, timeMillis(0), 1, null, 0),
            record(1, "d2", EFFECTIVE, timeMillis(5), 2, null, 0))) {
      scoring.event(departure(6, "JFK", 100.0));
      scoring.deploy(record(2, "d2", REVOKED, timeMillis(5), 2, null, 0));
      scoring.event(departure(7, "JFK", 100.0));
      scoring.event(departure(5, "JFK", 100.0));
      scoring.barrier(1);
      assertThat(scoring.predictions()).extracting(Prediction::version).containsExactly(2, 1, 1);
    }
  }

  @Test
  void oneBatchMayHaveTwoDeployments() throws Exception {
    try (Scoring scoring =
        new Scoring(
            PLAN,
            record(0, "d1", EFFECTIVE, timeMillis(0), 1, null, 0),
            record(1, "d2", EFFECTIVE, timeMillis(5), 2, null, 0))) {
      scoring.event(departure(5, "JFK", 100.0));
      scoring.event(departure(4, "JFK", 100.0));
      scoring.event(departure(6, "JFK", 100.0));
      assertThat(scoring.predictions()).extracting(Prediction::version).containsExactly(2, 1, 2);
      assertThat(scoring.predictions())
          .extracting(Prediction::score)
          .containsExactly(0.2, 0.1, 0.2);
    }
  }

  @Test
  void everyOtherVersionScoresTheSameEventToTheSide() throws Exception {
    try (Scoring scoring =
        new Scoring(PLAN, record(0, "d1", EFFECTIVE, timeMillis(0), 1, null, 0, 2, 3))) {
      scoring.event(departure(1, "JFK", 100.0));
      scoring.barrier(1);
      assertThat(scoring.last().version()).isEqualTo(1);
      assertThat(scoring.last().shadows()).containsExactly(2, 3);
      assertThat(scoring.shadows()).extracting(Prediction::version).containsExactly(2, 3);
      assertThat(scoring.shadows())
          .allSatisfy(
              s -> {
                assertThat(s.role()).isEqualTo(Role.SHADOW);
                assertThat(s.predictionId()).isEqualTo(scoring.last().predictionId());
                assertThat(s.inputs()).isEqualTo(scoring.last().inputs());
                assertThat(s.score()).isEqualTo(s.version() / 10.0);
              });
    }
  }

  @Test
  void theCanaryServesItsUnits() throws Exception {
    CanaryAssignment assignment = CanaryAssignment.of("delay_risk", 2);
    List<String> canaries = new ArrayList<>();
    try (Scoring scoring =
        new Scoring(PLAN, record(0, "d1", EFFECTIVE, timeMillis(0), 1, 2, 0.3))) {
      for (int offset = 1; offset <= 300; offset++) {
        scoring.event(departure(offset, "JFK", 100.0));
        if (assignment.serves("f" + offset, 0.3)) {
          canaries.add("f" + offset);
        }
      }
      scoring.barrier(1);
      assertThat(scoring.predictions()).hasSize(300);
      assertThat(scoring.shadows()).hasSize(300);
      assertThat(scoring.predictions())
          .filteredOn(p -> p.role() == Role.CANARY)
          .allSatisfy(p -> assertThat(p.version()).isEqualTo(2))
          .allSatisfy(p -> assertThat(p.shadows()).containsExactly(1))
          .extracting(Prediction::eventId)
          .containsExactlyElementsOf(canaries);
      assertThat(canaries).hasSizeBetween(60, 120);
    }
  }

  /** The loader is done, and the task looks. */
  private static void ready(Scoring scoring) throws Exception {
    scoring.time.runLoader();
    scoring.harness.setProcessingTime(
        scoring.harness.getProcessingTimeService().getCurrentProcessingTime() + 50);
  }

  private static JsonNode details(Scoring scoring) throws Exception {
    return new JsonMapper().readTree(scoring.announced.get(scoring.announced.size() - 1).details());
  }

  private static List<String> ids(Scoring scoring) {
    return scoring.predictions().stream().map(Prediction::eventId).toList();
  }
}
