package dev.millrace.inference;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.millrace.scoring.InputTensor;
import java.util.List;

/** What the Open Inference Protocol, version 2, answers. */
final class ProtocolJson {

  private static final JsonNodeFactory NODES = JsonNodeFactory.instance;

  /** Who answers. */
  static ObjectNode server() {
    ObjectNode body = NODES.objectNode();
    body.put("name", "millrace");
    String version = ProtocolJson.class.getPackage().getImplementationVersion();
    body.put("version", version == null ? "0" : version);
    body.putArray("extensions");
    return body;
  }

  /** The protocol's page prints "live" for both questions, so clients may look for either. */
  static ObjectNode health(boolean ready) {
    return NODES.objectNode().put("live", true).put("ready", ready);
  }

  /** What a model takes and gives. */
  static ObjectNode metadata(String name, Ask.Described described) {
    ObjectNode body = NODES.objectNode();
    body.put("name", name);
    ArrayNode versions = body.putArray("versions");
    described.versions().forEach(v -> versions.add(String.valueOf(v)));
    body.put("platform", "onnx_onnxv1");
    ArrayNode inputs = body.putArray("inputs");
    for (InputTensor tensor : described.tensors()) {
      ObjectNode input =
          tensor(
              inputs.addObject(),
              tensor.name(),
              InferRequest.datatype(tensor.kind()),
              InferRequest.shape(tensor));
      ArrayNode columns = input.putObject("parameters").putArray("inputs");
      tensor.columns().forEach(c -> columns.add(described.inputs().get(c)));
    }
    var unusedOutput =
        tensor(body.putArray("outputs").addObject(), InferRequest.SCORE, "FP64", List.of(-1));
    return body;
  }

  private static ObjectNode tensor(
      ObjectNode into, String name, String datatype, List<Integer> shape) {
    into.put("name", name);
    into.put("datatype", datatype);
    ArrayNode dimensions = into.putArray("shape");
    shape.forEach(dimensions::add);
    return into;
  }

  /** The answer to a request. */
  static ObjectNode inferred(String name, InferRequest request, Ask.Inferred inferred) {
    ObjectNode body = NODES.objectNode();
    body.put("model_name", name);
    body.put("model_version", String.valueOf(inferred.version()));
    if (request.id() != null) {
      body.put("id", request.id());
    }
    ArrayNode data =
        tensor(
                body.putArray("outputs").addObject(),
                InferRequest.SCORE,
                "FP64",
                List.of(request.rows()))
            .putArray("data");
    for (double score : inferred.scores()) {
      data.add(score);
    }
    return body;
  }

  private ProtocolJson() {}
}
