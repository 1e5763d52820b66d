package dev.millrace.scoring.explain;

import ai.onnx.proto.OnnxMl.AttributeProto;
import ai.onnx.proto.OnnxMl.GraphProto;
import ai.onnx.proto.OnnxMl.ModelProto;
import ai.onnx.proto.OnnxMl.NodeProto;
import ai.onnx.proto.OnnxMl.TensorProto;
import com.google.protobuf.ByteString;
import com.google.protobuf.InvalidProtocolBufferException;
import dev.millrace.scoring.explain.Contributions.Unit;
import java.nio.ByteOrder;
import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Finds in an ONNX file a chain from its only input to its only output that is a weighted sum or a
 * sum of trees, and after it nothing but the logistic function. Whatever else there is makes it a
 * model that is tried out instead.
 */
final class FormReader {

  private static final Set<String> SHAPES =
      Set.of("Identity", "Reshape", "Squeeze", "Unsqueeze", "Flatten");

  private final int inputs;
  private final Map<String, TensorProto> constants = new HashMap<>();

  private double @Nullable [] weights;
  private double intercept;
  private @Nullable TreeForm trees;
  private Unit unit = Unit.SCORE;

  private FormReader(GraphProto graph, int inputs) {
    this.inputs = inputs;
    graph.getInitializerList().forEach(tensor -> constants.put(tensor.getName(), tensor));
  }

  /** What ONNX Runtime takes need not be whole: of trees it passes over what it does not need. */
  static ModelForm.Found read(byte[] onnx, int inputs) {
    try {
      GraphProto graph = ModelProto.parseFrom(onnx).getGraph();
      return new ModelForm.Found(new FormReader(graph, inputs).form(graph), null);
    } catch (InvalidProtocolBufferException e) {
      return new ModelForm.Found(null, null);
    } catch (IllegalArgumentException | IndexOutOfBoundsException | ArithmeticException e) {
      return new ModelForm.Found(null, String.valueOf(e.getMessage()));
    }
  }

  private @Nullable ModelForm form(GraphProto graph) {
    List<String> given =
        graph.getInputList().stream()
            .map(input -> input.getName())
            .filter(name -> !constants.containsKey(name))
            .toList();
    if (given.size() != 1 || graph.getOutputCount() != 1) {
      return null;
    }
    String at = given.get(0);
    for (NodeProto node : graph.getNodeList()) {
      if (node.getOutputCount() != 1
          || node.getInputCount() == 0
          || node.getInputList().stream().filter(at::equals).count() != 1
          || node.getInputList().stream()
              .anyMatch(i -> !i.equals(given(node)) && !constants.containsKey(i))
          || !given(node).equals(at)
          || !take(node)) {
        return null;
      }
      at = node.getOutput(0);
    }
    if (!at.equals(graph.getOutput(0).getName())) {
      return null;
    }
    TreeForm of = trees;
    if (of != null) {
      return new TreeForm(
          of.roots(),
          of.features(),
          of.thresholds(),
          of.modes(),
          of.yes(),
          of.no(),
          of.missingYes(),
          of.weights(),
          of.base() + intercept,
          unit);
    }
    double[] linear = weights;
    return linear == null ? null : new LinearForm(linear, intercept, unit);
  }

  /** The input of a node that is no constant. */
  private String given(NodeProto node) {
    return node.getInputList().stream()
        .filter(i -> !constants.containsKey(i))
        .findFirst()
        .orElse("");
  }

  private boolean take(NodeProto node) {
    boolean summed = weights != null || trees != null;
    if (unit == Unit.LOG_ODDS) {
      return SHAPES.contains(node.getOpType());
    }
    return switch (node.getOpType()) {
      case "MatMul" -> !summed && product(node);
      case "Gemm" -> !summed && gemm(node);
      case "Add" -> summed && sum(node);
      case "LinearRegressor" -> !summed && regressor(node);
      case "TreeEnsembleRegressor" -> !summed && ensemble(node);
      case "Sigmoid" -> {
        unit = Unit.LOG_ODDS;
        yield summed;
      }
      default -> summed && SHAPES.contains(node.getOpType());
    };
  }

