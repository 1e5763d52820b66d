package dev.millrace.registry;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The requests of docs/python.md in their order, as MLflow's Python client sends them. */
class PythonTrafficTest {

  private static final JsonMapper JSON = new JsonMapper();
  private static final String MLFLOW = "/api/2.0/mlflow/";
  private static final String FILES = "/api/2.0/mlflow-artifacts/artifacts";

  private final HttpClient client = HttpClient.newHttpClient();

  @SuppressWarnings("NullAway.Init") // JUnit sets it.
  @TempDir
  private Path folder;

  @SuppressWarnings("NullAway.Init") // Before each test.
  private RegistryServer server;

  @BeforeEach
  void open() throws Exception {
    server = new RegistryServer(folder);
  }

  @AfterEach
  void close() {
    server.close();
  }

  private HttpResponse<String> send(String method, String path, String body) throws Exception {
    return client.send(
        HttpRequest.newBuilder(server.address().resolve(path))
            .header("User-Agent", "mlflow-python-client/2.17.2")
            .header("Content-Type", "application/json")
            .method(method, BodyPublishers.ofString(body))
            .build(),
        BodyHandlers.ofString());
  }

  private JsonNode ok(String method, String path, String body) throws Exception {
    HttpResponse<String> answer = send(method, MLFLOW + path, body);
    assertThat(answer.statusCode()).as("%s: %s", path, answer.body()).isEqualTo(200);
    JsonNode json = JSON.readTree(answer.body());
    assertThat(json.isObject()).isTrue();
    return json;
  }

  private JsonNode get(String path) throws Exception {
    return ok("GET", path, "");
  }

  @Test
  void fromARunToAnAlias() throws Exception {
    // set_experiment
    HttpResponse<String> none =
        send("GET", MLFLOW + "experiments/get-by-name?experiment_name=delay_risk", "");
    assertThat(none.statusCode()).isEqualTo(404);
    assertThat(JSON.readTree(none.body()).path("error_code").asText())
        .isEqualTo("RESOURCE_DOES_NOT_EXIST");
    String experiment =
        ok("POST", "experiments/create", "{\"name\": \"delay_risk\", \"tags\": []}")
            .path("experiment_id")
            .asText();
    assertThat(
            get("experiments/get?experiment_id=" + experiment)
                .at("/experiment/lifecycle_stage")
                .asText())
        .isEqualTo("active");
    // start_run
    String run =
        ok(
                "POST",
                "runs/create",
                """
                {"experiment_id": "%s", "user_id": "ann", "start_time": "1700000000000", "run_name": "first",
                 "tags": [{"key": "mlflow.user", "value": "ann"}, {"key": "mlflow.source.type", "value": "LOCAL"},
                          {"key": "mlflow.runName", "value": "first"}]}"""
                    .formatted(experiment))
            .at("/run/info/run_id")
            .asText();
    // log_params and log_metric
    var unusedParams =
        ok(
            "POST",
            "runs/log-batch",
            """
            {"run_id": "%s", "metrics": [], "params": [{"key": "learner", "value": "HistGradientBoosting"},
             {"key": "rows", "value": "2"}], "tags": []}"""
                .formatted(run));
    var unusedMetric =
        ok(
            "POST",
            "runs/log-metric",
            """
            {"run_uuid": "%1$s", "key": "accuracy", "value": 0.75, "timestamp": "1700000000001", "step": "0",
             "run_id": "%1$s"}"""
                .formatted(run));
    // log_artifact
    String uri =
        get("runs/get?run_uuid=" + run + "&run_id=" + run).at("/run/info/artifact_uri").asText();
    assertThat(uri).isEqualTo("mlflow-artifacts:/" + experiment + "/" + run + "/artifacts");
    String below = uri.substring("mlflow-artifacts:".length());
    byte[] model = "what ONNX would be".getBytes(StandardCharsets.UTF_8);
    HttpResponse<String> put =
        client.send(
            HttpRequest.newBuilder(server.address().resolve(FILES + below + "/model/model.onnx"))
                .PUT(BodyPublishers.ofByteArray(model))
                .build(),
            BodyHandlers.ofString());
    assertThat(put.statusCode()).isEqualTo(200);
    var unusedEnd =
        ok(
            "POST",
            "runs/update",
            "{\"run_uuid\": \"%1$s\", \"run_id\": \"%1$s\", \"status\": \"FINISHED\", \"end_time\": \"1700000000009\"}"
                .formatted(run));
    // create_registered_model, also where it is there
    String create = "{\"name\": \"delay_risk\"}";
    var unusedModel = ok("POST", "registered-models/create", create);
    HttpResponse<String> again = send("POST", MLFLOW + "registered-models/create", create);
    assertThat(again.statusCode()).isEqualTo(400);
    assertThat(JSON.readTree(again.body()).path("error_code").asText())
        .isEqualTo("RESOURCE_ALREADY_EXISTS");
    // create_model_version, and until it is READY
    JsonNode version =
        ok(
            "POST",
            "model-versions/create",
            "{\"name\": \"delay_risk\", \"source\": \"%s/model/model.onnx\", \"run_id\": \"%s\"}"
                .formatted(uri, run));
    assertThat(version.at("/model_version/version").isTextual()).isTrue();
    assertThat(
            get("model-versions/get?name=delay_risk&version=1")
                .at("/model_version/status")
                .asText())
        .isEqualTo("READY");
    // set_registered_model_alias
    var unusedAlias =
        ok(
            "POST",
            "registered-models/alias",
            "{\"name\": \"delay_risk\", \"alias\": \"candidate\", \"version\": \"1\"}");
    // download_artifacts("models:/delay_risk@candidate")
    assertThat(
            get("registered-models/alias?name=delay_risk&alias=candidate")
                .at("/model_version/version")
                .asText())
        .isEqualTo("1");
    String source =
        get("model-versions/get-download-uri?name=delay_risk&version=1")
            .path("artifact_uri")
            .asText();
    assertThat(source).isEqualTo(uri + "/model/model.onnx");
    HttpResponse<String> listed =
        send("GET", FILES + "?path=" + below.substring(1).replace("/", "%2F") + "%2Fmodel", "");
    assertThat(JSON.readTree(listed.body()).at("/files/0/path").asText()).isEqualTo("model.onnx");
    assertThat(send("GET", FILES + below + "/model/model.onnx", "").body())
        .isEqualTo("what ONNX would be");
    // get_latest_versions asks by POST first.
    assertThat(
            ok(
                    "POST",
                    "registered-models/get-latest-versions",
                    "{\"name\": \"delay_risk\", \"stages\": [\"None\"]}")
                .path("model_versions"))
        .hasSize(1);
    assertThat(
            get("registered-models/get-latest-versions?name=delay_risk&stages=None")
                .path("model_versions"))
        .hasSize(1);
    // DELETE and PATCH with bodies
    var unusedUpdated =
        ok(
            "PATCH",
            "registered-models/update",
            "{\"name\": \"delay_risk\", \"description\": \"will it be late\"}");
    var unusedTag =
        ok(
            "DELETE",
            "registered-models/alias",
            "{\"name\": \"delay_risk\", \"alias\": \"candidate\"}");
    assertThat(get("registered-models/get?name=delay_risk").at("/registered_model/aliases"))
        .isEmpty();
  }
}
