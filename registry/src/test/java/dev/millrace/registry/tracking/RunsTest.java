package dev.millrace.registry.tracking;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.millrace.registry.mlflow.MlflowServer;
import dev.millrace.registry.mlflow.MlflowServer.Answer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.mlflow.api.proto.Service.Experiment;
import org.mlflow.api.proto.Service.Metric;
import org.mlflow.api.proto.Service.Param;
import org.mlflow.api.proto.Service.Run;
import org.mlflow.api.proto.Service.RunInfo;
import org.mlflow.api.proto.Service.RunStatus;
import org.mlflow.api.proto.Service.RunTag;
import org.mlflow.api.proto.Service.ViewType;
import org.mlflow.tracking.MlflowClient;
import org.mlflow.tracking.MlflowHttpException;

/** MLflow's own client, and requests as its Python client sends them. */
class RunsTest {

  @SuppressWarnings("NullAway.Init") // JUnit sets it.
  @TempDir
  private Path folder;

  @SuppressWarnings("NullAway.Init") // Before each test.
  private MlflowServer server;

  @SuppressWarnings("NullAway.Init") // Before each test.
  private MlflowClient client;

  @BeforeEach
  void open() {
    server = new MlflowServer(folder);
    client = new MlflowClient(server.url());
  }

  @AfterEach
  void close() {
    client.close();
    server.close();
  }

  private static Metric metric(String key, double value, long timestamp, long step) {
    return Metric.newBuilder()
        .setKey(key)
        .setValue(value)
        .setTimestamp(timestamp)
        .setStep(step)
        .build();
  }

  private String run(String experiment) throws Exception {
    return server
        .post("runs/create", "{\"experiment_id\": \"" + experiment + "\"}")
        .at("run.info.run_id");
  }

  @Test
  void theJavaClientFindsWhatItLogged() {
    String experiment = client.createExperiment("fraud");
    assertThat(experiment).isEqualTo("1");
    RunInfo info = client.createRun(experiment);
    assertThat(info.getRunId()).matches("[0-9a-f]{32}").isEqualTo(info.getRunUuid());
    assertThat(info.getStatus()).isEqualTo(RunStatus.RUNNING);
    assertThat(info.getArtifactUri())
        .isEqualTo("mlflow-artifacts:/1/" + info.getRunId() + "/artifacts");
    String id = info.getRunId();
    client.logParam(id, "depth", "3");
    client.logMetric(id, "rmse", 0.5);
    client.setTag(id, "team", "risk");
    client.logBatch(
        id,
        List.of(metric("auc", 0.7, 5, 1), metric("auc", 0.8, 6, 2)),
        List.of(Param.newBuilder().setKey("rate").setValue("0.1").build()),
        List.of(RunTag.newBuilder().setKey("kind").setValue("gbt").build()));
    client.setTerminated(id, RunStatus.FINISHED, 99);
    Run read = client.getRun(id);
    assertThat(read.getInfo().getStatus()).isEqualTo(RunStatus.FINISHED);
    assertThat(read.getInfo().getEndTime()).isEqualTo(99);
    assertThat(read.getData().getMetricsList())
        .extracting(m -> m.getKey() + "=" + m.getValue())
        .containsExactlyInAnyOrder("rmse=0.5", "auc=0.8");
    assertThat(read.getData().getParamsList())
        .extracting(p -> p.getKey() + "=" + p.getValue())
        .containsExactlyInAnyOrder("depth=3", "rate=0.1");
    assertThat(read.getData().getTagsList())
        .extracting(RunTag::getKey)
        .containsExactlyInAnyOrder("kind", "mlflow.runName", "team");
    assertThat(search("metrics.rmse < 1 and tags.team = 'risk'", experiment)).containsExactly(id);
    assertThat(search("metrics.rmse > 1", experiment)).isEmpty();
    assertThat(client.getMetricHistory(id, "auc"))
        .extracting(Metric::getStep, Metric::getValue)
        .containsExactly(tuple(1L, 0.7), tuple(2L, 0.8));
  }

  private static org.assertj.core.groups.Tuple tuple(Object... of) {
    return org.assertj.core.groups.Tuple.tuple(of);
  }

  @Test
  void valuesThatAreNoNumbersComeBack() {
    String id = client.createRun().getRunId();
    client.logMetric(id, "m", Double.NaN, 1, 0);
    client.logMetric(id, "m", Double.POSITIVE_INFINITY, 2, 1);
    client.logMetric(id, "m", Double.NEGATIVE_INFINITY, 3, 2);
    client.logMetric(id, "m", Double.NaN, 1, 0);
    assertThat(client.getMetricHistory(id, "m"))
        .extracting(Metric::getValue)
        .containsExactly(Double.NaN, Double.POSITIVE_INFINITY, Double.NEGATIVE_INFINITY);
    assertThat(client.getRun(id).getData().getMetrics(0).getValue())
        .isEqualTo(Double.NEGATIVE_INFINITY);
  }

