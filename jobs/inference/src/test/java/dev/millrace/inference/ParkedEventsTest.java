package dev.millrace.inference;

import static dev.millrace.core.model.Deployment.State.EFFECTIVE;
import static dev.millrace.core.model.Deployment.State.PREPARING;
import static dev.millrace.core.model.Deployment.State.REVOKED;
import static dev.millrace.inference.Flights.DEPARTURES;
import static dev.millrace.inference.Flights.DEPARTURES_VERSION;
import static dev.millrace.inference.Flights.departure;
import static dev.millrace.inference.Flights.deployed;
import static dev.millrace.inference.Flights.plan;
import static dev.millrace.inference.Flights.record;
import static dev.millrace.inference.Flights.timeMillis;
import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.apache.flink.runtime.checkpoint.OperatorSubtaskState;
import org.apache.flink.streaming.api.watermark.Watermark;
import org.apache.flink.streaming.runtime.watermarkstatus.WatermarkStatus;
import org.junit.jupiter.api.Test;

/** Events that wait for their row while others go on. */
class ParkedEventsTest {

  private static final ScoringPlan PLAN = plan("0.2", DEPARTURES);

  @Test
  void othersGoOn() throws Exception {
    try (Scoring scoring = new Scoring(PLAN, deployed(0, 1))) {
      ownRow(scoring, "LAX", 9);
      scoring.event(departure(1, "JFK", 100.0));
      scoring.event(departure(2, "LAX", 100.0));
      scoring.idle();
      assertThat(ids(scoring)).containsExactly("f2");
      // The next batch's reads ask for it too.
      ownRow(scoring, "JFK", 1);
      scoring.harness.setProcessingTime(0);
      scoring.event(departure(3, "LAX", 100.0));
      scoring.idle();
      assertThat(ids(scoring)).containsExactly("f2", "f3");
      scoring.pass(1);
      assertThat(ids(scoring)).containsExactly("f2", "f3", "f1");
      assertThat(scoring.harness.extractOutputStreamRecords().get(2).getTimestamp())
          .isEqualTo(timeMillis(1));
    }
  }

  @Test
  void timeStaysBehindThem() throws Exception {
    try (Scoring scoring = new Scoring(PLAN, deployed(0, 1))) {
      ownRow(scoring, "LAX", 9);
      scoring.event(departure(3, "JFK", 100.0));
      scoring.event(departure(2, "JFK", 100.0));
      scoring.harness.processWatermark1(new Watermark(timeMillis(1)));
      scoring.harness.processWatermark1(new Watermark(timeMillis(8)));
      scoring.harness.processWatermarkStatus1(WatermarkStatus.IDLE);
      assertThat(scoring.harness.getOutput())
          .containsExactly(new Watermark(timeMillis(1)), new Watermark(timeMillis(2) - 1));
      ownRow(scoring, "JFK", 2);
      scoring.pass(1);
      assertThat(scoring.harness.getOutput()).last().isEqualTo(new Watermark(timeMillis(3) - 1));
      ownRow(scoring, "JFK", 3);
      scoring.pass(2);
      assertThat(ids(scoring)).containsExactly("f2", "f3");
      assertThat(List.copyOf(scoring.harness.getOutput()))
          .endsWith(new Watermark(timeMillis(8)), WatermarkStatus.IDLE);
    }
  }

  @Test
  void aCheckpointDoesNotWaitForThem() throws Exception {
    OperatorSubtaskState snapshot;
    try (Scoring scoring = new Scoring(PLAN, deployed(0, 1))) {
      scoring.event(departure(1, "JFK", 100.0));
      scoring.event(departure(2, "JFK", 100.0));
      scoring.barrier(1);
      assertThat(scoring.predictions()).isEmpty();
      assertThat(scoring.time.nanos).isZero();
      snapshot = scoring.harness.snapshot(1, 1);
    }
    FakeStore store = new FakeStore();
    try (Scoring scoring =
        new Scoring(PLAN, store, new FakeModels(), new ManualTime(), snapshot, deployed(0, 1))) {
      // They are taken before anything else, and time stays behind them.
      scoring.harness.processWatermark1(new Watermark(timeMillis(5)));
      assertThat(scoring.harness.getOutput()).containsExactly(new Watermark(timeMillis(1) - 1));
      ownRow(scoring, "JFK", 2);
      scoring.pass(1);
      assertThat(ids(scoring)).containsExactlyInAnyOrder("f1", "f2");
    }
    // Nothing at all comes after the restore.
    try (Scoring scoring =
        new Scoring(
            PLAN, new FakeStore(), new FakeModels(), new ManualTime(), snapshot, deployed(0, 1))) {
      scoring.pass(51);
      assertThat(ids(scoring)).containsExactlyInAnyOrder("f1", "f2");
    }
  }

