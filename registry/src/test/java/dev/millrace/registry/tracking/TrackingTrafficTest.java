package dev.millrace.registry.tracking;

import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.registry.mlflow.MlflowServer;
import dev.millrace.registry.mlflow.MlflowServer.Answer;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Requests as clients of MLflow send them, in Java and in Python. */
class TrackingTrafficTest {

  @SuppressWarnings("NullAway.Init") // JUnit sets it.
  @TempDir
  private Path folder;

  @SuppressWarnings("NullAway.Init") // Before each test.
  private MlflowServer server;

  @BeforeEach
  void open() {
    server = new MlflowServer(folder);
  }

  @AfterEach
  void close() {
    server.close();
  }

  private Answer ok(String path, String body) throws Exception {
    Answer answer = server.post(path, body);
    assertThat(answer.status()).as("%s %s: %s", path, body, answer.body()).isEqualTo(200);
    assertThat(answer.body().isObject()).isTrue();
    return answer;
  }

  private String run() throws Exception {
    return ok("runs/create", "{}").at("run.info.run_id");
  }

  @Test
  void whatTheJavaClientWrites() throws Exception {
    assertThat(ok("experiments/create", "{\"name\": \"e\"}").at("experiment_id")).isEqualTo("1");
    Answer created =
        ok(
            "runs/create",
            "{ \"experiment_id\": \"1\", \"user_id\": \"root\", \"start_time\": \"1795224923481\" }");
    String id = created.at("run.info.run_id");
    assertThat(created.at("run.info.user_id")).isEqualTo("root");
    assertThat(created.body().at("/run/info/start_time").isIntegralNumber()).isTrue();
    assertThat(created.at("run.info.run_name")).matches("[a-z]+-[a-z]+-\\d+");
    var unusedLogged =
        ok(
            "runs/log-batch",
            """
            { "run_id": "%s", "metrics": [{ "key": "m", "value": "Infinity", "timestamp": "1", "step": "2" }],
              "params": [{ "key": "p", "value": "1" }], "tags": [{ "key": "t", "value": "v" }] }"""
                .formatted(id));
    Answer updated =
        ok(
            "runs/update",
            "{ \"run_uuid\": \"%1$s\", \"status\": \"FINISHED\", \"end_time\": \"9\", \"run_id\": \"%1$s\" }"
                .formatted(id));
    assertThat(updated.at("run_info.status")).isEqualTo("FINISHED");
    assertThat(
            ok(
                    "experiments/search",
                    "{ \"max_results\": \"1000\", \"filter\": \"name \\u003d \\u0027e\\u0027\","
                        + " \"view_type\": \"ACTIVE_ONLY\" }")
                .body()
                .path("experiments"))
        .hasSize(1);
    Answer found =
        ok(
            "runs/search",
            "{ \"experiment_ids\": [\"1\"], \"run_view_type\": \"ACTIVE_ONLY\", \"filter\":"
                + " \"metrics.m \\u003e 1\", \"max_results\": 10, \"order_by\": [\"metrics.m DESC\"] }");
    assertThat(found.body().at("/runs/0/data/metrics/0/value").textValue()).isEqualTo("Infinity");
    assertThat(server.get("runs/get?run_uuid=" + id + "&run_id=" + id).at("run.info.run_uuid"))
        .isEqualTo(id);
    assertThat(
            server
                .get(
                    "metrics/get-history?run_uuid=%1$s&run_id=%1$s&metric_key=m&max_results=25000"
                        .formatted(id))
                .body()
                .path("metrics"))
        .hasSize(1);
  }

