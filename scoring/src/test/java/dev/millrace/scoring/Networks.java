package dev.millrace.scoring;

import ai.onnx.proto.OnnxMl.GraphProto;
import ai.onnx.proto.OnnxMl.ModelProto;
import ai.onnx.proto.OnnxMl.NodeProto;
import ai.onnx.proto.OnnxMl.OperatorSetIdProto;
import ai.onnx.proto.OnnxMl.TensorProto;
import java.util.Random;

/** Networks of random weights: sigmoid(… relu(x · w0) · w1 …), in floats or doubles. */
final class Networks {

  static ModelProto of(int type, Random random, int... widths) {
    GraphProto.Builder graph =
        GraphProto.newBuilder()
            .setName("network")
            .addInput(TinyModels.value("x", type, TinyModels.FREE, widths[0]));
    String last = "x";
    for (int layer = 0; layer + 1 < widths.length; layer++) {
      TensorProto.Builder weights =
          TensorProto.newBuilder()
              .setName("w" + layer)
              .setDataType(type)
              .addDims(widths[layer])
              .addDims(widths[layer + 1]);
      for (int i = 0; i < widths[layer] * widths[layer + 1]; i++) {
        double weight = random.nextGaussian() / Math.sqrt(widths[layer]);
        if (type == TinyModels.DOUBLE) {
          weights.addDoubleData(weight);
        } else {
          weights.addFloatData((float) weight);
        }
      }
      boolean isLast = layer + 2 == widths.length;
      NodeProto product =
          TinyModels.node("MatMul", last, "z" + layer).toBuilder().addInput("w" + layer).build();
      last = isLast ? "p" : "h" + layer;
      graph
          .addInitializer(weights)
          .addNode(product)
          .addNode(TinyModels.node(isLast ? "Sigmoid" : "Relu", "z" + layer, last));
    }
    return ModelProto.newBuilder()
        .setIrVersion(8)
        .addOpsetImport(OperatorSetIdProto.newBuilder().setDomain("").setVersion(15))
        .setGraph(graph.addOutput(TinyModels.value("p", type, TinyModels.FREE, 1)))
        .build();
  }

  private Networks() {}
}
