package dev.millrace.trainer;

import ai.onnx.proto.OnnxMl.AttributeProto;
import ai.onnx.proto.OnnxMl.GraphProto;
import ai.onnx.proto.OnnxMl.ModelProto;
import ai.onnx.proto.OnnxMl.NodeProto;
import ai.onnx.proto.OnnxMl.OperatorSetIdProto;
import ai.onnx.proto.OnnxMl.StringStringEntryProto;
import ai.onnx.proto.OnnxMl.TensorProto;
import ai.onnx.proto.OnnxMl.TensorShapeProto;
import ai.onnx.proto.OnnxMl.TypeProto;
import ai.onnx.proto.OnnxMl.ValueInfoProto;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.google.protobuf.ByteString;
import dev.millrace.scoring.OnnxModel;
import java.io.IOException;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;

/**
 * An XGBoost model of binary classification as ONNX: its trees as one {@code
 * TreeEnsembleRegressor}, whose sum goes through {@code Sigmoid} into one probability a row.
 *
 * <p>What has to be right:
 *
 * <ul>
 *   <li>{@code base_score} is a probability in XGBoost's file and a margin in ONNX: its logit.
 *   <li>XGBoost goes left where x &lt; t, which is BRANCH_LT; the default of ONNX is x &lt;= t.
 *   <li>A missing value (NaN) goes where the node's {@code default_left} says.
 *   <li>Nodes that pruning left behind are in the file and not in the tree: only what the root
 *       reaches is written.
 * </ul>
 *
 * <p>The same model gives the same bytes. What cannot be converted is refused: other objectives and
 * boosters, several classes or targets, categorical splits.
 */
public final class XgboostToOnnx {

  /** The versions that a model's file names; ONNX Runtime since 1.15 reads them. */
  public static final int OPSET = 15;

  public static final int ML_OPSET = 3;
  private static final int IR_VERSION = 8;

  private static final String INPUT = "input";
  private static final String MARGIN = "margin";
  private static final String OUTPUT = "probability";

  private static final ObjectMapper JSON = new ObjectMapper();

  private final List<Long> treeIds = new ArrayList<>();
  private final List<Long> nodeIds = new ArrayList<>();
  private final List<Long> featureIds = new ArrayList<>();
  private final List<Float> thresholds = new ArrayList<>();
  private final List<ByteString> modes = new ArrayList<>();
  private final List<Long> lefts = new ArrayList<>();
  private final List<Long> rights = new ArrayList<>();
  private final List<Long> missingLeft = new ArrayList<>();
  private final List<Long> leafTrees = new ArrayList<>();
  private final List<Long> leafNodes = new ArrayList<>();
  private final List<Float> leafWeights = new ArrayList<>();

  private XgboostToOnnx() {}

  /** A model that has no equal in ONNX, or none that this class writes. */
  public static final class UnconvertibleException extends IOException {
    private static final long serialVersionUID = 1L;

    UnconvertibleException(String why) {
      super(
          "Cannot convert the XGBoost model to ONNX: "
              + why
              + "; train with objective binary:logistic, booster gbtree and numeric inputs");
    }
  }

  /**
   * Converts a model.
   *
   * @param xgboostJson what {@code Booster.toByteArray("json")} gives
   * @param inputNames the model's inputs in order; written to the file's metadata
   * @param trees how many trees count, from the first on
   */
  public static byte[] convert(byte[] xgboostJson, List<String> inputNames, int trees)
      throws IOException {
    JsonNode learner = JSON.readTree(xgboostJson).path("learner");
    JsonNode booster = learner.path("gradient_booster");
    require("objective", "binary:logistic", learner.path("objective").path("name").asText());
    require("booster", "gbtree", booster.path("name").asText());
    JsonNode parameters = learner.path("learner_model_param");
    require("num_class", "0", parameters.path("num_class").asText("0"));
    require("num_target", "1", parameters.path("num_target").asText("1"));
    int features = Integer.parseInt(parameters.path("num_feature").asText());
    if (features != inputNames.size()) {
      throw new UnconvertibleException(
          "it has %d features, the signature names %d".formatted(features, inputNames.size()));
    }
    JsonNode all = booster.path("model").path("trees");
    if (trees < 1 || trees > all.size()) {
      throw new UnconvertibleException(
          "%d trees are wanted, it has %d".formatted(trees, all.size()));
    }
    XgboostToOnnx onnx = new XgboostToOnnx();
    for (int tree = 0; tree < trees; tree++) {
      onnx.tree(tree, all.get(tree));
    }
    double base = baseScore(parameters.path("base_score").asText());
    return onnx.model(inputNames, (float) Math.log(base / (1 - base)));
  }

