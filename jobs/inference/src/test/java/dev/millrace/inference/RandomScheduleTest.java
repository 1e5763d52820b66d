package dev.millrace.inference;

import static dev.millrace.inference.Flights.DELAY;
import static dev.millrace.inference.Flights.DEPARTURES;
import static dev.millrace.inference.Flights.DISTANCE;
import static dev.millrace.inference.Flights.departure;
import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.core.model.PredictionId;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.apache.flink.runtime.checkpoint.OperatorSubtaskState;
import org.apache.flink.streaming.api.watermark.Watermark;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Events, barriers, timers, watermarks, deployments, a store that comes and goes, and crashes that
 * replay from the last checkpoint, in any order: whatever the schedule, each event between two
 * checkpoints has exactly one prediction in what was written before the second.
 */
class RandomScheduleTest {

  private static final ScoringPlan PLAN = Flights.plan("0.2", DELAY, DEPARTURES, DISTANCE);
  private static final int STEPS = 600;

  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3, 4, 5, 6, 7, 8})
  void everyEventHasOnePredictionAnAttempt(long seed) throws Exception {
    Random random = new Random(seed);
    Run run = new Run();
    run.start();
    for (int step = 0; step < STEPS; step++) {
      int action = random.nextInt(100);
      if (action < 70) {
        run.event(random);
      } else if (action < 80) {
        run.checkpoint();
      } else if (action < 88) {
        run.now += random.nextInt(15);
        run.scoring.harness.setProcessingTime(run.now);
      } else if (action < 91) {
        run.scoring.harness.processWatermark1(new Watermark(run.now));
      } else if (action < 94) {
        run.deploy();
      } else if (action < 96) {
        run.scoring.time.runLoader();
      } else if (action < 98) {
        run.store.down = random.nextBoolean();
      } else {
        run.crash();
      }
    }
    run.checkpoint();
    run.scoring.close();
    assertThat(run.crashes).isPositive();
    // What the schedule came to: each event once in the attempt that a checkpoint completed.
    for (long offset = 0; offset < run.next; offset++) {
      assertThat(run.committed.get("f" + offset)).isEqualTo(1);
    }
    assertThat(run.committed).hasSize((int) run.next);
    run.idByEvent.forEach(
        (event, id) -> assertThat(id).isEqualTo(PredictionId.of("flights", "delay_risk", event)));
  }

  /** One job over its restarts. */
  private static final class Run {
    final FakeStore store = new FakeStore();
    final Map<String, Integer> committed = new HashMap<>();
    final Map<String, String> idByEvent = new HashMap<>();
    final List<DeploymentRecord> log = new ArrayList<>();
    private final Map<Long, Double> distances = new HashMap<>();
    Scoring scoring;
    long now;
    long next;
    int crashes;
    private long checkpointed;
    private long checkpoint;
    private @Nullable OperatorSubtaskState state;
    private int taken;

    @SuppressWarnings("NullAway.Init") // start comes first.
    Run() {}

    void start() throws Exception {
      scoring =
          new Scoring(
              PLAN,
              store,
              new FakeModels(),
              new ManualTime(),
              state,
              log.toArray(new DeploymentRecord[0]));
      scoring.harness.setProcessingTime(now);
      next = checkpointed;
      taken = 0;
    }

    void event(Random random) throws Exception {
      // The event is what it was in an earlier attempt.
      double distance = distances.computeIfAbsent(next, n -> random.nextInt(5) * 100.0);
      scoring.event(departure(next, next % 3 == 0 ? "JFK" : "LAX", distance));
      next++;
    }

    void deploy() throws Exception {
      DeploymentRecord record = Flights.deployed(log.size(), log.size() + 1);
      log.add(record);
      scoring.deploy(record);
    }

    void checkpoint() throws Exception {
      checkpoint++;
      scoring.barrier(checkpoint);
      List<Prediction> written = scoring.predictions();
      assertThat(written.size() - taken).isEqualTo((int) (next - checkpointed));
      for (Prediction prediction : written.subList(taken, written.size())) {
        committed.merge(prediction.eventId(), 1, Integer::sum);
        String before = idByEvent.put(prediction.eventId(), prediction.predictionId());
        assertThat(before).isIn(null, prediction.predictionId());
      }
      taken = written.size();
      state = scoring.harness.snapshot(checkpoint, checkpoint);
      checkpointed = next;
      assertThat(scoring.letters()).isEmpty();
    }

    void crash() throws Exception {
      crashes++;
      for (Prediction prediction : scoring.predictions()) {
        idByEvent.putIfAbsent(prediction.eventId(), prediction.predictionId());
      }
      scoring.close();
      start();
    }
  }
}
