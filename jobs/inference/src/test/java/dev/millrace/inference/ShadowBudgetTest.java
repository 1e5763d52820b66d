package dev.millrace.inference;

import static dev.millrace.core.model.Deployment.State.EFFECTIVE;
import static dev.millrace.inference.Flights.DISTANCE;
import static dev.millrace.inference.Flights.departure;
import static dev.millrace.inference.Flights.plan;
import static dev.millrace.inference.Flights.record;
import static dev.millrace.inference.Flights.timeMillis;
import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Test;

/** Shadows that are too slow leave batches out, and nobody waits for them. */
class ShadowBudgetTest {

  private static final int BATCHES = 1_000;
  private static final long MILLI = 1_000_000;

  /** The champion takes 1 ms a batch, so that two shadows earn 1.5 ms each. */
  @Test
  void aSlowShadowScoresWhatItsShareAllows() throws Exception {
    try (Scoring scoring =
        new Scoring(
            plan("0.2", DISTANCE), record(0, "d1", EFFECTIVE, timeMillis(0), 1, null, 0, 2, 3))) {
      long[] spent = new long[4];
      scoring.models.running =
          version -> {
            long nanos = version == 3 ? 30 * MILLI : MILLI;
            spent[version] += nanos;
            scoring.time.nanos += nanos;
          };
      for (int i = 0; i < BATCHES; i++) {
        scoring.event(departure(i, "JFK", 100.0));
        scoring.barrier(i);
      }
      // Who costs no more than it earns scores everything, whatever the other one does.
      assertThat(spent[2]).isEqualTo(BATCHES * MILLI);
      // 20 ms saved, 1.5 ms a batch, and the last one may overdraw.
      assertThat(spent[3]).isBetween(1_470 * MILLI, 1_550 * MILLI);
      assertThat(scoring.predictions()).hasSize(BATCHES);
      // A prediction names those who scored its event, and nobody else.
      for (int version : List.of(2, 3)) {
        assertThat(
                scoring.shadows().stream()
                    .filter(s -> s.version() == version)
                    .map(Prediction::eventId))
            .isEqualTo(
                scoring.predictions().stream()
                    .filter(p -> p.shadows().contains(version))
                    .map(Prediction::eventId)
                    .toList());
      }
    }
  }
}