  private void tree(int tree, JsonNode node) throws UnconvertibleException {
    if (Integer.parseInt(node.path("tree_param").path("size_leaf_vector").asText("1")) > 1) {
      throw new UnconvertibleException("tree " + tree + " has leaves of several values");
    }
    if (!node.path("categories_nodes").isEmpty()) {
      throw new UnconvertibleException("tree " + tree + " splits by category");
    }
    JsonNode left = node.path("left_children");
    JsonNode right = node.path("right_children");
    JsonNode conditions = node.path("split_conditions");
    JsonNode splits = node.path("split_indices");
    JsonNode defaultLeft = node.path("default_left");
    Deque<Integer> open = new ArrayDeque<>();
    open.push(0);
    while (!open.isEmpty()) {
      int at = open.pop();
      float value = (float) conditions.path(at).asDouble();
      boolean leaf = left.path(at).asInt() < 0;
      treeIds.add((long) tree);
      nodeIds.add((long) at);
      modes.add(ByteString.copyFromUtf8(leaf ? "LEAF" : "BRANCH_LT"));
      featureIds.add(leaf ? 0L : splits.path(at).asLong());
      thresholds.add(leaf ? 0f : value);
      lefts.add(leaf ? 0L : left.path(at).asLong());
      rights.add(leaf ? 0L : right.path(at).asLong());
      // A boolean in newer files, 0 or 1 in older ones: asBoolean takes both.
      missingLeft.add(!leaf && defaultLeft.path(at).asBoolean() ? 1L : 0L);
      if (leaf) {
        leafTrees.add((long) tree);
        leafNodes.add((long) at);
        leafWeights.add(value);
      } else {
        open.push(right.path(at).asInt());
        open.push(left.path(at).asInt());
      }
    }
  }

  private byte[] model(List<String> inputNames, float baseMargin) {
    NodeProto.Builder trees =
        NodeProto.newBuilder()
            .setOpType("TreeEnsembleRegressor")
            .setName("trees")
            .setDomain("ai.onnx.ml")
            .addInput(INPUT)
            .addOutput(MARGIN)
            .addAttribute(text("aggregate_function", "SUM"))
            .addAttribute(text("post_transform", "NONE"))
            .addAttribute(
                AttributeProto.newBuilder()
                    .setName("n_targets")
                    .setType(AttributeProto.AttributeType.INT)
                    .setI(1))
            .addAttribute(floats("base_values", List.of(baseMargin)))
            .addAttribute(longs("nodes_treeids", treeIds))
            .addAttribute(longs("nodes_nodeids", nodeIds))
            .addAttribute(longs("nodes_featureids", featureIds))
            .addAttribute(floats("nodes_values", thresholds))
            .addAttribute(
                AttributeProto.newBuilder()
                    .setName("nodes_modes")
                    .setType(AttributeProto.AttributeType.STRINGS)
                    .addAllStrings(modes))
            .addAttribute(longs("nodes_truenodeids", lefts))
            .addAttribute(longs("nodes_falsenodeids", rights))
            .addAttribute(longs("nodes_missing_value_tracks_true", missingLeft))
            .addAttribute(longs("target_treeids", leafTrees))
            .addAttribute(longs("target_nodeids", leafNodes))
            .addAttribute(longs("target_ids", leafTrees.stream().map(t -> 0L).toList()))
            .addAttribute(floats("target_weights", leafWeights));
    GraphProto graph =
        GraphProto.newBuilder()
            .setName("xgboost")
            .addInput(value(INPUT, inputNames.size()))
            .addNode(trees)
            .addNode(
                NodeProto.newBuilder()
                    .setOpType("Sigmoid")
                    .setName("sigmoid")
                    .addInput(MARGIN)
                    .addOutput(OUTPUT))
            .addOutput(value(OUTPUT, 1))
            .build();
    return ModelProto.newBuilder()
        .setIrVersion(IR_VERSION)
        .setProducerName("millrace")
        .addOpsetImport(OperatorSetIdProto.newBuilder().setDomain("").setVersion(OPSET))
        .addOpsetImport(
            OperatorSetIdProto.newBuilder().setDomain("ai.onnx.ml").setVersion(ML_OPSET))
        .setGraph(graph)
        .addMetadataProps(
            StringStringEntryProto.newBuilder()
                .setKey(OnnxModel.INPUT_NAMES)
                .setValue(String.join(",", inputNames)))
        .build()
        .toByteArray();
  }

  /** Newer files write a list of one, {@code [2.1E-1]}. */
  private static double baseScore(String text) throws UnconvertibleException {
    double base = Double.parseDouble(text.replace("[", "").replace("]", ""));
    if (!(base > 0 && base < 1)) {
      throw new UnconvertibleException("base_score " + text + " is no probability");
    }
    // XGBoost holds it as float, and takes the logit of that.
    return (float) base;
  }

  private static void require(String what, String wanted, String found)
      throws UnconvertibleException {
    if (!found.equals(wanted)) {
      throw new UnconvertibleException(what + " is " + found + ", not " + wanted);
    }
  }

  private static AttributeProto text(String name, String value) {
    return AttributeProto.newBuilder()
        .setName(name)
        .setType(AttributeProto.AttributeType.STRING)
        .setS(ByteString.copyFromUtf8(value))
        .build();
  }

  private static AttributeProto longs(String name, List<Long> values) {
    return AttributeProto.newBuilder()
        .setName(name)
        .setType(AttributeProto.AttributeType.INTS)
        .addAllInts(values)
        .build();
  }

  private static AttributeProto floats(String name, List<Float> values) {
    return AttributeProto.newBuilder()
        .setName(name)
        .setType(AttributeProto.AttributeType.FLOATS)
        .addAllFloats(values)
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
