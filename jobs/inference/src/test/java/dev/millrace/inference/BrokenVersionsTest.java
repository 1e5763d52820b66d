package dev.millrace.inference;

import static dev.millrace.core.model.Deployment.State.EFFECTIVE;
import static dev.millrace.core.model.Deployment.State.PREPARING;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.millrace.core.definition.Model;
import dev.millrace.core.model.DeployedVersion;
import dev.millrace.core.model.Deployment;
import dev.millrace.scoring.InputColumn;
import dev.millrace.scoring.ModelTrial;
import dev.millrace.scoring.RunEndedException;
import dev.millrace.scoring.RunLimits;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.time.Duration;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Objects;
import org.apache.flink.metrics.groups.UnregisteredMetricsGroup;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

/** A version that is broken is refused with its reason, and the one that serves goes on. */
class BrokenVersionsTest {

  private static final DeployedVersion GOOD =
      new DeployedVersion(1, OnnxModelsTest.uri(), OnnxModelsTest.SHA256);

  /** Leaves 3 s for a batch: on the busiest machine nothing good takes that long. */
  private static final Execution EXECUTION =
      new Execution(Model.Provider.AUTO, 4, 2, 3_002L, true, false);

  private static final RunLimits LIMITS =
      new RunLimits(Duration.ofSeconds(1), Duration.ofSeconds(1), 1);

  private static final long MEMORY_BYTES = 512L << 20;
  private static final OnnxModels ISOLATED =
      new OnnxModels(
          0, LIMITS, new ModelTrial.Limits(Duration.ofMinutes(1), MEMORY_BYTES), ModelMemory.USUAL);

  private final Path dir;
  private final InferenceMetrics metrics = new InferenceMetrics(new UnregisteredMetricsGroup());

  BrokenVersionsTest(@TempDir Path dir) {
    this.dir = dir;
  }

  @Test
  void aGoodOneTakesOver() throws Exception {
    assertThat(prepared(good(15, 8), EXECUTION)).isNull();
  }

  @Test
  void aFileThatIsCutOff() throws Exception {
    byte[] good = good(15, 8);
    assertThat(prepared(Arrays.copyOf(good, good.length - 20), EXECUTION))
        .contains("version 2", "no ONNX model, or are cut off");
  }

  @Test
  void otherBytesThanAnnounced() throws Exception {
    DeployedVersion other = new DeployedVersion(2, uri(good(15, 8)), "0".repeat(64));
    assertThat(prepared(other, EXECUTION)).contains("version 2", "announced was 00000000");
  }

  @Test
  void aFormatThatIsTooNew() throws Exception {
    assertThat(prepared(good(99, 8), EXECUTION)).contains("opset ai.onnx 99", "ONNX Runtime 1.");
    assertThat(prepared(good(15, 99), EXECUTION)).contains("IR 99", "ONNX Runtime 1.");
  }

  @Test
  void scoresThatAreNoNumbers() throws Exception {
    byte[] nan = OnnxBytes.model(8, 15, linear(Float.NaN, 1).node("Sigmoid", List.of("z"), "p"));
    assertThat(prepared(nan, EXECUTION)).contains("where every input is 0 its score is NaN");
  }

  @Test
  void anOutputThatChangesItsShape() throws Exception {
    byte[] square =
        OnnxBytes.model(
            8,
            15,
            linear(1, 1)
                .node("Transpose", List.of("z"), "t")
                .node("MatMul", List.of("z", "t"), "s")
                .node("Sigmoid", List.of("s"), "p"));
    assertThat(prepared(square, EXECUTION)).contains("output p has shape [3, 3] for 3 rows");
  }

  @Test
  void tenTimesSlowerThanTheObjective() throws Exception {
    // Some 20 ms a row on a fast processor, of which one is allowed.
    OnnxBytes graph =
        linear(1, 1).longs("wide", 1, 1_000_000).node("Expand", List.of("z", "wide"), "s0");
    for (int i = 0; i < 4; i++) {
      graph.node("Sin", List.of("s" + i), "s" + (i + 1));
    }
    byte[] slow =
        OnnxBytes.model(
            8,
            15,
            graph
                .longs("axes", 1)
                .node("ReduceSum", List.of("s4", "axes"), "sum")
                .node("Sigmoid", List.of("sum"), "p"));
    assertThat(prepared(slow, new Execution(Model.Provider.CPU, 4, 2, 3L, true, false)))
        .contains("its objective of 3 ms leaves 1 ms", "not even one row", "cpu: 1 row ")
        .contains("raise execution.latency");
  }