  @Test
  void whatThePythonClientWrites() throws Exception {
    Answer missing = server.get("experiments/get-by-name?experiment_name=churn");
    assertThat(missing.status()).isEqualTo(404);
    assertThat(missing.at("error_code")).isEqualTo("RESOURCE_DOES_NOT_EXIST");
    String experiment = ok("experiments/create", "{\"name\": \"churn\"}").at("experiment_id");
    String id =
        ok(
                "runs/create",
                """
                {"experiment_id": "%s", "user_id": "ann", "start_time": "1700000000000",
                 "run_name": "first", "tags": [{"key": "mlflow.user", "value": "ann"},
                 {"key": "mlflow.runName", "value": "first"}], "something_new": {"a": 1}}"""
                    .formatted(experiment))
            .at("run.info.run_id");
    Answer clash =
        server.post(
            "runs/create",
            "{\"run_name\": \"a\", \"tags\": [{\"key\": \"mlflow.runName\", \"value\": \"b\"}]}");
    assertThat(clash.at("error_code")).isEqualTo("INVALID_PARAMETER_VALUE");
    var unusedNamed =
        ok(
            "runs/set-tag",
            "{\"run_id\": \"%s\", \"key\": \"mlflow.runName\", \"value\": \"second\"}"
                .formatted(id));
    assertThat(server.get("runs/get?run_id=" + id).at("run.info.run_name")).isEqualTo("second");
    var unusedInputs =
        ok(
            "runs/log-inputs",
            """
            {"run_id": "%s", "datasets": [{"tags": [{"key": "mlflow.data.context", "value": "training"}],
             "dataset": {"name": "events", "digest": "d1", "source_type": "local", "source": "{}"}}]}"""
                .formatted(id));
    for (int i = 0; i < 3; i++) {
      var unusedModel =
          ok(
              "runs/log-model",
              """
              {"run_id": "%1$s", "model_json": "{\\"artifact_path\\": \\"model\\", \\"flavors\\": {}, \\"utc_time_created\\": \\"x\\", \\"run_id\\": \\"%1$s\\"}"}"""
                  .formatted(id));
    }
    Answer read = server.get("runs/get?run_id=" + id);
    assertThat(read.body().at("/run/inputs/dataset_inputs/0/dataset/name").asText())
        .isEqualTo("events");
    String history = "";
    for (var tag : read.body().at("/run/data/tags")) {
      history = tag.path("key").asText().endsWith("history") ? tag.path("value").asText() : history;
    }
    assertThat(history).startsWith("[{\"artifact_path\":\"model\"").containsOnlyOnce("flavors");
    assertThat(found("datasets.name = 'events' and dataset.context = 'training'", experiment))
        .isOne();
    assertThat(found("datasets.digest IN ('d0', 'd1')", experiment)).isOne();
    assertThat(found("datasets.name = 'others'", experiment)).isZero();
    assertThat(
            server
                .post(
                    "runs/log-model", "{\"run_id\": \"%s\", \"model_json\": \"{}\"}".formatted(id))
                .at("message"))
        .contains("missing mandatory fields");
    assertThat(
            server
                .post("runs/delete-tag", "{\"run_id\": \"%s\", \"key\": \"no\"}".formatted(id))
                .status())
        .isEqualTo(404);
    assertThat(
            server.get("experiments/search?max_results=5&view_type=ALL").body().path("experiments"))
        .hasSize(2);
  }

  private int found(String filter, String experiment) throws Exception {
    return ok(
            "runs/search",
            "{\"experiment_ids\": [\"%s\"], \"filter\": \"%s\"}".formatted(experiment, filter))
        .body()
        .path("runs")
        .size();
  }

  @Test
  void loggedModels() throws Exception {
    String run = run();
    Answer made =
        ok(
            "logged-models",
            """
            {"experiment_id": "0", "name": "clf", "model_type": "agent", "source_run_id": "%s",
             "params": [{"key": "depth", "value": "3"}], "tags": [{"key": "team", "value": "a"}]}"""
                .formatted(run));
    String id = made.at("model.info.model_id");
    assertThat(id).matches("m-[0-9a-f]{32}");
    assertThat(made.at("model.info.status")).isEqualTo("LOGGED_MODEL_PENDING");
    assertThat(made.at("model.info.artifact_uri"))
        .isEqualTo("mlflow-artifacts:/0/models/" + id + "/artifacts");
    Answer ready =
        server.send(
            "PATCH",
            "logged-models/" + id,
            "{\"model_id\": \"%s\", \"status\": \"LOGGED_MODEL_READY\"}".formatted(id));
    assertThat(ready.at("model.info.status")).isEqualTo("LOGGED_MODEL_READY");
    assertThat(
            server
                .send(
                    "PATCH",
                    "logged-models/" + id + "/tags",
                    "{\"tags\": [{\"key\": \"stage\", \"value\": \"b\"}]}")
                .status())
        .isEqualTo(200);
    assertThat(server.send("DELETE", "logged-models/" + id + "/tags/team", "").status())
        .isEqualTo(200);
    var unusedParams =
        ok("logged-models/" + id + "/params", "{\"params\": [{\"key\": \"l\", \"value\": \"1\"}]}");
    var unusedOutputs =
        ok(
            "runs/outputs",
            "{\"run_id\": \"%s\", \"models\": [{\"model_id\": \"%s\", \"step\": \"2\"}]}"
                .formatted(run, id));
    assertThat(server.get("runs/get?run_id=" + run).at("run.outputs.model_outputs.0.model_id"))
        .isEqualTo(id);
    Answer found =
        ok(
            "logged-models/search",
            """
            {"experiment_ids": ["0"], "filter": "name = 'clf' AND params.l = '1' AND tags.stage = 'b'",
             "order_by": [{"field_name": "creation_timestamp", "ascending": false}], "max_results": 5}""");
    assertThat(found.at("models.0.info.model_id")).isEqualTo(id);
    assertThat(found.body().at("/models/0/info/tags")).hasSize(1);
    assertThat(RunArtifacts.of(server.tracking()).artifactUri(id))
        .contains("mlflow-artifacts:/0/models/" + id + "/artifacts");
    for (int i = 0; i < 2; i++) {
      assertThat(server.send("DELETE", "logged-models/" + id, "").status())
          .isEqualTo(i == 0 ? 200 : 404);
    }
    assertThat(server.get("logged-models/" + id).at("error_code"))
        .isEqualTo("RESOURCE_DOES_NOT_EXIST");
    assertThat(ok("logged-models/search", "{\"experiment_ids\": [\"0\"]}").body().path("models"))
        .isEmpty();
  }

