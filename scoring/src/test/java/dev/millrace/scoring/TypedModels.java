package dev.millrace.scoring;

import ai.onnx.proto.OnnxMl.AttributeProto;
import ai.onnx.proto.OnnxMl.GraphProto;
import ai.onnx.proto.OnnxMl.ModelProto;
import ai.onnx.proto.OnnxMl.NodeProto;
import ai.onnx.proto.OnnxMl.OperatorSetIdProto;
import ai.onnx.proto.OnnxMl.TensorProto;
import ai.onnx.proto.OnnxMl.TypeProto;
import ai.onnx.proto.OnnxMl.ValueInfoProto;
import com.google.protobuf.ByteString;
import java.util.Arrays;
import java.util.List;

/** Models of p = sigmoid(w · x) that take and give other things than one float tensor. */
final class TypedModels {

  static final int INT64 = TensorProto.DataType.INT64_VALUE;
  static final int INT32 = TensorProto.DataType.INT32_VALUE;
  static final int STRING = TensorProto.DataType.STRING_VALUE;
  private static final int FLOAT = TinyModels.FLOAT;
  private static final int DOUBLE = TinyModels.DOUBLE;
  private static final long FREE = TinyModels.FREE;

  /** Doubles in and out. */
  static ModelProto doubles(double... weights) {
    TensorProto.Builder w =
        TensorProto.newBuilder()
            .setName("w")
            .setDataType(DOUBLE)
            .addDims(weights.length)
            .addDims(1);
    for (double weight : weights) {
      w.addDoubleData(weight);
    }
    return model(
        GraphProto.newBuilder()
            .addInitializer(w)
            .addInput(TinyModels.value("x", DOUBLE, FREE, weights.length))
            .addNode(two("MatMul", "x", "w", "z"))
            .addNode(TinyModels.node("Sigmoid", "z", "p"))
            .addOutput(TinyModels.value("p", DOUBLE, FREE, FREE)));
  }

  /** Whole numbers in. */
  static ModelProto wholes(int type, float... weights) {
    return model(
        GraphProto.newBuilder()
            .addInitializer(weights("w", weights))
            .addInput(TinyModels.value("x", type, FREE, weights.length))
            .addNode(cast("x", "f"))
            .addNode(two("MatMul", "f", "w", "z"))
            .addNode(TinyModels.node("Sigmoid", "z", "p"))
            .addOutput(TinyModels.value("p", FLOAT, FREE, FREE)));
  }

  /**
   * Three inputs: {@code first} of floats and this width, {@code hour} of one whole number, {@code
   * last} of two doubles; weights 1, 2, 4, … in that order.
   */
  static ModelProto several(long firstWidth) {
    return model(
        GraphProto.newBuilder()
            .addInitializer(weights("w", 1, 2, 4, 8, 16))
            .addInput(TinyModels.value("first", FLOAT, FREE, firstWidth))
            .addInput(TinyModels.value("hour", INT64, FREE))
            .addInput(TinyModels.value("last", DOUBLE, FREE, 2))
            .addInitializer(
                TensorProto.newBuilder()
                    .setName("axis")
                    .setDataType(INT64)
                    .addDims(1)
                    .addInt64Data(1))
            .addNode(cast("hour", "hour_f"))
            .addNode(two("Unsqueeze", "hour_f", "axis", "hour_c"))
            .addNode(cast("last", "last_f"))
            .addNode(
                NodeProto.newBuilder()
                    .setOpType("Concat")
                    .addInput("first")
                    .addInput("hour_c")
                    .addInput("last_f")
                    .addOutput("x")
                    .addAttribute(number("axis", 1)))
            .addNode(two("MatMul", "x", "w", "z"))
            .addNode(TinyModels.node("Sigmoid", "z", "p"))
            .addOutput(TinyModels.value("p", FLOAT, FREE, FREE)));
  }

  /** One text in: AA is worth 1, UA is worth 2, every other −1. */
  static ModelProto texts() {
    AttributeProto.Builder words =
        AttributeProto.newBuilder()
            .setName("keys_strings")
            .setType(AttributeProto.AttributeType.STRINGS)
            .addStrings(ByteString.copyFromUtf8("AA"))
            .addStrings(ByteString.copyFromUtf8("UA"));
    AttributeProto.Builder values =
        AttributeProto.newBuilder()
            .setName("values_floats")
            .setType(AttributeProto.AttributeType.FLOATS)
            .addFloats(1)
            .addFloats(2);
    return model(
        GraphProto.newBuilder()
            .addInput(TinyModels.value("carrier", STRING, FREE, 1))
            .addNode(
                ml("LabelEncoder", "carrier", "z")
                    .addAttribute(words)
                    .addAttribute(values)
                    .addAttribute(
                        AttributeProto.newBuilder()
                            .setName("default_float")
                            .setType(AttributeProto.AttributeType.FLOAT)
                            .setF(-1)))
            .addNode(TinyModels.node("Sigmoid", "z", "p"))
            .addOutput(TinyModels.value("p", FLOAT, FREE, FREE)));
  }

