package dev.millrace.registry.mlflow;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.millrace.core.model.LifecycleEntry;
import dev.millrace.registry.mlflow.MlflowServer.Answer;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.mlflow.api.proto.ModelRegistry.ModelVersion;
import org.mlflow.tracking.MlflowClient;
import org.mlflow.tracking.MlflowHttpException;

/** MLflow's own client and plain requests; what is expected is what MLflow's own tests say. */
class RegisteredModelsTest {

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

  private String version(String model, String source, String run) throws Exception {
    return server
        .post(
            "model-versions/create",
            """
            {"name": "%s", "source": "%s", "run_id": "%s"}"""
                .formatted(model, source, run))
        .at("model_version.version");
  }

  private void model(String name) {
    String unusedAnswer =
        client.sendPost("registered-models/create", "{\"name\": \"" + name + "\"}");
  }

  @Test
  void theJavaClientReadsWhatItRegistered() {
    model("fraud");
    String made =
        client.sendPost(
            "model-versions/create",
            """
            {"name": "fraud", "source": "s3://models/1", "run_id": "abc",
             "tags": [{"key": "team", "value": "risk"}], "model_id": "unknown to us"}""");
    assertThat(made).contains("\"version\":\"1\"", "\"status\":\"READY\"");
    ModelVersion read = client.getModelVersion("fraud", "1");
    assertThat(read.getSource()).isEqualTo("s3://models/1");
    assertThat(read.getRunId()).isEqualTo("abc");
    assertThat(read.getCurrentStage()).isEqualTo("None");
    assertThat(read.getCreationTimestamp()).isPositive();
    assertThat(read.getTagsList())
        .anySatisfy(tag -> assertThat(tag.getKey() + tag.getValue()).isEqualTo("teamrisk"));
    assertThat(client.getRegisteredModel("fraud").getLatestVersionsList()).hasSize(1);
    assertThat(client.getModelVersionDownloadUri("fraud", "1")).isEqualTo("s3://models/1");
    assertThat(client.searchModelVersions("name = 'fraud' and run_id = 'abc'").getItems())
        .hasSize(1);
  }

  @Test
  void theNewestOfEachStageIsLatest() throws Exception {
    model("m");
    for (int i = 1; i <= 7; i++) {
      assertThat(version("m", "path/" + i, "run" + i)).isEqualTo(String.valueOf(i));
    }
    List<String> stages =
        List.of("Archived", "Production", "archived", "PRODUCTION", "Staging", "staging");
    for (int i = 0; i < stages.size(); i++) {
      assertThat(
              server
                  .post(
                      "model-versions/transition-stage",
                      """
                      {"name": "m", "version": "%d", "stage": "%s"}"""
                          .formatted(i + 1, stages.get(i)))
                  .status())
          .isEqualTo(200);
    }
    assertThat(client.getLatestVersions("m"))
        .extracting(v -> v.getCurrentStage() + v.getVersion())
        .containsExactlyInAnyOrder("Production4", "Staging6", "Archived3", "None7");
    assertThat(client.getLatestVersions("m", List.of("Production", "None")))
        .extracting(ModelVersion::getVersion)
        .containsExactlyInAnyOrder("4", "7");
    Answer posted =
        server.post("registered-models/get-latest-versions", "{\"name\": \"m\", \"stages\": []}");
    assertThat(posted.body().path("model_versions")).hasSize(4);
  }

  @Test
  void archivingOthersIsOneEventAndForActiveStagesOnly() throws Exception {
    model("m");
    for (int i = 1; i <= 3; i++) {
      String unusedNumber = version("m", "path/" + i, "r");
      if (i < 3) {
        var unusedMoved =
            server.post(
                "model-versions/transition-stage",
                "{\"name\": \"m\", \"version\": \"" + i + "\", \"stage\": \"Production\"}");
      }
    }
    int before = server.catalogue().events().size();
    var moved =
        server.post(
            "model-versions/transition-stage",
            """
            {"name": "m", "version": "3", "stage": "Production", "archive_existing_versions": true}""");
    assertThat(moved.at("model_version.current_stage")).isEqualTo("Production");
    assertThat(server.catalogue().events()).hasSize(before + 1);
    assertThat(client.getModelVersion("m", "1").getCurrentStage()).isEqualTo("Archived");
    assertThat(client.getModelVersion("m", "2").getCurrentStage()).isEqualTo("Archived");
    var refused =
        server.post(
            "model-versions/transition-stage",
            """
            {"name": "m", "version": "3", "stage": "None", "archive_existing_versions": true}""");
    assertThat(refused.status()).isEqualTo(400);
    assertThat(refused.at("error_code")).isEqualTo("INVALID_PARAMETER_VALUE");
    assertThat(refused.at("message")).contains("'None' is not an Active stage");
  }