  @Test
  void historiesOfSeveralRunsAtStepsThatAreSpreadEvenly() throws Exception {
    String one = run();
    String two = run();
    for (String id : List.of(one, two)) {
      StringBuilder points = new StringBuilder();
      int steps = id.equals(one) ? 1000 : 700;
      for (int step = 0; step < steps; step++) {
        points
            .append(step == 0 ? "" : ",")
            .append("{\"key\": \"l\", \"value\": 1, \"timestamp\": ");
        points.append(step).append(", \"step\": ").append(step).append("}");
      }
      var unusedLogged =
          ok("runs/log-batch", "{\"run_id\": \"%s\", \"metrics\": [%s]}".formatted(id, points));
    }
    String path =
        "metrics/get-history-bulk-interval?run_ids=%s&run_ids=%s&metric_key=l".formatted(one, two);
    assertThat(server.get(path).body().path("metrics")).hasSize(1700);
    Answer few = server.get(path + "&start_step=100&end_step=899&max_results=10");
    Set<Integer> ofOne = new TreeSet<>();
    Set<Integer> ofTwo = new TreeSet<>();
    few.body()
        .path("metrics")
        .forEach(
            m ->
                (m.path("run_id").asText().equals(one) ? ofOne : ofTwo)
                    .add(m.path("step").asInt()));
    assertThat(ofOne).contains(100, 180, 260).hasSizeLessThanOrEqualTo(10);
    assertThat(ofTwo).contains(100, 180, 260, 699).hasSizeLessThanOrEqualTo(10);
    assertThat(server.get(path + "&start_step=3").status()).isEqualTo(400);
    assertThat(server.get(path + "&start_step=3&end_step=2").status()).isEqualTo(400);
    assertThat(
            server
                .get(
                    "metrics/get-history-bulk?run_id=%s&run_id=%s&metric_key=l&max_results=1001"
                        .formatted(one, two))
                .body()
                .path("metrics"))
        .hasSize(1001);
  }

  @Test
  void limitsAndWhatIsMissing() throws Exception {
    String id = run();
    assertThat(server.post("runs/log-metric", "{\"run_id\": \"%s\"}".formatted(id)).at("message"))
        .startsWith("Missing value for required parameter 'key'");
    assertThat(server.post("runs/log-metric", "{\"key\": \"a\"}").at("message"))
        .startsWith("Missing value for required parameter 'run_id'");
    assertThat(server.get("runs/get?run_id=no-such").at("message"))
        .isEqualTo("Run with id=no-such not found");
    assertThat(server.get("experiments/get?experiment_id=77").at("message"))
        .isEqualTo("No Experiment with id=77 exists");
    assertRefused(id, "\"metrics\": [" + "{},".repeat(1000) + "{}]", "at most 1000 metrics");
    assertRefused(id, "\"params\": [" + "{},".repeat(100) + "{}]", "at most 100 params");
    assertRefused(id, "\"tags\": [" + "{},".repeat(100) + "{}]", "at most 100 tags");
    assertRefused(
        id,
        "\"params\": [{\"key\": \"a\", \"value\": \"%s\"}]".formatted("x".repeat(6001)),
        "had length 6001, which exceeded length limit of 6000");
    assertRefused(
        id,
        "\"params\": [{\"key\": \"a\", \"value\": \"1\"}, {\"key\": \"a\", \"value\": \"1\"}]",
        "Duplicate parameter keys have been submitted");
    assertRefused(
        id,
        "\"metrics\": [{\"key\": \"a/../b\", \"value\": 1, \"timestamp\": 1}]",
        "This name would resolve to 'b'");
    assertRefused(
        id,
        "\"metrics\": [{\"key\": \"a\", \"value\": 1, \"timestamp\": -1}]",
        "Timestamp must be a nonnegative long");
    assertRefused(
        id,
        "\"ignored\": \"%s\"".formatted("x".repeat(1_000_000)),
        "must be at most 1000000 bytes");
    assertThat(server.post("runs/log-batch", "\"" + "x".repeat(9_000_000) + "\"").at("error_code"))
        .isEqualTo("BAD_REQUEST");
    assertThat(server.tracking().run(id).orElseThrow().run().params()).isEmpty();
    assertThat(
            server
                .post("experiments/create", "{\"name\": \"%s\"}".formatted("x".repeat(501)))
                .at("message"))
        .isEqualTo("Experiment name exceeds the maximum length of 500 characters");
  }

  private void assertRefused(String id, String body, String why) throws Exception {
    Answer answer = server.post("runs/log-batch", "{\"run_id\": \"%s\", %s}".formatted(id, body));
    assertThat(answer.status()).as("%s", why).isEqualTo(400);
    assertThat(answer.at("error_code")).isEqualTo("INVALID_PARAMETER_VALUE");
    assertThat(answer.at("message")).contains(why);
  }
}
