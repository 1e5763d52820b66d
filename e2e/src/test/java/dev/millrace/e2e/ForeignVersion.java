package dev.millrace.e2e;

import ai.onnx.proto.OnnxMl.ModelProto;
import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublisher;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;

/** A model as somebody registers it who has nothing but HTTP, request by request as the README. */
final class ForeignVersion {

  private final HttpClient http = HttpClient.newHttpClient();
  private final String registry;

  ForeignVersion(int registryPort) {
    this.registry = "http://127.0.0.1:" + registryPort + "/api/2.0/";
  }

  /** The same trees under another name: nothing in the file tells of Millrace. */
  static byte[] disguised(byte[] onnx) throws IOException {
    return ModelProto.parseFrom(onnx).toBuilder()
        .clearMetadataProps()
        .setProducerName("elsewhere")
        .build()
        .toByteArray();
  }

  /** Uploads the file and registers it; gives the version's number. */
  int register(String model, byte[] onnx) throws IOException, InterruptedException {
    JsonNode unusedUpload =
        ask(
            "PUT",
            "mlflow-artifacts/artifacts/" + model + "/mine/model.onnx",
            BodyPublishers.ofByteArray(onnx));
    JsonNode made =
        ask(
            "POST",
            "mlflow/model-versions/create",
            BodyPublishers.ofString(
                "{\"name\": \"%s\", \"source\": \"mlflow-artifacts:/%s/mine/model.onnx\"}"
                    .formatted(model, model)));
    return made.path("model_version").path("version").asInt();
  }

  /** What the registry says of a version. */
  JsonNode version(String model, int version) throws IOException, InterruptedException {
    return ask(
            "GET",
            "mlflow/model-versions/get?name=" + model + "&version=" + version,
            BodyPublishers.noBody())
        .path("model_version");
  }

  private JsonNode ask(String method, String path, BodyPublisher body)
      throws IOException, InterruptedException {
    HttpResponse<String> answer =
        http.send(
            HttpRequest.newBuilder(URI.create(registry + path)).method(method, body).build(),
            HttpResponse.BodyHandlers.ofString());
    if (answer.statusCode() != 200) {
      throw new IOException(method + " " + path + ": " + answer.statusCode() + " " + answer.body());
    }
    return Stack.JSON.readTree(answer.body());
  }
}