  @Test
  void aliasesMoveAndGoWithTheirVersion() throws Exception {
    model("m");
    String unusedFirst = version("m", "a", "r1");
    String unusedSecond = version("m", "b", "r2");
    String alias = "registered-models/alias";
    for (String to : List.of("1", "2")) {
      assertThat(
              server
                  .post(
                      alias, "{\"name\": \"m\", \"alias\": \"best\", \"version\": \"" + to + "\"}")
                  .status())
          .isEqualTo(200);
      assertThat(server.get(alias + "?name=m&alias=best").at("model_version.version"))
          .isEqualTo(to);
    }
    assertThat(client.getRegisteredModel("m").getAliasesList()).hasSize(1);
    assertThat(
            server
                .post(alias, "{\"name\": \"m\", \"alias\": \"best\", \"version\": \"9\"}")
                .status())
        .isEqualTo(404);
    for (String reserved : List.of("latest", "v12", "a b", "")) {
      assertThat(
              server
                  .post(
                      alias,
                      "{\"name\": \"m\", \"alias\": \"" + reserved + "\", \"version\": \"1\"}")
                  .status())
          .as(reserved)
          .isEqualTo(400);
    }
    assertThat(
            server
                .send("DELETE", "model-versions/delete", "{\"name\": \"m\", \"version\": \"2\"}")
                .status())
        .isEqualTo(200);
    Answer gone = server.get(alias + "?name=m&alias=best");
    assertThat(gone.status()).isEqualTo(400);
    assertThat(gone.at("message")).isEqualTo("Registered model alias best not found.");
  }

  @Test
  void numbersAreNeverGivenAgain() throws Exception {
    model("m");
    assertThat(version("m", "a", "r1")).isEqualTo("1");
    assertThat(version("m", "b", "r2")).isEqualTo("2");
    var unusedDeleted =
        server.send("DELETE", "model-versions/delete", "{\"name\": \"m\", \"version\": \"2\"}");
    assertThat(version("m", "c", "r3")).isEqualTo("3");
    Answer gone = server.get("model-versions/get?name=m&version=2");
    assertThat(gone.status()).isEqualTo(404);
    assertThat(gone.at("error_code")).isEqualTo("RESOURCE_DOES_NOT_EXIST");
    assertThat(gone.at("message")).isEqualTo("Model Version (name=m, version=2) not found");
    var unusedModel = server.send("DELETE", "registered-models/delete", "{\"name\": \"m\"}");
    assertThat(server.get("registered-models/get?name=m").at("message"))
        .isEqualTo("Registered Model with name=m not found");
    model("m");
    assertThat(version("m", "a", "r1")).isEqualTo("4");
  }

  @Test
  void whatIsSentThreeTimesHappensOnce() throws Exception {
    List<List<String>> mutations =
        List.of(
            List.of("POST", "registered-models/create", "{\"name\": \"m\"}"),
            List.of(
                "POST",
                "model-versions/create",
                "{\"name\": \"m\", \"source\": \"a\", \"run_id\": \"r\"}"),
            List.of(
                "PATCH",
                "registered-models/update",
                "{\"name\": \"m\", \"description\": \"what\"}"),
            List.of(
                "POST",
                "registered-models/alias",
                "{\"name\": \"m\", \"alias\": \"x\", \"version\": 1}"),
            List.of(
                "POST",
                "registered-models/set-tag",
                "{\"name\": \"m\", \"key\": \"k\", \"value\": \"v\"}"),
            List.of(
                "POST",
                "model-versions/set-tag",
                "{\"name\": \"m\", \"version\": \"1\", \"key\": \"k\", \"value\": \"v\"}"),
            List.of("DELETE", "registered-models/delete-tag", "{\"name\": \"m\", \"key\": \"k\"}"),
            List.of(
                "PATCH",
                "model-versions/update",
                "{\"name\": \"m\", \"version\": \"1\", \"description\": \"w\"}"),
            List.of("DELETE", "model-versions/delete", "{\"name\": \"m\", \"version\": \"1\"}"),
            List.of("DELETE", "registered-models/delete", "{\"name\": \"m\"}"));
    for (List<String> mutation : mutations) {
      Answer first = server.send(mutation.get(0), mutation.get(1), mutation.get(2));
      assertThat(first.status()).as(mutation.toString()).isEqualTo(200);
      assertThat(first.body().isObject()).isTrue();
      String state = state();
      for (int again = 0; again < 2; again++) {
        Answer repeat = server.send(mutation.get(0), mutation.get(1), mutation.get(2));
        assertThat(repeat.status()).as(mutation.toString()).isIn(200, 400, 404);
        assertThat(state()).as(mutation.toString()).isEqualTo(state);
      }
    }
  }