  private boolean product(NodeProto node) {
    if (!constants.containsKey(node.getInput(1))) {
      return false;
    }
    weights = column(node.getInput(1));
    return weights != null;
  }

  private boolean gemm(NodeProto node) {
    Map<String, AttributeProto> attributes = attributes(node);
    if (number(attributes, "alpha", 1) != 1
        || number(attributes, "beta", 1) != 1
        || integer(attributes, "transA", 0) != 0
        || !product(node)) {
      return false;
    }
    return node.getInputCount() < 3 || added(node.getInput(2));
  }

  private boolean sum(NodeProto node) {
    return added(constants.containsKey(node.getInput(1)) ? node.getInput(1) : node.getInput(0));
  }

  private boolean added(String constant) {
    double[] values = values(constants.get(constant));
    if (values == null || values.length != 1) {
      return false;
    }
    intercept += values[0];
    return true;
  }

  private boolean regressor(NodeProto node) {
    Map<String, AttributeProto> attributes = attributes(node);
    double[] coefficients = doubles(attributes, "coefficients");
    double[] intercepts = doubles(attributes, "intercepts");
    if (coefficients.length != inputs || intercepts.length > 1 || !transformed(attributes)) {
      return false;
    }
    weights = coefficients;
    intercept = intercepts.length == 0 ? 0 : intercepts[0];
    return true;
  }

  private double @Nullable [] column(String constant) {
    double[] values = values(constants.get(constant));
    return values == null || values.length != inputs ? null : values;
  }

  private static double @Nullable [] values(@Nullable TensorProto tensor) {
    if (tensor == null || tensor.getDataType() != TensorProto.DataType.FLOAT_VALUE) {
      return null;
    }
    if (tensor.getFloatDataCount() > 0) {
      return tensor.getFloatDataList().stream().mapToDouble(Float::doubleValue).toArray();
    }
    var floats =
        tensor.getRawData().asReadOnlyByteBuffer().order(ByteOrder.LITTLE_ENDIAN).asFloatBuffer();
    double[] values = new double[floats.remaining()];
    for (int i = 0; i < values.length; i++) {
      values[i] = floats.get(i);
    }
    return values;
  }

  private boolean ensemble(NodeProto node) {
    Map<String, AttributeProto> attributes = attributes(node);
    double[] base = doubles(attributes, "base_values");
    if (!text(attributes, "aggregate_function", "SUM").equals("SUM")
        || integer(attributes, "n_targets", 1) != 1
        || longs(attributes, "target_ids").stream().anyMatch(id -> id != 0)
        || base.length > 1
        || !transformed(attributes)) {
      return false;
    }
    TreeForm found = trees(attributes, base.length == 0 ? 0 : base[0]);
    if (found != null) {
      check(found);
    }
    trees = found;
    return found != null;
  }

  /** Refuses trees that go round in circles, or ask for an input that there is not. */
  private void check(TreeForm found) {
    int size = found.features().length;
    int[] parents = new int[size];
    for (int node = 0; node < size; node++) {
      int feature = found.features()[node];
      if (feature != TreeForm.LEAF) {
        if (feature < 0 || feature >= inputs) {
          throw new IllegalArgumentException(
              "a node asks for input %d of %d".formatted(feature, inputs));
        }
        parents[found.yes()[node]]++;
        parents[found.no()[node]]++;
      }
    }
    ArrayDeque<Integer> open = new ArrayDeque<>();
    for (int node = 0; node < size; node++) {
      if (parents[node] == 0) {
        open.add(node);
      }
    }
    int passed = 0;
    for (Integer node = open.poll(); node != null; node = open.poll()) {
      passed++;
      if (found.features()[node] != TreeForm.LEAF) {
        for (int child : new int[] {found.yes()[node], found.no()[node]}) {
          if (--parents[child] == 0) {
            open.add(child);
          }
        }
      }
    }
    if (passed < size) {
      throw new IllegalArgumentException("its nodes go round in a circle");
    }
  }