  @Test
  void experimentsByNameAndTheDefaultOne() {
    assertThat(client.getExperiment("0").getName()).isEqualTo("Default");
    assertThat(client.getExperimentByName("nobody's")).isEmpty();
    String id = client.createExperiment("mine");
    assertThat(client.getExperimentByName("mine").map(Experiment::getExperimentId))
        .isEqualTo(Optional.of(id));
    assertThat(client.searchExperiments("name = 'mine'").getItems())
        .extracting(Experiment::getExperimentId)
        .containsExactly(id);
    assertThatThrownBy(() -> client.createExperiment("mine"))
        .isInstanceOf(MlflowHttpException.class)
        .hasMessageContaining("400");
    client.renameExperiment(id, "ours");
    assertThat(client.getExperimentByName("mine")).isEmpty();
    client.setExperimentTag(id, "team", "risk");
    client.deleteExperiment(id);
    Experiment gone = client.getExperiment(id);
    assertThat(gone.getLifecycleStage()).isEqualTo("deleted");
    assertThat(gone.getTags(0).getValue()).isEqualTo("risk");
    assertThat(client.searchExperiments().getItems())
        .extracting(Experiment::getExperimentId)
        .containsExactly("0");
    client.restoreExperiment(id);
    assertThat(client.getExperiment(id).getLifecycleStage()).isEqualTo("active");
  }

  @Test
  void aParameterIsWrittenOnce() throws Exception {
    String id = run("0");
    for (int i = 0; i < 3; i++) {
      assertThat(
              server
                  .post(
                      "runs/log-parameter",
                      "{\"run_id\": \"%s\", \"key\": \"depth\", \"value\": \"3\"}".formatted(id))
                  .status())
          .isEqualTo(200);
    }
    Answer other =
        server.post(
            "runs/log-batch",
            """
            {"run_id": "%s", "metrics": [{"key": "m", "value": 1, "timestamp": 1}],
             "params": [{"key": "depth", "value": "4"}]}"""
                .formatted(id));
    assertThat(other.status()).isEqualTo(400);
    assertThat(other.at("error_code")).isEqualTo("INVALID_PARAMETER_VALUE");
    assertThat(other.at("message"))
        .contains("Changing param values is not allowed", "key='depth'", "value='3'", "'4'");
    // All of it or nothing.
    assertThat(client.getRun(id).getData().getMetricsList()).isEmpty();
  }

  @Test
  void whatIsDeletedIsHiddenAndTakesNoMore() throws Exception {
    String experiment = client.createExperiment("e");
    String first = client.createRun(experiment).getRunId();
    String second = client.createRun(experiment).getRunId();
    client.deleteRun(first);
    assertThat(ids(experiment, ViewType.ACTIVE_ONLY)).containsExactly(second);
    assertThat(ids(experiment, ViewType.DELETED_ONLY)).containsExactly(first);
    Answer refused =
        server.post(
            "runs/log-metric",
            "{\"run_id\": \"%s\", \"key\": \"m\", \"value\": 1, \"timestamp\": 1}"
                .formatted(first));
    assertThat(refused.status()).isEqualTo(400);
    assertThat(refused.at("message"))
        .isEqualTo(
            "The run %s must be in the 'active' state. Current state is deleted.".formatted(first));
    client.deleteExperiment(experiment);
    assertThat(ids(experiment, ViewType.ACTIVE_ONLY)).isEmpty();
    assertThat(ids(experiment, ViewType.DELETED_ONLY)).containsExactlyInAnyOrder(first, second);
    assertThat(server.post("runs/create", "{\"experiment_id\": \"1\"}").at("message"))
        .isEqualTo("The experiment 1 must be in the 'active' state. Current state is deleted.");
    client.restoreExperiment(experiment);
    client.restoreRun(first);
    assertThat(ids(experiment, ViewType.ACTIVE_ONLY)).containsExactlyInAnyOrder(first, second);
  }

  private List<String> ids(String experiment, ViewType view) {
    return found("", view, experiment);
  }

  private List<String> found(String filter, ViewType view, String... experiments) {
    return client.searchRuns(List.of(experiments), filter, view, 1000).getItems().stream()
        .map(run -> run.getInfo().getRunId())
        .toList();
  }

