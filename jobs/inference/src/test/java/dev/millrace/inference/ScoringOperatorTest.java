package dev.millrace.inference;

import static dev.millrace.inference.Flights.DELAY;
import static dev.millrace.inference.Flights.DISTANCE;
import static dev.millrace.inference.Flights.departure;
import static dev.millrace.inference.Flights.deployed;
import static dev.millrace.inference.Flights.plan;
import static dev.millrace.inference.Flights.record;
import static dev.millrace.inference.Flights.timeMillis;
import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.core.model.Deployment;
import dev.millrace.core.model.PredictionId;
import dev.millrace.core.row.Positions;
import dev.millrace.streaming.DeadLetter;
import dev.millrace.streaming.Event;
import dev.millrace.streaming.Inbound;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apache.flink.runtime.checkpoint.OperatorSubtaskState;
import org.apache.flink.streaming.api.watermark.Watermark;
import org.apache.flink.streaming.runtime.tasks.mailbox.TaskMailbox;
import org.apache.flink.streaming.runtime.watermarkstatus.WatermarkStatus;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

class ScoringOperatorTest {

  private static final ScoringPlan PLAN = plan("0.2", DELAY, DISTANCE);

  @Test
  void aFullBatchGoesOut() throws Exception {
    try (Scoring scoring = new Scoring(PLAN, deployed(0, 1))) {
      scoring.event(departure(1, "JFK", 100.0));
      scoring.event(departure(2, "LAX", 200.0));
      assertThat(scoring.predictions()).isEmpty();
      scoring.event(departure(3, "JFK", 300.0));
      assertThat(scoring.predictions())
          .extracting(Prediction::eventId)
          .containsExactly("f1", "f2", "f3");
      // One round trip for the batch, each key once.
      assertThat(scoring.store.rounds).hasSize(1);
      assertThat(scoring.store.rounds.get(0))
          .extracting(FeatureReads.Query::key)
          .containsExactly(
              "features:{origin:JFK}:origin_delays", "features:{origin:LAX}:origin_delays");
    }
  }

  @Test
  void aPredictionSaysHowItCameAbout() throws Exception {
    try (Scoring scoring = new Scoring(PLAN, deployed(0, 7))) {
      scoring.harness.setProcessingTime(5_000);
      scoring.store.row(
          "features:{origin:JFK}:origin_delays",
          timeMillis(1) - 1_000,
          "0:5",
          Flights.ARRIVALS_VERSION,
          "count_1h",
          "2",
          "delay_mean_1h",
          "12.5");
      scoring.event(departure(1, "JFK", null));
      scoring.barrier(1);
      assertThat(scoring.last())
          .isEqualTo(
              new Prediction(
                  PredictionId.of("flights", "delay_risk", "f1"),
                  "f1",
                  Map.of("origin", "JFK"),
                  timeMillis(1),
                  5_000,
                  "delay_risk",
                  7,
                  "sha-7",
                  Role.CHAMPION,
                  null,
                  null,
                  null,
                  0.7,
                  "WARN",
                  inputs(12.5, null),
                  Map.of("origin_delays", "INCLUDED"),
                  "d7",
                  Map.of(
                      "origin_delays",
                      new RowOrigin(
                          timeMillis(1) - 1_000, Positions.parse("0:5"), Flights.ARRIVALS_VERSION)),
                  List.of(),
                  null));
      assertThat(scoring.harness.extractOutputStreamRecords().get(0).getTimestamp())
          .isEqualTo(timeMillis(1));
    }
  }

  @Test
  void missingInputsGetTheirDefaults() throws Exception {
    try (Scoring scoring = new Scoring(PLAN, deployed(0, 1))) {
      scoring.models.score(row -> Double.isNaN(row[0]) && row[1] == -1.0 ? 0.25 : 0.75);
      scoring.event(departure(1, "JFK", null));
      scoring.barrier(1);
      assertThat(scoring.last().score()).isEqualTo(0.25);
      assertThat(scoring.last().inputs()).isEqualTo(inputs(null, null));
      assertThat(scoring.last().freshness()).isEqualTo(Map.of("origin_delays", "MISSING"));
      assertThat(scoring.last().rows()).isEmpty();
    }
  }

