package dev.millrace.scoring;

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
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/**
 * Models small enough to know by heart: p = sigmoid(w · x), in each form that a scorer may have.
 */
final class TinyModels {

  static final int FLOAT = TensorProto.DataType.FLOAT_VALUE;
  static final int DOUBLE = TensorProto.DataType.DOUBLE_VALUE;
  private static final int IR_VERSION = 8;
  private static final int OPSET = 15;
  static final long FREE = -1;

  /** Output [N, 1]. */
  static ModelProto column(float... weights) {
    return model(FLOAT, FREE, weights, List.of(node("Sigmoid", "z", "p")), "p", 2).build();
  }

  /** Output [N]. */
  static ModelProto vector(float... weights) {
    NodeProto reshape = node("Reshape", "z", "v").toBuilder().addInput("all").build();
    ModelProto.Builder model =
        model(FLOAT, FREE, weights, List.of(reshape, node("Sigmoid", "v", "p")), "p", 1);
    model
        .getGraphBuilder()
        .addInitializer(
            TensorProto.newBuilder()
                .setName("all")
                .setDataType(TensorProto.DataType.INT64_VALUE)
                .addDims(1)
                .addInt64Data(-1));
    return model.build();
  }

  /** Output [N, 2]: one minus p, and p. */
  static ModelProto pair(float... weights) {
    NodeProto both =
        node("Concat", "n", "p").toBuilder()
            .addInput("q")
            .addAttribute(
                AttributeProto.newBuilder()
                    .setName("axis")
                    .setType(AttributeProto.AttributeType.INT)
                    .setI(1))
            .build();
    return model(
            FLOAT,
            FREE,
            weights,
            List.of(
                node("Neg", "z", "m"), node("Sigmoid", "m", "n"), node("Sigmoid", "z", "q"), both),
            "p",
            2)
        .build();
  }

  /** Output [N, F]: as many columns as inputs, which is no score. */
  static ModelProto echo(int inputs) {
    return model(FLOAT, FREE, new float[inputs], List.of(node("Sigmoid", "x", "p")), "p", 2)
        .build();
  }

  /** Output [N, N]: two columns for two rows, three for three. */
  static ModelProto asWideAsTheBatch() {
    NodeProto turned = node("Transpose", "z", "t");
    NodeProto product = node("MatMul", "z", "s").toBuilder().addInput("t").build();
    return model(
            FLOAT,
            FREE,
            new float[] {1},
            List.of(turned, product, node("Sigmoid", "s", "p")),
            "p",
            2)
        .build();
  }

  static ModelProto.Builder model(
      int type, long rows, float[] weights, List<NodeProto> nodes, String output, int rank) {
    TensorProto.Builder w =
        TensorProto.newBuilder().setName("w").setDataType(FLOAT).addDims(weights.length).addDims(1);
    for (float weight : weights) {
      w.addFloatData(weight);
    }
    GraphProto.Builder graph =
        GraphProto.newBuilder()
            .setName("tiny")
            .addInitializer(w)
            .addInput(value("x", type, rows, weights.length))
            .addNode(node("MatMul", "x", "z").toBuilder().addInput("w"))
            .addAllNode(nodes)
            .addOutput(rank == 1 ? value(output, FLOAT, FREE) : value(output, FLOAT, FREE, FREE));
    return ModelProto.newBuilder()
        .setIrVersion(IR_VERSION)
        .addOpsetImport(OperatorSetIdProto.newBuilder().setDomain("").setVersion(OPSET))
        .setGraph(graph);
  }

  static ModelProto named(ModelProto model, String names) {
    return model.toBuilder()
        .addMetadataProps(
            StringStringEntryProto.newBuilder().setKey(OnnxModel.INPUT_NAMES).setValue(names))
        .build();
  }

  /** With these golden rows, as they are written. */
  static ModelProto golden(byte[] onnx, String rows, String scores) throws IOException {
    return ModelProto.parseFrom(onnx).toBuilder()
        .addMetadataProps(
            StringStringEntryProto.newBuilder().setKey(GoldenRows.ROWS).setValue(rows))
        .addMetadataProps(
            StringStringEntryProto.newBuilder().setKey(GoldenRows.SCORES).setValue(scores))
        .build();
  }

  static Path write(Path dir, ModelProto model) throws IOException {
    return Files.write(Files.createTempFile(dir, "tiny", ".onnx"), model.toByteArray());
  }

  static NodeProto node(String operator, String input, String output) {
    return NodeProto.newBuilder()
        .setOpType(operator)
        .setName(operator + "_" + output)
        .addInput(input)
        .addOutput(output)
        .build();
  }

  static ValueInfoProto value(String name, int type, long... shape) {
    TensorShapeProto.Builder dimensions = TensorShapeProto.newBuilder();
    for (int i = 0; i < shape.length; i++) {
      if (shape[i] == FREE) {
        dimensions.addDimBuilder().setDimParam("d" + i);
      } else {
        dimensions.addDimBuilder().setDimValue(shape[i]);
      }
    }
    return ValueInfoProto.newBuilder()
        .setName(name)
        .setType(
            TypeProto.newBuilder()
                .setTensorType(
                    TypeProto.Tensor.newBuilder().setElemType(type).setShape(dimensions)))
        .build();
  }

  private TinyModels() {}
}
