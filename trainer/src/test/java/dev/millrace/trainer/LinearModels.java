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
import com.google.protobuf.ByteString;
import java.util.List;

/** ONNX files as another program would write them: a weighted sum, and what becomes of it. */
final class LinearModels {

  /** One row of scores {@code operator(w · x)}. */
  static ModelProto of(String operator, float... weights) {
    TensorProto.Builder w =
        TensorProto.newBuilder()
            .setName("w")
            .setDataType(TensorProto.DataType.FLOAT_VALUE)
            .addDims(weights.length)
            .addDims(1);
    for (float weight : weights) {
      w.addFloatData(weight);
    }
    return ModelProto.newBuilder()
        .setIrVersion(8)
        .setProducerName("elsewhere")
        .addOpsetImport(OperatorSetIdProto.newBuilder().setDomain("").setVersion(15))
        .setGraph(
            GraphProto.newBuilder()
                .setName("linear")
                .addInitializer(w)
                .addInput(value("x", weights.length))
                .addNode(
                    NodeProto.newBuilder()
                        .setOpType("MatMul")
                        .addInput("x")
                        .addInput("w")
                        .addOutput("z"))
                .addNode(NodeProto.newBuilder().setOpType(operator).addInput("z").addOutput("p"))
                .addOutput(value("p", 1)))
        .build();
  }

  /** The same with a text beside the numbers, a tensor of its own: a known one adds 1. */
  static ModelProto withText(ModelProto model, String name, String known) {
    ModelProto.Builder with =
        model.toBuilder()
            .addOpsetImport(OperatorSetIdProto.newBuilder().setDomain("ai.onnx.ml").setVersion(2));
    GraphProto.Builder graph = with.getGraphBuilder();
    NodeProto last = graph.getNode(1);
    graph
        .removeNode(1)
        .addInput(value(name, TensorProto.DataType.STRING_VALUE, 1))
        .addNode(
            NodeProto.newBuilder()
                .setOpType("LabelEncoder")
                .setDomain("ai.onnx.ml")
                .addInput(name)
                .addOutput("code")
                .addAttribute(
                    AttributeProto.newBuilder()
                        .setName("keys_strings")
                        .setType(AttributeProto.AttributeType.STRINGS)
                        .addStrings(ByteString.copyFromUtf8(known)))
                .addAttribute(
                    AttributeProto.newBuilder()
                        .setName("values_floats")
                        .setType(AttributeProto.AttributeType.FLOATS)
                        .addFloats(1))
                .addAttribute(
                    AttributeProto.newBuilder()
                        .setName("default_float")
                        .setType(AttributeProto.AttributeType.FLOAT)
                        .setF(0)))
        .addNode(
            NodeProto.newBuilder().setOpType("Add").addInput("z").addInput("code").addOutput("y"))
        .addNode(last.toBuilder().clearInput().addInput("y"));
    return with.build();
  }

  /** The same with the names of its inputs. */
  static ModelProto named(ModelProto model, List<String> inputs) {
    return model.toBuilder()
        .addMetadataProps(
            StringStringEntryProto.newBuilder()
                .setKey("millrace.inputs")
                .setValue(String.join(",", inputs)))
        .build();
  }

  private static ValueInfoProto value(String name, int columns) {
    return value(name, TensorProto.DataType.FLOAT_VALUE, columns);
  }

  private static ValueInfoProto value(String name, int type, int columns) {
    TensorShapeProto.Builder shape = TensorShapeProto.newBuilder();
    shape.addDimBuilder().setDimParam("rows");
    shape.addDimBuilder().setDimValue(columns);
    return ValueInfoProto.newBuilder()
        .setName(name)
        .setType(
            TypeProto.newBuilder()
                .setTensorType(TypeProto.Tensor.newBuilder().setElemType(type).setShape(shape)))
        .build();
  }

  private LinearModels() {}
}
