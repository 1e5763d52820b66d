package dev.millrace.scoring;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Random;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Equal inputs have bit-equal scores, whatever batch they ride in and wherever in it. */
class BatchInvarianceTest {

  private static final int ROWS = 300;

  private final Path dir;

  BatchInvarianceTest(@TempDir Path dir) {
    this.dir = dir;
  }

  @ParameterizedTest
  @CsvSource({
    "false, 20, 1, 0, 0",
    "true, 20, 1, 0, 0",
    "false, 64, 32, 1, 0",
    "false, 64, 128, 64, 1",
    "true, 64, 128, 64, 1",
    "true, 64, 32, 1, 0",
    "true, 7, 5, 3, 1",
    "true, 784, 32, 10, 1",
    "true, 1000, 1, 0, 0",
    "true, 33, 257, 17, 1",
    "false, 7, 5, 3, 1",
    "false, 784, 32, 10, 1",
    "false, 1000, 1, 0, 0",
    "false, 33, 257, 17, 1"
  })
  void aScoreDoesNotDependOnItsBatch(boolean doubles, int a, int b, int c, int d)
      throws IOException {
    int[] widths =
        c == 0 ? new int[] {a, b} : d == 0 ? new int[] {a, b, c} : new int[] {a, b, c, d};
    Random random = new Random(11);
    int type = doubles ? TinyModels.DOUBLE : TinyModels.FLOAT;
    Path file = TinyModels.write(dir, Networks.of(type, random, widths));
    float[][] rows = new float[ROWS][a];
    for (float[] row : rows) {
      for (int i = 0; i < a; i++) {
        row[i] = (float) random.nextGaussian();
      }
    }
    try (OnnxModel model = OnnxModel.load(file, null, a);
        BatchScorer large = model.scorer(512);
        BatchScorer small = model.scorer(3)) {
      double[] scores = new double[ROWS];
      for (int row = 0; row < ROWS; row++) {
        put(large, row, rows[row]);
      }
      large.score(ROWS);
      for (int row = 0; row < ROWS; row++) {
        scores[row] = large.probability(row);
      }
      int wrong = 0;
      for (int round = 0; round < 300; round++) {
        BatchScorer scorer = round % 4 == 0 ? small : large;
        int size =
            1 + random.nextInt(round % 3 == 0 ? Math.min(9, scorer.maxRows()) : scorer.maxRows());
        int[] picked = random.ints(size, 0, ROWS).toArray();
        for (int row = 0; row < size; row++) {
          put(scorer, row, rows[picked[row]]);
        }
        scorer.score(size);
        for (int row = 0; row < size; row++) {
          wrong += scorer.probability(row) == scores[picked[row]] ? 0 : 1;
        }
      }
      assertThat(wrong).isZero();
    }
  }

  private static void put(BatchScorer scorer, int row, float[] values) {
    for (int column = 0; column < values.length; column++) {
      scorer.put(row, column, (double) values[column]);
    }
  }
}
