package dev.millrace.scoring.explain;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import ai.onnx.proto.OnnxMl.AttributeProto;
import ai.onnx.proto.OnnxMl.GraphProto;
import ai.onnx.proto.OnnxMl.ModelProto;
import ai.onnx.proto.OnnxMl.NodeProto;
import ai.onnx.proto.OnnxMl.OperatorSetIdProto;
import ai.onnx.proto.OnnxMl.TensorProto;
import ai.onnx.proto.OnnxMl.TensorShapeProto;
import ai.onnx.proto.OnnxMl.TypeProto;
import ai.onnx.proto.OnnxMl.ValueInfoProto;
import com.google.protobuf.ByteString;
import dev.millrace.scoring.explain.Contributions.Method;
import dev.millrace.scoring.explain.Contributions.Unit;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Objects;
import java.util.Random;
import java.util.function.ToDoubleFunction;
import java.util.function.UnaryOperator;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ContributionsTest {

  private static final int INPUTS = 5;
  private static final List<String> NAMES = List.of("a", "b", "c", "d", "e");

  private final Path folder;

  ContributionsTest(@TempDir Path folder) {
    this.folder = folder;
  }

  /** A tree as a person would write it down. */
  private record Tree(
      int feature,
      float below,
      boolean missingBelow,
      @Nullable Tree yes,
      @Nullable Tree no,
      float weight) {

    static Tree random(Random random, int depth) {
      if (depth == 0 || random.nextInt(6) == 0) {
        return new Tree(-1, 0, false, null, null, (float) random.nextGaussian());
      }
      return new Tree(
          random.nextInt(INPUTS),
          (float) random.nextGaussian(),
          random.nextBoolean(),
          random(random, depth - 1),
          random(random, depth - 1),
          0);
    }

    double of(double[] row) {
      if (yes == null || no == null) {
        return weight;
      }
      double value = row[feature];
      boolean goes = Double.isNaN(value) ? missingBelow : (float) value < below;
      return goes ? yes.of(row) : no.of(row);
    }
  }

  /**
   * The definition: over all sets of the other inputs, what an input adds, weighted by how many
   * orders have just that set before it.
   */
  private static double[] bruteForce(
      ToDoubleFunction<double[]> model, double[] row, double[][] background) {
    int n = row.length;
    double[] ofSet = new double[1 << n];
    for (int set = 0; set < ofSet.length; set++) {
      for (double[] other : background) {
        double[] mixed = other.clone();
        for (int i = 0; i < n; i++) {
          if ((set >> i & 1) == 1) {
            mixed[i] = row[i];
          }
        }
        ofSet[set] += model.applyAsDouble(mixed) / background.length;
      }
    }
    double[] values = new double[n];
    for (int i = 0; i < n; i++) {
      for (int set = 0; set < ofSet.length; set++) {
        if ((set >> i & 1) == 0) {
          int size = Integer.bitCount(set);
          double orders = factorial(size) * factorial(n - size - 1) / factorial(n);
          values[i] += orders * (ofSet[set | 1 << i] - ofSet[set]);
        }
      }
    }
    return values;
  }

  private static double factorial(int n) {
    return IntStream.rangeClosed(1, n).asDoubleStream().reduce(1, (a, b) -> a * b);
  }

  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3, 4, 5})
  void treesAreExact(long seed) throws Exception {
    Random random = new Random(seed);
    List<Tree> trees = new ArrayList<>();
    for (int i = 0; i < 7; i++) {
      trees.add(Tree.random(random, 5));
    }
    float base = -0.3f;
    double[][] background = rows(random, 9);
    ToDoubleFunction<double[]> margin =
        row -> base + trees.stream().mapToDouble(t -> t.of(row)).sum();
    try (Explanation explanation = open(trees(trees, base))) {
      for (double[] row : rows(random, 20)) {
        Contributions found = explanation.contributions(row, background, 1);
        assertThat(found.method()).isEqualTo(Method.TREES);
        assertThat(found.unit()).isEqualTo(Unit.LOG_ODDS);
        assertThat(found.errors()).isNull();
        assertClose(found.values(), bruteForce(margin, row, background), 1e-9);
        assertAddsUp(found);
        double score = explanation.score(row);
        assertThat(found.score()).isCloseTo(score, within(1e-6));
      }
    }
  }

  @Test
  void weightedSumsAreExact() throws Exception {
    Random random = new Random(3);
    float[] weights = {0.5f, -1.25f, 0, 2, 0.125f};
    double[][] background = finite(random, 12);
    ToDoubleFunction<double[]> margin =
        row ->
            IntStream.range(0, INPUTS).mapToDouble(i -> (double) weights[i] * (float) row[i]).sum()
                + 0.75;
    try (Explanation explanation = open(linear(weights, 0.75f))) {
      for (double[] row : finite(random, 10)) {
        Contributions found = explanation.contributions(row, background, 1);
        assertThat(found.method()).isEqualTo(Method.LINEAR);
        assertClose(found.values(), bruteForce(margin, row, background), 1e-9);
        assertAddsUp(found);
        assertThat(Math.abs(found.values().get(2))).isZero();
      }
    }
  }

  @Test
  void whateverElseThereIsIsTriedOutWithAnError() throws Exception {
    Random random = new Random(4);
    double[][] background = finite(random, 6);
    try (Explanation explanation = open(squared())) {
      int within = 0;
      int all = 0;
      for (double[] row : finite(random, 10)) {
        Contributions found = explanation.contributions(row, background, 9);
        assertThat(found.method()).isEqualTo(Method.SAMPLED);
        assertThat(found.unit()).isEqualTo(Unit.SCORE);
        assertThat(found.value()).isEqualTo(explanation.score(row));
        assertAddsUp(found);
        double[] exact = bruteForce(explanation::score, row, background);
        List<Double> errors = Objects.requireNonNull(found.errors());
        for (int i = 0; i < INPUTS; i++) {
          all++;
          within += Math.abs(found.values().get(i) - exact[i]) <= errors.get(i) + 1e-6 ? 1 : 0;
        }
        assertThat(explanation.contributions(row, background, 9)).isEqualTo(found);
      }
      // 95 % are said to be.
      assertThat(within).isGreaterThan(all * 85 / 100);
    }
  }

  @Test
  void treesThatCannotBeReadAreTriedOut() throws Exception {
    Random random = new Random(6);
    double[][] background = finite(random, 6);
    ModelProto whole = trees(List.of(Tree.random(random, 5), Tree.random(random, 5)), 0.5f);
    // ONNX Runtime passes over a node that is nobody's child.
    ModelProto model =
        withAttributes(
            whole,
            a ->
                switch (a.getName()) {
                  case "nodes_treeids" -> a.addInts(1);
                  case "nodes_nodeids", "nodes_featureids" -> a.addInts(900);
                  case "nodes_values" -> a.addFloats(0);
                  case "nodes_modes" -> a.addStrings(ByteString.copyFromUtf8("BRANCH_LT"));
                  case "nodes_truenodeids", "nodes_falsenodeids" -> a.addInts(1);
                  case "nodes_missing_value_tracks_true" -> a.addInts(0);
                  default -> a;
                });
    try (Explanation explanation = open(model)) {
      assertThat(explanation.flaw()).isEqualTo("a node asks for input 900 of 5");
      Contributions found = explanation.contributions(finite(random, 1)[0], background, 9);
      assertThat(found.method()).isEqualTo(Method.SAMPLED);
      assertAddsUp(found);
    }
    try (Explanation explanation = open(whole)) {
      assertThat(explanation.flaw()).isNull();
    }
  }

  @Test
  void whatIsWrongWithTreesIsTold() {
    Tree leaf = new Tree(-1, 0, false, null, null, 1);
    ModelProto whole = trees(List.of(new Tree(0, 0, false, leaf, leaf, 0)), 0);
    assertThat(flaw(whole)).isNull();
    assertThat(flaw(with(whole, "nodes_truenodeids", a -> a.setInts(0, 0)))).contains("circle");
    assertThat(flaw(with(whole, "nodes_featureids", a -> a.setInts(0, 5))))
        .contains("input 5 of 5");
    assertThat(flaw(with(whole, "nodes_featureids", a -> a.setInts(0, 1L << 40)))).isNotNull();
    assertThat(flaw(with(whole, "nodes_falsenodeids", AttributeProto.Builder::clearInts)))
        .isNotNull();
    assertThat(
            flaw(
                with(
                    whole,
                    "nodes_modes",
                    a -> a.setStrings(0, ByteString.copyFromUtf8("BRANCH_MEMBER")))))
        .contains("BRANCH_MEMBER");
  }

  private static @Nullable String flaw(ModelProto model) {
    return ModelForm.of(model.toByteArray(), INPUTS).flaw();
  }

  private static ModelProto with(
      ModelProto model, String name, UnaryOperator<AttributeProto.Builder> change) {
    return withAttributes(model, a -> a.getName().equals(name) ? change.apply(a) : a);
  }

  /** The model with other attributes of its first node. */
  private static ModelProto withAttributes(
      ModelProto model, UnaryOperator<AttributeProto.Builder> change) {
    ModelProto.Builder changed = model.toBuilder();
    NodeProto.Builder node = changed.getGraphBuilder().getNodeBuilder(0);
    for (int i = 0; i < node.getAttributeCount(); i++) {
      node.setAttribute(i, change.apply(node.getAttribute(i).toBuilder()));
    }
    return changed.build();
  }

  private static void assertAddsUp(Contributions found) {
    double sum = found.base() + found.values().stream().mapToDouble(v -> v).sum();
    assertThat(sum).isCloseTo(found.value(), within(1e-6));
  }

  private static void assertClose(List<Double> values, double[] expected, double tolerance) {
    assertThat(values).hasSize(expected.length);
    for (int i = 0; i < expected.length; i++) {
      assertThat(values.get(i)).isCloseTo(expected[i], within(tolerance));
    }
  }

  private static double[][] rows(Random random, int count) {
    double[][] rows = finite(random, count);
    for (double[] row : rows) {
      if (random.nextInt(3) == 0) {
        row[random.nextInt(INPUTS)] = Double.NaN;
      }
    }
    return rows;
  }

  private static double[][] finite(Random random, int count) {
    double[][] rows = new double[count][INPUTS];
    for (double[] row : rows) {
      for (int i = 0; i < INPUTS; i++) {
        row[i] = random.nextGaussian();
      }
    }
    return rows;
  }

  private Explanation open(ModelProto model) throws Exception {
    byte[] bytes = model.toByteArray();
    Path file = folder.resolve("model.onnx");
    Files.write(file, bytes);
    String sha256 = HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(bytes));
    return Explanation.open(file, sha256, NAMES);
  }

  /** The nodes of all trees, in the form of TreeEnsembleRegressor. */
  private static final class Nodes {
    final AttributeProto.Builder treeIds = longs("nodes_treeids");
    final AttributeProto.Builder nodeIds = longs("nodes_nodeids");
    final AttributeProto.Builder features = longs("nodes_featureids");
    final AttributeProto.Builder thresholds = floats("nodes_values");
    final AttributeProto.Builder modes =
        AttributeProto.newBuilder()
            .setName("nodes_modes")
            .setType(AttributeProto.AttributeType.STRINGS);
    final AttributeProto.Builder yes = longs("nodes_truenodeids");
    final AttributeProto.Builder no = longs("nodes_falsenodeids");
    final AttributeProto.Builder missing = longs("nodes_missing_value_tracks_true");
    final AttributeProto.Builder leafTrees = longs("target_treeids");
    final AttributeProto.Builder leafNodes = longs("target_nodeids");
    final AttributeProto.Builder targets = longs("target_ids");
    final AttributeProto.Builder weights = floats("target_weights");

    /** Adds a node with number {@code id} and those below it; returns the next free number. */
    int add(int tree, int id, Tree node) {
      boolean leaf = node.yes == null || node.no == null;
      treeIds.addInts(tree);
      nodeIds.addInts(id);
      features.addInts(leaf ? 0 : node.feature);
      thresholds.addFloats(node.below);
      modes.addStrings(ByteString.copyFromUtf8(leaf ? "LEAF" : "BRANCH_LT"));
      missing.addInts(node.missingBelow ? 1 : 0);
      int place = yes.getIntsCount();
      yes.addInts(0);
      no.addInts(0);
      if (node.yes == null || node.no == null) {
        leafTrees.addInts(tree);
        leafNodes.addInts(id);
        targets.addInts(0);
        weights.addFloats(node.weight);
        return id + 1;
      }
      yes.setInts(place, id + 1);
      int next = add(tree, id + 1, node.yes);
      no.setInts(place, next);
      return add(tree, next, node.no);
    }

    private static AttributeProto.Builder longs(String name) {
      return AttributeProto.newBuilder().setName(name).setType(AttributeProto.AttributeType.INTS);
    }

    private static AttributeProto.Builder floats(String name) {
      return AttributeProto.newBuilder().setName(name).setType(AttributeProto.AttributeType.FLOATS);
    }
  }

  private static ModelProto trees(List<Tree> trees, float base) {
    Nodes nodes = new Nodes();
    for (int tree = 0; tree < trees.size(); tree++) {
      int unused = nodes.add(tree, 0, trees.get(tree));
    }
    NodeProto ensemble =
        NodeProto.newBuilder()
            .setOpType("TreeEnsembleRegressor")
            .setDomain("ai.onnx.ml")
            .addInput("x")
            .addOutput("z")
            .addAttribute(
                AttributeProto.newBuilder()
                    .setName("n_targets")
                    .setType(AttributeProto.AttributeType.INT)
                    .setI(1))
            .addAttribute(
                AttributeProto.newBuilder()
                    .setName("base_values")
                    .setType(AttributeProto.AttributeType.FLOATS)
                    .addFloats(base))
            .addAttribute(nodes.treeIds)
            .addAttribute(nodes.nodeIds)
            .addAttribute(nodes.features)
            .addAttribute(nodes.thresholds)
            .addAttribute(nodes.modes)
            .addAttribute(nodes.yes)
            .addAttribute(nodes.no)
            .addAttribute(nodes.missing)
            .addAttribute(nodes.leafTrees)
            .addAttribute(nodes.leafNodes)
            .addAttribute(nodes.targets)
            .addAttribute(nodes.weights)
            .build();
    return model(GraphProto.newBuilder().addNode(ensemble).addNode(node("Sigmoid", "p", "z")));
  }

  private static ModelProto linear(float[] weights, float intercept) {
    return model(
        GraphProto.newBuilder()
            .addInitializer(constant("w", weights, INPUTS, 1))
            .addInitializer(constant("b", new float[] {intercept}, 1))
            .addNode(node("MatMul", "s", "x", "w"))
            .addNode(node("Add", "z", "s", "b"))
            .addNode(node("Sigmoid", "p", "z")));
  }

  /** A sum of squares is no weighted sum. */
  private static ModelProto squared() {
    return model(
        GraphProto.newBuilder()
            .addInitializer(constant("w", new float[] {1, 0.5f, -1, 0.2f, 0.7f}, INPUTS, 1))
            .addNode(node("MatMul", "s", "x", "w"))
            .addNode(node("Mul", "z", "s", "s"))
            .addNode(node("Sigmoid", "p", "z")));
  }

  private static NodeProto node(String operator, String output, String... inputs) {
    return NodeProto.newBuilder()
        .setOpType(operator)
        .addAllInput(List.of(inputs))
        .addOutput(output)
        .build();
  }

  private static TensorProto constant(String name, float[] values, long... shape) {
    TensorProto.Builder tensor =
        TensorProto.newBuilder().setName(name).setDataType(TensorProto.DataType.FLOAT_VALUE);
    for (long side : shape) {
      tensor.addDims(side);
    }
    for (float value : values) {
      tensor.addFloatData(value);
    }
    return tensor.build();
  }

  private static ModelProto model(GraphProto.Builder graph) {
    return ModelProto.newBuilder()
        .setIrVersion(8)
        .addOpsetImport(OperatorSetIdProto.newBuilder().setDomain("").setVersion(15))
        .addOpsetImport(OperatorSetIdProto.newBuilder().setDomain("ai.onnx.ml").setVersion(3))
        .setGraph(
            graph.setName("test").addInput(value("x", INPUTS)).addOutput(value("p", 1)).build())
        .build();
  }

  private static ValueInfoProto value(String name, int columns) {
    TensorShapeProto.Builder shape = TensorShapeProto.newBuilder();
    shape.addDimBuilder().setDimParam("rows");
    shape.addDimBuilder().setDimValue(columns);
    return ValueInfoProto.newBuilder()
        .setName(name)
        .setType(
            TypeProto.newBuilder()
                .setTensorType(
                    TypeProto.Tensor.newBuilder()
                        .setElemType(TensorProto.DataType.FLOAT_VALUE)
                        .setShape(shape)))
        .build();
  }
}
