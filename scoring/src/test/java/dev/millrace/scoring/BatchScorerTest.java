package dev.millrace.scoring;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import ai.onnx.proto.OnnxMl.ModelProto;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class BatchScorerTest {

  private static final float[] WEIGHTS = {0.5f, -1.25f, 2f};

  private final Path dir;

  BatchScorerTest(@TempDir Path dir) {
    this.dir = dir;
  }

  @Test
  void everyFormOfOutputGivesTheProbability() throws IOException {
    for (ModelProto form :
        List.of(TinyModels.column(WEIGHTS), TinyModels.vector(WEIGHTS), TinyModels.pair(WEIGHTS))) {
      try (OnnxModel model = OnnxModel.load(TinyModels.write(dir, form), null, WEIGHTS.length);
          BatchScorer scorer = model.scorer(100)) {
        Random random = new Random(7);
        for (int rows : new int[] {1, 2, 3, 4, 5, 63, 64, 65, 99, 100, 1}) {
          double[] expected = fill(scorer, rows, random);
          scorer.score(rows);
          for (int row = 0; row < rows; row++) {
            assertThat(scorer.probability(row)).isCloseTo(expected[row], within(1e-6));
          }
        }
      }
    }
  }

  @Test
  void aScoreDoesNotDependOnItsBatch() throws IOException {
    try (OnnxModel model =
            OnnxModel.load(TinyModels.write(dir, TinyModels.column(WEIGHTS)), null, 3);
        BatchScorer scorer = model.scorer(64)) {
      float[] row = {0.1f, 0.7f, -3.3f};
      set(scorer, 0, row);
      scorer.score(1);
      double alone = scorer.probability(0);
      for (int rows = 2; rows <= 64; rows++) {
        set(scorer, rows - 1, row);
        scorer.score(rows);
        assertThat(scorer.probability(rows - 1)).isEqualTo(alone);
      }
    }
  }

  @Test
  void aMissingValueIsHandedOnAsNaN() throws IOException {
    try (OnnxModel model =
            OnnxModel.load(TinyModels.write(dir, TinyModels.column(WEIGHTS)), null, 3);
        BatchScorer scorer = model.scorer(2)) {
      set(scorer, 0, new float[] {1, Float.NaN, 1});
      set(scorer, 1, new float[] {0, 0, 0});
      scorer.score(2);
      assertThat(scorer.probability(0)).isNaN();
      assertThat(scorer.probability(1)).isEqualTo(0.5);
    }
  }

  @Test
  void threadsShareOneModel() throws Exception {
    try (OnnxModel model =
        OnnxModel.load(TinyModels.write(dir, TinyModels.pair(WEIGHTS)), null, 3)) {
      ExecutorService threads = Executors.newFixedThreadPool(2);
      List<Future<Integer>> wrong = new ArrayList<>();
      for (int seed = 0; seed < 2; seed++) {
        Random random = new Random(seed);
        wrong.add(threads.submit(() -> wrongScores(model, random)));
      }
      for (Future<Integer> each : wrong) {
        assertThat(each.get()).isZero();
      }
      threads.shutdown();
    }
  }

  @Test
  void aModelClosedBeforeItsScorerLivesUntilTheScorerIsClosed() throws IOException {
    OnnxModel model = OnnxModel.load(TinyModels.write(dir, TinyModels.column(WEIGHTS)), null, 3);
    BatchScorer scorer = model.scorer(4);
    model.close();
    set(scorer, 0, new float[] {0, 0, 0});
    scorer.score(1);
    assertThat(scorer.probability(0)).isEqualTo(0.5);
    scorer.close();
    scorer.close();
    assertThatThrownBy(() -> scorer.score(1)).hasMessageContaining("closed");
    assertThatThrownBy(() -> model.scorer(1)).hasMessageContaining("closed");
  }

  @Test
  void sizesOutsideTheBuffersAreRefused() throws IOException {
    try (OnnxModel model =
            OnnxModel.load(TinyModels.write(dir, TinyModels.column(WEIGHTS)), null, 3);
        BatchScorer scorer = model.scorer(4)) {
      assertThatThrownBy(() -> scorer.score(5)).hasMessageContaining("takes 1 to 4");
      assertThatThrownBy(() -> scorer.score(0)).hasMessageContaining("takes 1 to 4");
      assertThatThrownBy(() -> scorer.put(0, 3, 1f)).isInstanceOf(IndexOutOfBoundsException.class);
      assertThatThrownBy(() -> model.scorer(0)).hasMessageContaining("at least 1");
    }
  }

  private static int wrongScores(OnnxModel model, Random random) {
    int wrong = 0;
    try (BatchScorer scorer = model.scorer(32)) {
      for (int batch = 0; batch < 500; batch++) {
        int rows = 1 + random.nextInt(32);
        double[] expected = fill(scorer, rows, random);
        scorer.score(rows);
        for (int row = 0; row < rows; row++) {
          if (Math.abs(scorer.probability(row) - expected[row]) > 1e-6) {
            wrong++;
          }
        }
      }
    }
    return wrong;
  }

  private static double[] fill(BatchScorer scorer, int rows, Random random) {
    double[] expected = new double[rows];
    for (int row = 0; row < rows; row++) {
      double z = 0;
      for (int column = 0; column < WEIGHTS.length; column++) {
        double value = random.nextGaussian();
        scorer.put(row, column, value);
        z += WEIGHTS[column] * (float) value;
      }
      expected[row] = 1 / (1 + Math.exp(-z));
    }
    return expected;
  }

  private static void set(BatchScorer scorer, int row, float[] values) {
    for (int column = 0; column < values.length; column++) {
      scorer.put(row, column, values[column]);
    }
  }
}