  /**
   * Tensors of texts, and {@code numbers} of so many floats behind them: the score is the logistic
   * function of the numbers' sum and of the place, from 1 on, of each text among the known ones (0
   * of any other), the second text's ten times.
   *
   * @param tensors names, each of one text; with {@code :2} behind it of so many
   * @param numbers none where it is 0
   */
  static ModelProto categories(List<String> known, List<String> tensors, int numbers) {
    AttributeProto.Builder keys =
        AttributeProto.newBuilder()
            .setName("keys_strings")
            .setType(AttributeProto.AttributeType.STRINGS);
    AttributeProto.Builder values =
        AttributeProto.newBuilder()
            .setName("values_floats")
            .setType(AttributeProto.AttributeType.FLOATS);
    for (String one : known) {
      keys.addStrings(ByteString.copyFromUtf8(one));
      values.addFloats(values.getFloatsCount() + 1);
    }
    GraphProto.Builder graph = GraphProto.newBuilder();
    NodeProto.Builder all =
        NodeProto.newBuilder().setOpType("Concat").addOutput("x").addAttribute(number("axis", 1));
    int texts = 0;
    for (String tensor : tensors) {
      String[] parts = tensor.split(":", 2);
      int width = parts.length == 1 ? 1 : Integer.parseInt(parts[1]);
      graph
          .addInput(TinyModels.value(parts[0], STRING, FREE, width))
          .addNode(
              ml("LabelEncoder", parts[0], parts[0] + "_codes")
                  .addAttribute(keys)
                  .addAttribute(values)
                  .addAttribute(
                      AttributeProto.newBuilder()
                          .setName("default_float")
                          .setType(AttributeProto.AttributeType.FLOAT)
                          .setF(0)));
      all.addInput(parts[0] + "_codes");
      texts += width;
    }
    if (numbers > 0) {
      graph.addInput(TinyModels.value("numbers", FLOAT, FREE, numbers));
      all.addInput("numbers");
    }
    float[] weights = new float[texts + numbers];
    Arrays.fill(weights, 1);
    if (texts > 1) {
      weights[1] = 10;
    }
    return model(
        graph
            .addInitializer(weights("w", weights))
            .addNode(all)
            .addNode(two("MatMul", "x", "w", "z"))
            .addNode(TinyModels.node("Sigmoid", "z", "p"))
            .addOutput(TinyModels.value("p", FLOAT, FREE, FREE)));
  }

  /** One text {@code c} in, of which any other than the known ones is an error. */
  static ModelProto strictCategories(List<String> known) {
    AttributeProto.Builder cats =
        AttributeProto.newBuilder()
            .setName("cats_strings")
            .setType(AttributeProto.AttributeType.STRINGS);
    known.forEach(one -> cats.addStrings(ByteString.copyFromUtf8(one)));
    float[] weights = new float[known.size()];
    Arrays.fill(weights, 1);
    return model(
        GraphProto.newBuilder()
            .addInitializer(weights("w", weights))
            .addInput(TinyModels.value("c", STRING, FREE))
            .addNode(
                ml("OneHotEncoder", "c", "x").addAttribute(cats).addAttribute(number("zeros", 0)))
            .addNode(two("MatMul", "x", "w", "z"))
            .addNode(TinyModels.node("Sigmoid", "z", "p"))
            .addOutput(TinyModels.value("p", FLOAT, FREE, FREE)));
  }

  /** A map by class out, as classifiers have it from scikit-learn; the label beside it. */
  static ModelProto maps(List<String> classes, float... weights) {
    ModelProto.Builder pair = TinyModels.pair(weights).toBuilder();
    AttributeProto.Builder labels = AttributeProto.newBuilder();
    int keyType = STRING;
    if (classes.isEmpty()) {
      keyType = INT64;
      labels
          .setName("classlabels_int64s")
          .setType(AttributeProto.AttributeType.INTS)
          .addInts(0)
          .addInts(1);
    } else {
      labels.setName("classlabels_strings").setType(AttributeProto.AttributeType.STRINGS);
      classes.forEach(c -> labels.addStrings(ByteString.copyFromUtf8(c)));
    }
    TypeProto.Builder map =
        TypeProto.newBuilder()
            .setMapType(
                TypeProto.Map.newBuilder()
                    .setKeyType(keyType)
                    .setValueType(
                        TypeProto.newBuilder()
                            .setTensorType(TypeProto.Tensor.newBuilder().setElemType(FLOAT))));
    pair.getGraphBuilder()
        .addNode(ml("ZipMap", "p", "probabilities").addAttribute(labels))
        .clearOutput()
        .addOutput(
            ValueInfoProto.newBuilder()
                .setName("probabilities")
                .setType(
                    TypeProto.newBuilder()
                        .setSequenceType(TypeProto.Sequence.newBuilder().setElemType(map))));
    return withMl(pair).build();
  }

  private static ModelProto model(GraphProto.Builder graph) {
    return withMl(
            ModelProto.newBuilder()
                .setIrVersion(8)
                .addOpsetImport(OperatorSetIdProto.newBuilder().setDomain("").setVersion(15))
                .setGraph(graph.setName("typed")))
        .build();
  }

  private static ModelProto.Builder withMl(ModelProto.Builder model) {
    return model.addOpsetImport(
        OperatorSetIdProto.newBuilder().setDomain("ai.onnx.ml").setVersion(2));
  }

  private static NodeProto.Builder ml(String operator, String input, String output) {
    return TinyModels.node(operator, input, output).toBuilder().setDomain("ai.onnx.ml");
  }

  private static NodeProto two(String operator, String left, String right, String output) {
    return TinyModels.node(operator, left, output).toBuilder().addInput(right).build();
  }

  private static NodeProto cast(String input, String output) {
    return TinyModels.node("Cast", input, output).toBuilder()
        .addAttribute(number("to", FLOAT))
        .build();
  }

  private static AttributeProto number(String name, long value) {
    return AttributeProto.newBuilder()
        .setName(name)
        .setType(AttributeProto.AttributeType.INT)
        .setI(value)
        .build();
  }

  private static TensorProto weights(String name, float... values) {
    TensorProto.Builder w =
        TensorProto.newBuilder().setName(name).setDataType(FLOAT).addDims(values.length).addDims(1);
    for (float value : values) {
      w.addFloatData(value);
    }
    return w.build();
  }

  private TypedModels() {}
}