  @Test
  void aBatchGoesOutWhenItsFirstEventHasWaited() throws Exception {
    try (Scoring scoring = new Scoring(PLAN, deployed(0, 1))) {
      scoring.harness.setProcessingTime(100);
      scoring.event(departure(1, "JFK", 100.0));
      scoring.harness.setProcessingTime(109);
      assertThat(scoring.predictions()).isEmpty();
      scoring.harness.setProcessingTime(110);
      assertThat(scoring.predictions()).hasSize(1);
      // A batch that went out by size leaves its timer, which must not cut the next one short.
      scoring.harness.setProcessingTime(200);
      for (int offset = 2; offset <= 4; offset++) {
        scoring.event(departure(offset, "JFK", 100.0));
      }
      scoring.harness.setProcessingTime(208);
      scoring.event(departure(5, "JFK", 100.0));
      assertThat(scoring.harness.getProcessingTimeService().getNumActiveTimers()).isEqualTo(1);
      scoring.harness.setProcessingTime(210);
      assertThat(scoring.predictions()).hasSize(4);
      scoring.harness.setProcessingTime(218);
      assertThat(scoring.predictions()).hasSize(5);
      assertThat(scoring.harness.getProcessingTimeService().getNumActiveTimers()).isZero();
    }
  }

  @Test
  void nothingIsInFlightAtACheckpoint() throws Exception {
    OperatorSubtaskState snapshot;
    try (Scoring scoring = new Scoring(PLAN, deployed(0, 1))) {
      scoring.event(departure(1, "JFK", 100.0));
      scoring.barrier(1);
      assertThat(scoring.predictions()).hasSize(1);
      snapshot = scoring.harness.snapshot(1, 1);
      scoring.event(departure(2, "JFK", 100.0));
    }
    // The source goes on after event 1, and nothing else is needed.
    try (Scoring scoring =
        new Scoring(
            PLAN, new FakeStore(), new FakeModels(), new ManualTime(), snapshot, deployed(0, 1))) {
      scoring.event(departure(2, "JFK", 100.0));
      scoring.barrier(2);
      assertThat(scoring.predictions()).extracting(Prediction::eventId).containsExactly("f2");
    }
  }

  @Test
  void aBatchGoesOutAtOnceWhereTheInputIsIdle() throws Exception {
    try (Scoring scoring = new Scoring(PLAN, deployed(0, 1))) {
      scoring.event(departure(1, "JFK", 100.0));
      // A mail runs between two reads: the first read after the event gave another one.
      TaskMailbox mailbox = scoring.harness.getTaskMailbox();
      mailbox.take(0).run();
      scoring.event(departure(2, "LAX", 200.0));
      mailbox.take(0).run();
      assertThat(scoring.predictions()).isEmpty();
      assertThat(mailbox.size()).isEqualTo(1);
      mailbox.take(0).run();
      assertThat(scoring.predictions()).hasSize(2);
      // An idle task has nothing to do.
      assertThat(mailbox.size()).isZero();
    }
  }

  @Test
  void aBatchOfLargeEventsGoesOutBeforeItHasItsRows() throws Exception {
    try (Scoring scoring = new Scoring(PLAN, deployed(0, 1))) {
      Event large =
          new Event(
              0,
              1,
              timeMillis(1),
              timeMillis(1),
              "f1",
              new Object[] {"f1", timeMillis(1), "JFK", 100.0},
              null,
              new byte[(int) EventBatch.BYTES_MAX]);
      scoring.event(new Inbound(large, null));
      assertThat(scoring.predictions()).hasSize(1);
    }
  }

  @Test
  void nothingOvertakesABatch() throws Exception {
    try (Scoring scoring = new Scoring(PLAN, deployed(0, 1))) {
      scoring.event(departure(1, "JFK", 100.0));
      scoring.harness.processWatermark1(new Watermark(17));
      assertThat(scoring.harness.getOutput()).hasSize(2).last().isEqualTo(new Watermark(17));
      scoring.event(departure(2, "JFK", 100.0));
      scoring.harness.processWatermarkStatus1(WatermarkStatus.IDLE);
      assertThat(scoring.harness.getOutput()).hasSize(4).last().isEqualTo(WatermarkStatus.IDLE);
      scoring.event(departure(3, "JFK", 100.0));
      scoring.harness.endInput2();
      assertThat(scoring.predictions()).hasSize(2);
      scoring.harness.endInput1();
      assertThat(scoring.predictions()).hasSize(3);
    }
  }

