package dev.millrace.scoring;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class RunWatchTest {

  private static final int ENDED = 50;

  /** Whatever takes more than nothing is over, once a look finds it at that. */
  private static final RunLimits NOTHING = new RunLimits(Duration.ofMinutes(1), Duration.ZERO, 0);

  private final Path dir;

  RunWatchTest(@TempDir Path dir) {
    this.dir = dir;
  }

  @Test
  void theRunAfterOneThatWasEndedIsNotHit() throws IOException {
    Path file = TinyModels.write(dir, TinyModels.column(1, 2, 3));
    try (OnnxModel model =
            OnnxModel.load(file, null, InputColumn.unnamed(3), ComputeDevice.CPU, NOTHING);
        BatchScorer scorer = model.scorer(1)) {
      int ended = 0;
      boolean hit = false;
      int inARow = 0;
      while (ended < ENDED) {
        for (int column = 0; column < 3; column++) {
          scorer.put(0, column, 1.0);
        }
        try {
          scorer.score(1);
          assertThat(scorer.probability(0)).isBetween(0.99, 1.0);
          hit = false;
        } catch (RunEndedException e) {
          ended++;
          inARow += hit ? 1 : 0;
          hit = true;
        }
      }
      // A look every 10 ms cannot hit two of a few microseconds, unless the first was not undone.
      assertThat(inARow).isLessThan(ENDED / 5);
    }
  }
}