  @Test
  void oneThatNeverComesBack() throws Exception {
    // From the first run on, whatever it is given.
    assertThat(prepared(endless(-1), EXECUTION, new OnnxModels(0, LIMITS, null, ModelMemory.USUAL)))
        .contains("version 2", "had not come back after 1000 ms and was ended");
  }

  @Test
  void inAJvmOfItsOwnOneThatNeverComesBack() throws Exception {
    OnnxModels isolated =
        new OnnxModels(
            0,
            LIMITS,
            new ModelTrial.Limits(Duration.ofSeconds(2), MEMORY_BYTES),
            ModelMemory.USUAL);
    assertThat(prepared(endless(-1), EXECUTION, isolated))
        .contains("version 2", "had not scored its first rows after 2000 ms");
  }

  @Test
  void inAJvmOfItsOwnOneThatABatchRunNames() throws Exception {
    // Nobody has prepared it, so it was tried by nobody.
    OnnxModels isolated =
        new OnnxModels(
            0,
            LIMITS,
            new ModelTrial.Limits(Duration.ofSeconds(2), MEMORY_BYTES),
            ModelMemory.USUAL);
    byte[] model = endless(-2);
    DeployedVersion version = new DeployedVersion(2, uri(model), sha256(model));
    assertThatThrownBy(
            () ->
                isolated.load(
                    "delay_risk",
                    version,
                    InputColumn.single(List.of("a", "b")),
                    EXECUTION.ofBatchRun().again()))
        .hasMessageContaining("had not scored its first rows after 2000 ms");
  }

  @Test
  @EnabledOnOs(OS.LINUX)
  void inAJvmOfItsOwnOneThatTakesAllMemory() throws Exception {
    // Twice as much in each turn.
    byte[] model =
        OnnxBytes.model(
            8,
            15,
            linear(1, 1)
                .node("ReduceMax", List.of("z"), "most", "keepdims", 0)
                .node("Equal", List.of("most", "most"), "go")
                .endlessLoop(
                    "go",
                    "z",
                    "end",
                    new OnnxBytes().node("Concat", List.of("state", "state"), "next", "axis", 0))
                .node("Sigmoid", List.of("end"), "p"));
    assertThat(prepared(model, EXECUTION, ISOLATED)).contains("version 2", "MiB, of 512 MiB");
  }

  @Test
  void inAJvmOfItsOwnAGoodOneTakesOver() throws Exception {
    assertThat(prepared(good(15, 8), EXECUTION, ISOLATED)).isNull();
    byte[] good = good(15, 8);
    assertThat(prepared(Arrays.copyOf(good, good.length - 20), EXECUTION, ISOLATED))
        .contains("version 2", "no ONNX model, or are cut off");
  }

  @Test
  void oneThatDoesNotComeBackAnyMore() throws Exception {
    // The rows that are made up are below it.
    byte[] model = endless(1e6f);
    DeployedVersion version = new DeployedVersion(2, uri(model), sha256(model));
    try (Serving serving =
        serving(
            EXECUTION,
            new OnnxModels(0, LIMITS, null, ModelMemory.USUAL),
            new ManualTime(),
            version)) {
      Scorer scorer = Objects.requireNonNull(serving.at(0)).champion().scorer();
      scorer.put(0, 0, 1);
      scorer.put(0, 1, 1);
      scorer.score(1);
      double good = scorer.scored(0);
      assertThat(good).isBetween(0.5, 1.0);
      scorer.put(1, 0, 2e6);
      scorer.put(2, 1, 2e6);
      assertThatThrownBy(() -> scorer.score(3))
          .isInstanceOf(RunEndedException.class)
          .hasMessageContaining("3 rows", "it had not come back and was ended");
      // What made it endless does not stay behind.
      scorer.put(0, 0, 1);
      scorer.put(0, 1, 1);
      scorer.score(4);
      assertThat(scorer.scored(0)).isEqualTo(good);
    }
  }

  @Test
  void whatServedBeforeARestartIsNotRefusedForItsSpeed() throws Exception {
    Execution impossible = new Execution(Model.Provider.CPU, 4, 2, 2L, true, false);
    try (Serving serving = serving(impossible)) {
      assertThat(score(serving)).isEqualTo(0.5);
      assertThat(serving.batchRows()).isEqualTo(1);
    }
    assertThat(prepared(good(15, 8), impossible)).contains("leaves 0 ms");
  }

  @Test
  void withoutTheGpuThatWasAskedForTheCpuScores() throws Exception {
    Execution onGpu = new Execution(Model.Provider.TENSORRT, 4, 2, null, true, false);
    // No machine has as many.
    try (Serving serving = serving(onGpu, new OnnxModels().on(1_000))) {
      assertThat(score(serving)).isEqualTo(0.5);
      assertThat(metrics.providerFallbacks.getCount()).isEqualTo(1);
      assertThat(serving.batchRows()).isEqualTo(4);
    }
  }