  @Test
  void deploymentsHoldNothingBack() throws Exception {
    try (Scoring scoring = new Scoring(PLAN, deployed(0, 1))) {
      scoring.harness.processWatermark2(new Watermark(5));
      scoring.harness.processWatermarkStatus2(WatermarkStatus.IDLE);
      assertThat(scoring.harness.getOutput()).isEmpty();
      scoring.harness.processWatermark1(new Watermark(17));
      assertThat(scoring.harness.getOutput()).containsExactly(new Watermark(17));
    }
  }

  @Test
  void aDeploymentThatNobodyPreparedHereIsLoadedAtOnce() throws Exception {
    try (Scoring scoring = new Scoring(PLAN, deployed(0, 1))) {
      scoring.event(departure(1, "JFK", 100.0));
      scoring.deploy(deployed(1, 2));
      assertThat(scoring.predictions()).extracting(Prediction::version).containsExactly(1);
      scoring.event(departure(2, "JFK", 100.0));
      scoring.barrier(1);
      assertThat(scoring.last().version()).isEqualTo(2);
      assertThat(scoring.last().deploymentId()).isEqualTo("d2");
      // The one before stays loaded: a revocation goes back to it.
      assertThat(scoring.models.closed).isEmpty();
      scoring.deploy(deployed(2, 3));
      assertThat(scoring.models.closed).containsExactly(1);
    }
  }

  @Test
  void whatTheLogSaidBeforeIsNotTakenTwice() throws Exception {
    try (Scoring scoring = new Scoring(PLAN, deployed(0, 1), deployed(1, 2))) {
      assertThat(scoring.models.loaded).containsExactly(2);
      scoring.deployNow(deployed(0, 1));
      scoring.deployNow(deployed(1, 2));
      scoring.event(departure(1, "JFK", 100.0));
      scoring.barrier(1);
      assertThat(scoring.last().version()).isEqualTo(2);
      assertThat(scoring.models.loaded).containsExactly(2);
    }
  }

  @Test
  void aVersionThatCannotBeLoadedIsRefused() throws Exception {
    try (Scoring scoring = new Scoring(PLAN, deployed(0, 1))) {
      scoring.models.broken.add(2);
      scoring.deployNow(deployed(1, 2));
      scoring.event(departure(1, "JFK", 100.0));
      scoring.barrier(1);
      assertThat(scoring.last().version()).isEqualTo(1);
      assertThat(scoring.last().deploymentId()).isEqualTo("d1");
      scoring.deployNow(deployed(2, 3));
      scoring.event(departure(2, "JFK", 100.0));
      scoring.barrier(2);
      assertThat(scoring.last().version()).isEqualTo(3);
    }
    // After a restart the same version serves as before it.
    FakeModels models = new FakeModels();
    models.broken.add(2);
    try (Scoring scoring =
        new Scoring(
            PLAN,
            new FakeStore(),
            models,
            new ManualTime(),
            null,
            deployed(0, 1),
            deployed(1, 2))) {
      scoring.event(departure(1, "JFK", 100.0));
      scoring.barrier(1);
      assertThat(scoring.last().version()).isEqualTo(1);
    }
  }

  @Test
  void aRevocationRestoresTheVersionBefore() throws Exception {
    try (Scoring scoring = new Scoring(PLAN, deployed(0, 1), deployed(1, 2))) {
      scoring.deployNow(record(2, "d2", Deployment.State.REVOKED, 2));
      scoring.event(departure(1, "JFK", 100.0));
      scoring.barrier(1);
      assertThat(scoring.last().deploymentId()).isEqualTo("d1");
      scoring.deployNow(record(3, "d1", Deployment.State.REVOKED, 1));
      scoring.event(departure(2, "JFK", 100.0));
      scoring.barrier(2);
      assertThat(scoring.last().role()).isEqualTo(Role.FALLBACK);
      assertThat(scoring.last().deploymentId()).isNull();
    }
  }

  @Test
  void theFallbackAnswersBeforeTheFirstDeployment() throws Exception {
    try (Scoring scoring = new Scoring(plan("distance > 150.0 ? 0.6 : 0.2", DELAY, DISTANCE))) {
      scoring.event(departure(1, "JFK", 200.0));
      scoring.barrier(1);
      Prediction prediction = scoring.last();
      assertThat(prediction.role()).isEqualTo(Role.FALLBACK);
      assertThat(prediction.version()).isZero();
      assertThat(prediction.sha256()).isNull();
      assertThat(prediction.deploymentId()).isNull();
      assertThat(prediction.score()).isEqualTo(0.6);
      assertThat(prediction.decision()).isEqualTo("WARN");
      assertThat(prediction.inputs()).isEqualTo(inputs(null, 200.0));
      scoring.deployNow(deployed(0, 1));
      scoring.event(departure(2, "JFK", 200.0));
      scoring.barrier(2);
      assertThat(scoring.last().role()).isEqualTo(Role.CHAMPION);
    }
  }

