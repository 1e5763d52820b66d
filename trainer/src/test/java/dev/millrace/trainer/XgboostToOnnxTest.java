package dev.millrace.trainer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.millrace.scoring.BatchScorer;
import dev.millrace.scoring.OnnxModel;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.IntStream;
import ml.dmlc.xgboost4j.java.Booster;
import ml.dmlc.xgboost4j.java.DMatrix;
import ml.dmlc.xgboost4j.java.XGBoost;
import ml.dmlc.xgboost4j.java.XGBoostError;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class XgboostToOnnxTest {

  private static final int COLUMNS = 12;
  private static final int ROWS = 10_000;
  private static final List<String> NAMES =
      IntStream.range(0, COLUMNS).mapToObj(i -> "f" + i).toList();

  private final Path dir;

  XgboostToOnnxTest(@TempDir Path dir) {
    this.dir = dir;
  }

  @Test
  void scoresAreXgboostsOwn() throws Exception {
    float[] rows = rows(new Random(3), ROWS);
    Booster booster = train(rows, Map.of("max_depth", 6, "subsample", 0.8), 60);
    for (int trees : new int[] {1, 37, 60}) {
      byte[] onnx = XgboostToOnnx.convert(booster.toByteArray("json"), NAMES, trees);
      float[] fresh = rows(new Random(4), ROWS);
      assertParity(booster, onnx, fresh, trees);
    }
  }

  @Test
  void prunedTreesAndSingleLeavesAreConverted() throws Exception {
    float[] rows = rows(new Random(5), ROWS);
    Booster pruned = train(rows, Map.of("max_depth", 8, "gamma", 20), 20);
    assertParity(pruned, XgboostToOnnx.convert(pruned.toByteArray("json"), NAMES, 20), rows, 20);
    Booster leaves = train(rows, Map.of("gamma", 1e9), 3);
    assertParity(leaves, XgboostToOnnx.convert(leaves.toByteArray("json"), NAMES, 3), rows, 3);
  }

  @Test
  void aScoreDoesNotDependOnItsBatch() throws Exception {
    float[] rows = rows(new Random(6), ROWS);
    Booster booster = train(rows, Map.of("max_depth", 6), 100);
    Path file =
        Files.write(
            dir.resolve("batch.onnx"),
            XgboostToOnnx.convert(booster.toByteArray("json"), NAMES, 100));
    try (OnnxModel model = OnnxModel.load(file, null, COLUMNS);
        BatchScorer scorer = model.scorer(256)) {
      double[] alone = new double[256];
      for (int row = 0; row < 256; row++) {
        fill(scorer, 0, rows, row);
        scorer.score(1);
        alone[row] = scorer.probability(0);
      }
      for (int batch : new int[] {2, 3, 20, 64, 100, 256}) {
        for (int row = 0; row < batch; row++) {
          fill(scorer, row, rows, row);
        }
        scorer.score(batch);
        for (int row = 0; row < batch; row++) {
          assertThat(scorer.probability(row)).as("row %d of %d", row, batch).isEqualTo(alone[row]);
        }
      }
    }
  }

  @Test
  void bytesAreTheSameEachTimeAndSayTheInputs() throws Exception {
    Booster booster = train(rows(new Random(7), ROWS), Map.of("max_depth", 4), 10);
    byte[] onnx = XgboostToOnnx.convert(booster.toByteArray("json"), NAMES, 10);
    assertThat(XgboostToOnnx.convert(booster.toByteArray("json"), NAMES, 10)).isEqualTo(onnx);
    try (OnnxModel model =
        OnnxModel.load(Files.write(dir.resolve("named.onnx"), onnx), null, COLUMNS)) {
      assertThat(model.inputNames()).isEqualTo(NAMES);
    }
  }

  @Test
  void whatCannotBeConvertedIsRefused() throws Exception {
    float[] rows = rows(new Random(8), 500);
    Booster regression = train(rows, Map.of("objective", "reg:squarederror"), 2);
    assertRefused(regression.toByteArray("json"), "objective is reg:squarederror");
    Booster dart = train(rows, Map.of("booster", "dart"), 2);
    assertRefused(dart.toByteArray("json"), "booster is dart");
    Booster fine = train(rows, Map.of(), 2);
    assertThatThrownBy(
            () -> XgboostToOnnx.convert(fine.toByteArray("json"), NAMES.subList(1, COLUMNS), 2))
        .hasMessageContaining("12 features, the signature names 11");
    assertThatThrownBy(() -> XgboostToOnnx.convert(fine.toByteArray("json"), NAMES, 3))
        .hasMessageContaining("3 trees are wanted, it has 2");
    String categorical =
        new String(fine.toByteArray("json"), StandardCharsets.UTF_8)
            .replace("\"categories_nodes\":[]", "\"categories_nodes\":[0]");
    assertRefused(categorical.getBytes(StandardCharsets.UTF_8), "splits by category");
  }

  private static void assertRefused(byte[] json, String why) {
    assertThatThrownBy(() -> XgboostToOnnx.convert(json, NAMES, 2))
        .isInstanceOf(XgboostToOnnx.UnconvertibleException.class)
        .hasMessageContaining(why);
  }

  private void assertParity(Booster booster, byte[] onnx, float[] rows, int trees)
      throws XGBoostError, IOException {
    float[][] expected = booster.predict(new DMatrix(rows, ROWS, COLUMNS, Float.NaN), false, trees);
    Path file = Files.write(dir.resolve("parity.onnx"), onnx);
    try (OnnxModel model = OnnxModel.load(file, null, COLUMNS);
        BatchScorer scorer = model.scorer(1000)) {
      for (int from = 0; from < ROWS; from += 1000) {
        for (int row = 0; row < 1000; row++) {
          fill(scorer, row, rows, from + row);
        }
        scorer.score(1000);
        for (int row = 0; row < 1000; row++) {
          assertThat(scorer.probability(row))
              .isCloseTo((double) expected[from + row][0], within(1e-6));
        }
      }
    }
  }

  private static void fill(BatchScorer scorer, int row, float[] rows, int from) {
    for (int column = 0; column < COLUMNS; column++) {
      scorer.put(row, column, rows[from * COLUMNS + column]);
    }
  }

  /** A quarter of the rows has values missing; many values repeat, so that thresholds are hit. */
  private static float[] rows(Random random, int count) {
    float[] rows = new float[count * COLUMNS];
    for (int i = 0; i < rows.length; i++) {
      boolean missing = (i / COLUMNS) % 4 == 0 && random.nextInt(3) == 0;
      rows[i] =
          missing ? Float.NaN : i % 2 == 0 ? random.nextInt(20) : (float) random.nextGaussian();
    }
    return rows;
  }

  private static Booster train(float[] rows, Map<String, ? extends Object> more, int trees)
      throws XGBoostError {
    int count = rows.length / COLUMNS;
    Random random = new Random(9);
    float[] labels = new float[count];
    for (int row = 0; row < count; row++) {
      float a = rows[row * COLUMNS];
      float b = rows[row * COLUMNS + 1];
      double z = (Float.isNaN(a) ? 1 : a / 10 - 1) + (Float.isNaN(b) ? -1 : b) - 1.5;
      labels[row] = random.nextDouble() < 1 / (1 + Math.exp(-z)) ? 1 : 0;
    }
    DMatrix matrix = new DMatrix(rows, count, COLUMNS, Float.NaN);
    matrix.setLabel(labels);
    Map<String, Object> settings = new HashMap<>();
    settings.put("objective", "binary:logistic");
    settings.put("tree_method", "hist");
    settings.put("nthread", 1);
    settings.put("seed", 7);
    settings.putAll(more);
    return XGBoost.train(matrix, settings, trees, Map.of(), null, null);
  }
}