  @Test
  void theSameRequestThreeTimesIsOneRun() throws Exception {
    List<String> ids = new ArrayList<>();
    for (int i = 0; i < 3; i++) {
      ids.add(
          server
              .post(
                  "runs/create",
                  "{ \"experiment_id\": \"0\", \"user_id\": \"root\", \"start_time\": \"1795224923481\" }")
              .at("run.info.run_id"));
    }
    assertThat(ids).containsOnly(ids.get(0));
    List<String> keyed = new ArrayList<>();
    for (int i = 0; i < 3; i++) {
      keyed.add(
          server.keyed("k-1", "runs/create", "{\"experiment_id\": \"0\"}").at("run.info.run_id"));
    }
    assertThat(keyed).containsOnly(keyed.get(0)).doesNotContain(ids.get(0));
    for (int i = 0; i < 3; i++) {
      assertThat(
              server
                  .post(
                      "runs/log-metric",
                      """
                      { "run_uuid": "%1$s", "key": "m", "value": "NaN", "timestamp": "1795224923522", "step": "0", "run_id": "%1$s" }"""
                          .formatted(ids.get(0)))
                  .status())
          .isEqualTo(200);
    }
    assertThat(client.getMetricHistory(ids.get(0), "m")).hasSize(1);
  }

  @Test
  void historiesComeInPages() throws Exception {
    String id = run("0");
    List<Metric> points = new ArrayList<>();
    for (int i = 0; i < 10; i++) {
      // The order of time is not the one in which they are logged.
      points.add(metric("loss", i, 100 - i, i));
    }
    client.logBatch(id, points, List.of(), List.of());
    List<String> seen = new ArrayList<>();
    String token = "";
    do {
      Answer page =
          server.get(
              "metrics/get-history?run_id="
                  + id
                  + "&metric_key=loss&max_results=4"
                  + (token.isEmpty() ? "" : "&page_token=" + token));
      page.body().path("metrics").forEach(m -> seen.add(m.path("step").asText()));
      token = page.at("next_page_token");
    } while (!token.isEmpty());
    assertThat(seen).containsExactly("9", "8", "7", "6", "5", "4", "3", "2", "1", "0");
    // The value is the one of the last step.
    assertThat(client.getRun(id).getData().getMetrics(0).getValue()).isEqualTo(9);
  }

  @Test
  void runsAreFoundByAllThatTheyHave() throws Exception {
    String one = client.createExperiment("one");
    String two = client.createExperiment("two");
    List<String> runs = new ArrayList<>();
    for (int i = 0; i < 4; i++) {
      String id =
          server
              .post(
                  "runs/create",
                  """
                  {"experiment_id": "%s", "start_time": %d, "run_name": "r%d",
                   "tags": [{"key": "mlflow.user", "value": "ann"}]}"""
                      .formatted(i < 2 ? one : two, 10 + i, i))
              .at("run.info.run_id");
      client.logMetric(id, "val rmse", i == 3 ? Double.NaN : i, 1, 0);
      client.logParam(id, "depth", "d" + i);
      runs.add(id);
    }
    assertThat(search("", one, two)).containsExactly(at(runs, 3, 2, 1, 0));
    assertThat(search("attributes.run_name = 'r2'", one, two)).containsExactly(at(runs, 2));
    assertThat(search("metrics.`val rmse` >= 1", one, two)).containsExactly(at(runs, 2, 1));
    assertThat(search("params.depth LIKE 'd%' and start_time < 12", one, two))
        .containsExactly(at(runs, 1, 0));
    assertThat(search("user_id = 'ann'", two)).containsExactly(at(runs, 3, 2));
    assertThat(search("run_id IN ('" + runs.get(0) + "', 'x')", one, two))
        .containsExactly(at(runs, 0));
    Answer ordered =
        server.post(
            "runs/search",
            """
            {"experiment_ids": ["%s", "%s"], "order_by": ["metrics.`val rmse` DESC"],
             "max_results": 3}"""
                .formatted(one, two));
    assertThat(ordered.body().path("runs").findValuesAsText("run_id"))
        .containsExactly(at(runs, 2, 1, 0));
    Answer rest =
        server.post(
            "runs/search",
            """
            {"experiment_ids": ["%s", "%s"], "order_by": ["metrics.`val rmse` DESC"],
             "max_results": 3, "page_token": "%s"}"""
                .formatted(one, two, ordered.at("next_page_token")));
    assertThat(rest.body().path("runs").findValuesAsText("run_id")).containsExactly(at(runs, 3));
    assertThat(rest.at("next_page_token")).isEmpty();
    Answer wrong =
        server.post(
            "runs/search",
            "{\"experiment_ids\": [\"1\"], \"filter\": \"metrics.a < 1 or metrics.b < 1\"}");
    assertThat(wrong.status()).isEqualTo(400);
    assertThat(wrong.at("error_code")).isEqualTo("INVALID_PARAMETER_VALUE");
    assertThat(
            server.post("runs/search", "{\"experiment_ids\": [], \"max_results\": 50001}").status())
        .isEqualTo(400);
  }

  private static String[] at(List<String> runs, int... which) {
    return java.util.Arrays.stream(which).mapToObj(runs::get).toArray(String[]::new);
  }

  private List<String> search(String filter, String... experiments) {
    return found(filter, ViewType.ACTIVE_ONLY, experiments);
  }
}