  @Test
  void theInputsEndWaitsForAll() throws Exception {
    try (Scoring scoring = new Scoring(PLAN, deployed(0, 1))) {
      scoring.event(departure(1, "JFK", 100.0));
      scoring.event(departure(2, "LAX", 100.0));
      scoring.store.beforeRound.put(2, () -> ownRow(scoring, "LAX", 2));
      scoring.harness.processWatermark1(Watermark.MAX_WATERMARK);
      scoring.harness.endInput1();
      assertThat(ids(scoring)).containsExactly("f2", "f1");
      assertThat(scoring.time.nanos).isEqualTo(50_000_000);
      assertThat(scoring.harness.getOutput()).last().isEqualTo(Watermark.MAX_WATERMARK);
    }
  }

  @Test
  void whoIsParkedWasTaken() throws Exception {
    try (Scoring scoring = new Scoring(PLAN, deployed(0, 1))) {
      scoring.event(departure(4, "JFK", 100.0));
      scoring.idle();
      scoring.deploy(record(1, "d2", PREPARING, null, 2, null, 0));
      scoring.time.runLoader();
      scoring.pass(20);
      assertThat(scoring.announced.get(0).details()).contains(String.valueOf(timeMillis(4)));
      scoring.event(departure(5, "JFK", 100.0));
      scoring.deploy(record(2, "d2", EFFECTIVE, timeMillis(4) + 1, 2, null, 0));
      ownRow(scoring, "JFK", 5);
      scoring.pass(5);
      assertThat(ids(scoring)).containsExactlyInAnyOrder("f4", "f5");
      assertThat(scoring.predictions())
          .allSatisfy(p -> assertThat(p.version()).isEqualTo(p.eventId().equals("f4") ? 1 : 2));
    }
  }

  @Test
  void aRevocationIsForThemToo() throws Exception {
    try (Scoring scoring =
        new Scoring(
            PLAN,
            record(0, "d1", EFFECTIVE, timeMillis(0), 1, null, 0),
            record(1, "d2", EFFECTIVE, timeMillis(5), 2, null, 0))) {
      scoring.event(departure(6, "JFK", 100.0));
      scoring.idle();
      scoring.deploy(record(2, "d2", REVOKED, timeMillis(5), 2, null, 0));
      ownRow(scoring, "JFK", 6);
      scoring.pass(5);
      assertThat(scoring.last().version()).isEqualTo(1);
    }
  }

  @Test
  void thereIsABound() throws Exception {
    try (Scoring scoring = new Scoring(PLAN, deployed(0, 1))) {
      int most = ParkedEvents.ROWS_MAX;
      for (int offset = 1; offset <= most; offset++) {
        scoring.event(departure(offset, "K" + offset, 100.0));
      }
      scoring.idle();
      assertThat(scoring.predictions()).isEmpty();
      assertThat(scoring.time.nanos).isZero();
      // The input waits until there is room.
      scoring.event(departure(most + 1, "LAX", 100.0));
      scoring.idle();
      assertThat(scoring.time.nanos).isEqualTo(50_000_000);
      assertThat(scoring.predictions()).hasSizeGreaterThanOrEqualTo(1);
      assertThat(scoring.store.rounds)
          .allMatch(r -> r.size() <= ParkedEvents.ROUND_MAX + PLAN.maxRows());
    }
  }

  private static void ownRow(Scoring scoring, String origin, long offset) {
    scoring.store.row(
        "features:{origin:" + origin + "}:origin_departures",
        timeMillis(offset),
        "0:" + offset,
        DEPARTURES_VERSION,
        "count_1h",
        "1");
  }

  private static List<String> ids(Scoring scoring) {
    return scoring.predictions().stream().map(Prediction::eventId).toList();
  }
}