  private static @Nullable TreeForm trees(Map<String, AttributeProto> attributes, double base) {
    List<Long> treeIds = longs(attributes, "nodes_treeids");
    List<Long> nodeIds = longs(attributes, "nodes_nodeids");
    int size = treeIds.size();
    Map<List<Long>, Integer> places = new HashMap<>();
    for (int i = 0; i < size; i++) {
      places.put(List.of(treeIds.get(i), nodeIds.get(i)), i);
    }
    AttributeProto modeTexts = attributes.get("nodes_modes");
    AttributeProto values = attributes.get("nodes_values");
    if (modeTexts == null || values == null || modeTexts.getStringsCount() != size) {
      return null;
    }
    int[] features = new int[size];
    float[] thresholds = new float[size];
    TreeForm.Mode[] modes = new TreeForm.Mode[size];
    int[] yes = new int[size];
    int[] no = new int[size];
    boolean[] missing = new boolean[size];
    Set<Integer> children = new HashSet<>();
    List<Long> missingYes = longs(attributes, "nodes_missing_value_tracks_true");
    for (int i = 0; i < size; i++) {
      modes[i] = mode(modeTexts.getStrings(i));
      features[i] = TreeForm.LEAF;
      if (modes[i] != TreeForm.Mode.LEAF) {
        features[i] = Math.toIntExact(longs(attributes, "nodes_featureids").get(i));
        thresholds[i] = values.getFloats(i);
        yes[i] = place(places, treeIds.get(i), longs(attributes, "nodes_truenodeids").get(i));
        no[i] = place(places, treeIds.get(i), longs(attributes, "nodes_falsenodeids").get(i));
        missing[i] = !missingYes.isEmpty() && missingYes.get(i) != 0;
        children.addAll(List.of(yes[i], no[i]));
      }
    }
    double[] weights = new double[size];
    List<Long> leafTrees = longs(attributes, "target_treeids");
    List<Long> leafNodes = longs(attributes, "target_nodeids");
    double[] leafWeights = doubles(attributes, "target_weights");
    for (int i = 0; i < leafWeights.length; i++) {
      weights[place(places, leafTrees.get(i), leafNodes.get(i))] += leafWeights[i];
    }
    int[] roots =
        places.values().stream().mapToInt(i -> i).filter(i -> !children.contains(i)).toArray();
    Arrays.sort(roots);
    return new TreeForm(
        roots, features, thresholds, modes, yes, no, missing, weights, base, Unit.SCORE);
  }

  private static TreeForm.Mode mode(ByteString text) {
    return TreeForm.Mode.valueOf(text.toStringUtf8());
  }

  private static int place(Map<List<Long>, Integer> places, long tree, long node) {
    Integer place = places.get(List.of(tree, node));
    if (place == null) {
      throw new IllegalArgumentException("tree " + tree + " has no node " + node);
    }
    return place;
  }

  /** Takes what follows the sum; false where that is not known. */
  private boolean transformed(Map<String, AttributeProto> attributes) {
    String transform = text(attributes, "post_transform", "NONE");
    if (transform.equals("LOGISTIC")) {
      unit = Unit.LOG_ODDS;
      return true;
    }
    return transform.equals("NONE");
  }

  private static Map<String, AttributeProto> attributes(NodeProto node) {
    Map<String, AttributeProto> attributes = new HashMap<>();
    node.getAttributeList().forEach(a -> attributes.put(a.getName(), a));
    return attributes;
  }

  private static List<Long> longs(Map<String, AttributeProto> attributes, String name) {
    AttributeProto found = attributes.get(name);
    return found == null ? List.of() : found.getIntsList();
  }

  private static double[] doubles(Map<String, AttributeProto> attributes, String name) {
    AttributeProto found = attributes.get(name);
    return found == null
        ? new double[0]
        : found.getFloatsList().stream().mapToDouble(Float::doubleValue).toArray();
  }

  private static String text(Map<String, AttributeProto> attributes, String name, String absent) {
    AttributeProto found = attributes.get(name);
    return found == null ? absent : found.getS().toStringUtf8();
  }

  private static long integer(Map<String, AttributeProto> attributes, String name, long absent) {
    AttributeProto found = attributes.get(name);
    return found == null ? absent : found.getI();
  }

  private static double number(Map<String, AttributeProto> attributes, String name, double absent) {
    AttributeProto found = attributes.get(name);
    return found == null ? absent : found.getF();
  }
}