  @Test
  void anEventThatNothingAnswersIsADeadLetter() throws Exception {
    try (Scoring scoring = new Scoring(plan(null, DISTANCE))) {
      scoring.event(departure(1, "JFK", 200.0));
      scoring.barrier(1);
      assertThat(scoring.predictions()).isEmpty();
      assertThat(scoring.letters()).hasSize(1);
      DeadLetter letter = scoring.letters().get(0);
      assertThat(letter.reason()).isEqualTo("NO_MODEL");
      assertThat(letter.recordKey()).isEqualTo("departures:0:1");
      assertThat(letter.stage()).isEqualTo("inference");
      assertThat(letter.message()).contains("delay_risk", "no version is deployed", "no fallback");
    }
    // A fallback that is null for this event is none.
    try (Scoring scoring = new Scoring(plan("distance / 1000.0", DISTANCE))) {
      scoring.event(departure(1, "JFK", null));
      scoring.barrier(1);
      assertThat(scoring.letters()).extracting(DeadLetter::reason).containsExactly("NO_MODEL");
    }
  }

  @Test
  void aScoreThatIsNoNumberTakesTheFallback() throws Exception {
    try (Scoring scoring = new Scoring(PLAN, deployed(0, 4))) {
      scoring.models.score(row -> row[1] > 150 ? Double.NaN : row[1]);
      scoring.event(departure(1, "JFK", 0.5));
      scoring.event(departure(2, "JFK", 200.0));
      scoring.event(departure(3, "JFK", Double.MAX_VALUE));
      assertThat(scoring.predictions())
          .extracting(Prediction::role)
          .containsExactly(Role.CHAMPION, Role.FALLBACK, Role.FALLBACK);
      Prediction instead = scoring.last();
      assertThat(instead.score()).isEqualTo(0.2);
      assertThat(instead.version()).isEqualTo(4);
      assertThat(instead.sha256()).isNull();
      assertThat(instead.deploymentId()).isEqualTo("d4");
    }
  }

  @Test
  void aModelThatCannotRunTakesTheFallback() throws Exception {
    try (Scoring scoring = new Scoring(PLAN, deployed(0, 4))) {
      scoring.models.cannotRun = true;
      scoring.event(departure(1, "JFK", 0.5));
      scoring.barrier(1);
      assertThat(scoring.last().role()).isEqualTo(Role.FALLBACK);
    }
  }

  @Test
  void aNullKeyIsADeadLetter() throws Exception {
    try (Scoring scoring = new Scoring(PLAN, deployed(0, 1))) {
      scoring.event(departure(1, null, 100.0));
      scoring.barrier(1);
      assertThat(scoring.predictions()).isEmpty();
      assertThat(scoring.letters()).extracting(DeadLetter::reason).containsExactly("NULL_KEY");
    }
    // Without a view there is no key to miss.
    try (Scoring scoring = new Scoring(plan(null, DISTANCE), deployed(0, 1))) {
      scoring.event(departure(1, null, 100.0));
      scoring.barrier(1);
      assertThat(scoring.predictions()).hasSize(1);
    }
  }

  @Test
  void lettersOfDecodingPassOnlyWhereNobodyElseWritesThem() throws Exception {
    DeadLetter letter =
        new DeadLetter(
            "departures", "departures", 0, 1, "MALFORMED", "no", "inference", null, null, -1, 0);
    try (Scoring scoring = new Scoring(PLAN)) {
      scoring.event(new Inbound(null, letter));
      assertThat(scoring.letters()).containsExactly(letter);
    }
    var model = Flights.model(null, List.of(DISTANCE));
    ScoringPlan silent =
        ScoringPlan.of(
            Flights.project(model), model, Flights.running(model), false, InferenceJob.STAGE);
    try (Scoring scoring = new Scoring(silent)) {
      scoring.event(new Inbound(null, letter));
      assertThat(scoring.letters()).isEmpty();
    }
  }

  private static Map<String, @Nullable Object> inputs(
      @Nullable Double delay, @Nullable Double distance) {
    Map<String, @Nullable Object> inputs = new HashMap<>();
    inputs.put("delay_mean_1h", delay);
    inputs.put("distance", distance);
    return inputs;
  }
}
