package dev.millrace.inference;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.millrace.core.definition.Model;
import dev.millrace.core.model.DeployedVersion;
import dev.millrace.scoring.InputColumn;
import dev.millrace.scoring.RunLimits;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Many models in one process, of which few are loaded at a time. */
class ModelMemoryTest {

  private static final int MODELS = 1_000;
  private static final int LOADED = 50;
  private static final int TASKS = 2;
  private static final int BATCHES = 500;

  private static final List<InputColumn> INPUTS = InputColumn.single(List.of("a", "b"));
  private static final Execution EXECUTION =
      new Execution(Model.Provider.CPU, 4, 2, null, true, false);

  private final Path dir;

  ModelMemoryTest(@TempDir Path dir) {
    this.dir = dir;
  }

  /** A weighted sum. */
  private record Weights(float a, float b) {
    double score(double x, double y) {
      return 1 / (1 + Math.exp(-(a * x + b * y)));
    }

    byte[] model() {
      return OnnxBytes.model(
          8,
          15,
          new OnnxBytes()
              .floats("w", 2, a, b)
              .node("MatMul", List.of("x", "w"), "z")
              .node("Sigmoid", List.of("z"), "p"));
    }
  }

  @Test
  void aThousandModelsScoreRightWithFiftyLoaded() throws Exception {
    Random random = new Random(5);
    List<Weights> weights = new ArrayList<>();
    List<DeployedVersion> versions = new ArrayList<>();
    for (int i = 0; i < MODELS; i++) {
      Weights one = new Weights(i, (float) random.nextGaussian());
      weights.add(one);
      versions.add(version(one));
    }
    ModelMemory memory =
        new ModelMemory(LOADED * ModelMemory.estimate(weights.get(0).model().length));
    OnnxModels models = new OnnxModels(0, RunLimits.SERVING, null, memory);
    int before = ModelMemory.loadedNow();
    long unloadedBefore = ModelMemory.unloaded();
    ExecutorService threads = Executors.newFixedThreadPool(TASKS);
    try {
      List<Future<Integer>> tasks = new ArrayList<>();
      for (int task = 0; task < TASKS; task++) {
        tasks.add(threads.submit(task(models, versions, weights, task)));
      }
      for (Future<Integer> task : tasks) {
        assertThat(task.get()).isLessThanOrEqualTo(before + LOADED + TASKS);
      }
    } finally {
      threads.shutdownNow();
    }
    assertThat(ModelMemory.unloaded() - unloadedBefore).isGreaterThan(MODELS - LOADED);
    assertThat(ModelMemory.loadedNow()).isEqualTo(before);
  }

  /** One task that has all the models; the most that it saw loaded. */
  private static Callable<Integer> task(
      OnnxModels models, List<DeployedVersion> versions, List<Weights> weights, int seed) {
    return () -> {
      Random random = new Random(seed);
      List<Scorer> scorers = new ArrayList<>();
      int most = 0;
      try {
        for (DeployedVersion version : versions) {
          scorers.add(models.load("model", version, INPUTS, EXECUTION));
        }
        for (int batch = 0; batch < BATCHES; batch++) {
          // Some are asked for often, most are not.
          int number = random.nextInt(3) > 0 ? random.nextInt(LOADED / 2) : random.nextInt(MODELS);
          score(scorers.get(number), weights.get(number), random);
          most = Math.max(most, ModelMemory.loadedNow());
        }
      } finally {
        scorers.forEach(Scorer::close);
      }
      return most;
    };
  }

  private static void score(Scorer scorer, Weights weights, Random random) {
    int rows = 1 + random.nextInt(4);
    double[] expected = new double[rows];
    for (int row = 0; row < rows; row++) {
      double x = random.nextGaussian() / 500;
      double y = random.nextGaussian();
      scorer.put(row, 0, x);
      scorer.put(row, 1, y);
      expected[row] = weights.score(x, y);
    }
    scorer.score(rows);
    for (int row = 0; row < rows; row++) {
      assertThat(scorer.scored(row)).isCloseTo(expected[row], within(1e-4));
    }
    scorer.end();
  }

  @Test
  void whatCannotBeLoadedAgainSaysSo() throws Exception {
    OnnxModels models = new OnnxModels(0, RunLimits.SERVING, null, new ModelMemory(1));
    DeployedVersion gone = version(new Weights(1, 2));
    try (Scorer first = models.load("model", gone, INPUTS, EXECUTION)) {
      Files.delete(SharedModel.file(gone.uri()));
      score(first, new Weights(1, 2), new Random(1));
      // Who uses its model keeps it.
      first.put(0, 0, 1);
      try (Scorer other = models.load("model", version(new Weights(3, 4)), INPUTS, EXECUTION)) {
        score(other, new Weights(3, 4), new Random(1));
        score(first, new Weights(1, 2), new Random(1));
      }
      try (Scorer other = models.load("model", version(new Weights(5, 6)), INPUTS, EXECUTION)) {
        score(other, new Weights(5, 6), new Random(1));
        assertThatThrownBy(() -> first.put(0, 0, 1))
            .isInstanceOf(IllegalStateException.class)
            .hasMessageContaining("cannot be loaded again");
      }
    }
  }

  @Test
  void theMemoryIsAsTheInstallationSays() {
    assertThat(ModelMemory.of(Map.of())).isEqualTo(new ModelMemory(2_147_483_648L));
    assertThat(ModelMemory.of(Map.of("MILLRACE_MODEL_MEMORY", "512m")))
        .isEqualTo(new ModelMemory(536_870_912L));
    assertThatThrownBy(() -> ModelMemory.of(Map.of("MILLRACE_MODEL_MEMORY", "much")))
        .hasMessageContaining("MILLRACE_MODEL_MEMORY=much", "such as 512m or 4g");
  }

  private DeployedVersion version(Weights weights) throws Exception {
    byte[] model = weights.model();
    return new DeployedVersion(
        1,
        uri(model),
        HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(model)));
  }

  private String uri(byte[] model) throws IOException {
    return Files.write(Files.createTempFile(dir, "model", ".onnx"), model).toUri().toString();
  }
}