  /** All that a reader sees, without the times. */
  private String state() throws Exception {
    return (server.get("registered-models/search").body().toString()
            + server.get("model-versions/search").body())
        .replaceAll("\"last_updated_timestamp\":\\d+", "");
  }

  @Test
  void aKeySaysWhichRequestItIs() throws Exception {
    model("m");
    String body = "{\"name\": \"m\", \"source\": \"a\"}";
    assertThat(server.keyed("one", "model-versions/create", body).at("model_version.version"))
        .isEqualTo("1");
    assertThat(server.keyed("one", "model-versions/create", body).at("model_version.version"))
        .isEqualTo("1");
    assertThat(server.keyed("two", "model-versions/create", body).at("model_version.version"))
        .isEqualTo("2");
  }

  @Test
  void searchesPageAndOrder() throws Exception {
    for (int i = 0; i < 25; i++) {
      model("model-%02d".formatted(i));
    }
    var unusedTag =
        server.post(
            "registered-models/set-tag",
            "{\"name\": \"model-07\", \"key\": \"team name\", \"value\": \"Risk\"}");
    Answer first = server.get("registered-models/search?max_results=10&order_by=name%20DESC");
    assertThat(first.body().path("registered_models").get(0).path("name").asText())
        .isEqualTo("model-24");
    String token = first.at("next_page_token");
    Answer second =
        server.get(
            "registered-models/search?max_results=10&order_by=name%20DESC&page_token=" + token);
    assertThat(second.body().path("registered_models").get(0).path("name").asText())
        .isEqualTo("model-14");
    assertThat(
            IntStream.range(0, 10)
                .mapToObj(
                    i -> second.body().path("registered_models").get(i).path("name").asText()))
        .doesNotHaveDuplicates();
    assertThat(
            server
                .get("registered-models/search?filter=tags.%60team%20name%60%20ILIKE%20%27r_sk%27")
                .body()
                .path("registered_models"))
        .hasSize(1);
    Answer or = server.get("registered-models/search?filter=name%3D%27a%27%20OR%20name%3D%27b%27");
    assertThat(or.status()).isEqualTo(400);
    assertThat(or.at("message")).contains("Invalid clause(s) in filter string");
    assertThat(server.get("registered-models/search?page_token=nonsense").status()).isEqualTo(400);
    assertThat(server.get("registered-models/search?max_results=1001").status()).isEqualTo(400);
  }

  @Test
  void mistakesAreToldInMlflowsWords() throws Exception {
    Answer missing = server.post("registered-models/create", "{}");
    assertThat(missing.status()).isEqualTo(400);
    assertThat(missing.at("message"))
        .isEqualTo(
            "Missing value for required parameter 'name'. See the API docs for more information"
                + " about request parameters.");
    model("m");
    Answer again = server.post("registered-models/create", "{\"name\": \"m\"}");
    assertThat(again.at("error_code")).isEqualTo("RESOURCE_ALREADY_EXISTS");
    assertThat(again.at("message")).startsWith("Registered Model (name=m) already exists.");
    assertThat(server.get("model-versions/get?name=m&version=x").at("message"))
        .isEqualTo("Parameter 'version' must be an integer, got 'x'.");
    assertThat(server.get("nothing/there").at("error_code")).isEqualTo("ENDPOINT_NOT_FOUND");
    assertThat(server.get("/ajax-api/2.0/mlflow/registered-models/get?name=m").status())
        .isEqualTo(200);
    Answer broken = server.post("registered-models/create", "{\"name\": ");
    assertThat(broken.at("error_code")).isEqualTo("BAD_REQUEST");
    assertThat(broken.body().toString()).doesNotContain("Exception", "\tat ");
    String longName = "ä".repeat(250);
    assertThat(
            server
                .post("registered-models/create", "{\"name\": \"" + longName + "\"}")
                .at("registered_model.name"))
        .isEqualTo(longName);
    assertThat(
            server.post("registered-models/create", "{\"name\": \"" + longName + "x\"}").status())
        .isEqualTo(400);
    assertThatThrownBy(() -> client.getModelVersion("m", "1"))
        .isInstanceOf(MlflowHttpException.class)
        .hasMessageContaining("404");
  }

  @Test
  void whoAsksStandsInTheJournal() throws Exception {
    model("m");
    assertThat(server.catalogue().events())
        .extracting(LifecycleEntry::type, LifecycleEntry::actor)
        .containsExactly(org.assertj.core.groups.Tuple.tuple("MODEL_CREATED", "anonymous"));
  }
}