  /** Why a second version was refused; whatever it was, the first has to serve on. */
  private @Nullable String prepared(byte[] model, Execution execution) throws Exception {
    return prepared(model, execution, new OnnxModels());
  }

  private @Nullable String prepared(byte[] model, Execution execution, ModelLoader models)
      throws Exception {
    return prepared(new DeployedVersion(2, uri(model), sha256(model)), execution, models);
  }

  private static String sha256(byte[] model) throws Exception {
    return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(model));
  }

  private @Nullable String prepared(DeployedVersion version, Execution execution) throws Exception {
    return prepared(version, execution, new OnnxModels());
  }

  private @Nullable String prepared(
      DeployedVersion version, Execution execution, ModelLoader models) throws Exception {
    ManualTime time = new ManualTime();
    try (Serving serving = serving(execution, models, time)) {
      assertThat(score(serving)).isEqualTo(0.5);
      serving.accept(record(1, PREPARING, version));
      time.runLoader();
      Serving.Prepared prepared = Objects.requireNonNull(serving.poll());
      assertThat(score(serving)).isEqualTo(0.5);
      assertThat(serving.servedVersion()).isEqualTo(1);
      return prepared.refused();
    }
  }

  private Serving serving(Execution execution) throws IOException {
    return serving(execution, new OnnxModels());
  }

  private Serving serving(Execution execution, ModelLoader models) throws IOException {
    return serving(execution, models, new ManualTime());
  }

  private Serving serving(Execution execution, ModelLoader models, ManualTime time) {
    return serving(execution, models, time, GOOD);
  }

  private Serving serving(
      Execution execution, ModelLoader models, ManualTime time, DeployedVersion champion) {
    ScoringPlan plan = Flights.plan(null, Flights.DELAY, Flights.DISTANCE);
    Serving serving =
        new Serving(
            with(plan, execution),
            models,
            time.start("load", BrokenVersionsTest.class.getClassLoader()),
            metrics);
    serving.open(List.of(record(0, EFFECTIVE, champion)));
    return serving;
  }

  /** What the version that serves now makes of zeros. */
  private static double score(Serving serving) {
    Scorer scorer = Objects.requireNonNull(serving.at(0)).champion().scorer();
    scorer.put(0, 0, 0);
    scorer.put(0, 1, 0);
    scorer.score(1);
    return scorer.scored(0);
  }

  private static ScoringPlan with(ScoringPlan plan, Execution execution) {
    return new ScoringPlan(
        plan.project(),
        plan.model(),
        plan.source(),
        plan.forwardsLetters(),
        plan.views(),
        plan.plans(),
        plan.leftOut(),
        plan.decisions(),
        plan.fallback(),
        execution,
        plan.maxFeatureWaitMillis(),
        plan.asOf(),
        plan.unitFields(),
        plan.segmentFields());
  }

  private static DeploymentRecord record(
      long offset, Deployment.State state, DeployedVersion champion) {
    return new DeploymentRecord(
        new Deployment(
            "delay_risk",
            "d" + champion.version(),
            state,
            state == EFFECTIVE ? (Long) 0L : null,
            champion,
            null,
            0,
            List.of(),
            0),
        0,
        offset);
  }

  private static byte[] good(long opset, long irVersion) {
    return OnnxBytes.model(irVersion, opset, linear(1, 1).node("Sigmoid", List.of("z"), "p"));
  }

  /** {@code z}: the weighted sum of the two inputs. */
  private static OnnxBytes linear(float first, float second) {
    return new OnnxBytes().floats("w", 2, first, second).node("MatMul", List.of("x", "w"), "z");
  }

  /** A version that does not come back where one of a batch's inputs is above a bound. */
  private static byte[] endless(float above) {
    return OnnxBytes.model(
        8,
        15,
        linear(1, 1)
            .node("ReduceMax", List.of("x"), "most", "keepdims", 0)
            .floats("bounds", 1, above)
            .longs("first", 0)
            .node("Gather", List.of("bounds", "first"), "column")
            .node("ReduceMax", List.of("column"), "bound", "keepdims", 0)
            .node("Greater", List.of("most", "bound"), "go")
            .endlessLoop("go", "z", "end", new OnnxBytes().node("Sin", List.of("state"), "next"))
            .node("Sigmoid", List.of("end"), "p"));
  }

  private String uri(byte[] model) throws IOException {
    return Files.write(Files.createTempFile(dir, "model", ".onnx"), model).toUri().toString();
  }
}
