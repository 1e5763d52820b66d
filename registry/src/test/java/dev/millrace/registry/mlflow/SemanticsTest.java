package dev.millrace.registry.mlflow;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import dev.millrace.registry.mlflow.MlflowServer.Answer;
import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Base64;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What MLflow's own tests say of models, versions and searches, case by case. */
class SemanticsTest {

  @SuppressWarnings("NullAway.Init") // JUnit sets it.
  @TempDir
  private Path folder;

  @SuppressWarnings("NullAway.Init") // Before each test.
  private MlflowServer server;

  @BeforeEach
  void open() throws Exception {
    server = new MlflowServer(folder);
    var unusedModel = ok("POST", "registered-models/create", "{\"name\": \"m\"}");
  }

  @AfterEach
  void close() {
    server.close();
  }

  private Answer ok(String method, String path, String body) throws Exception {
    Answer answer = server.send(method, path, body);
    assertThat(answer.status()).as("%s %s: %s", path, body, answer.body()).isEqualTo(200);
    assertThat(answer.body().isObject()).isTrue();
    return answer;
  }

  private void version(String model, String source, String run) throws Exception {
    var unusedVersion =
        ok(
            "POST",
            "model-versions/create",
            """
            {"name": "%s", "source": "%s", "run_id": "%s",
             "tags": [{"key": "src", "value": "%s"}]}"""
                .formatted(model, source, run, source));
  }

  private long updated() throws Exception {
    return server
        .get("registered-models/get?name=m")
        .body()
        .at("/registered_model/last_updated_timestamp")
        .asLong();
  }

  @Test
  void aModelIsTouchedByVersionsAndStagesNotByDescriptions() throws Exception {
    long made = updated();
    version("m", "a", "r");
    long registered = updated();
    assertThat(registered).isGreaterThan(made);
    Answer described =
        ok(
            "PATCH",
            "model-versions/update",
            "{\"name\": \"m\", \"version\": \"1\", \"description\": \"what\"}");
    assertThat(updated()).isEqualTo(registered);
    assertThat(described.body().at("/model_version/last_updated_timestamp").asLong())
        .isGreaterThan(registered);
    var unusedMoved =
        ok(
            "POST",
            "model-versions/transition-stage",
            "{\"name\": \"m\", \"version\": \"1\", \"stage\": \"staging\","
                + " \"archive_existing_versions\": \"true\"}");
    long moved = updated();
    assertThat(moved).isGreaterThan(registered);
    var unusedGone = ok("DELETE", "model-versions/delete", "{\"name\": \"m\", \"version\": \"1\"}");
    assertThat(updated()).isGreaterThan(moved);
    assertThat(
            server.get("model-versions/search?filter=" + escaped("name = 'm'")).body().toString())
        .isEqualTo("{\"model_versions\":[]}");
    assertThat(server.get("model-versions/get-download-uri?name=m&version=1").status())
        .isEqualTo(404);
  }

  @ParameterizedTest
  @CsvSource({
    "Archived, true, is not an Active stage",
    "None, true, is not an Active stage",
    "Live, false, Invalid Model Version stage: Live",
  })
  void stagesThatAreNone(String stage, boolean archive, String why) throws Exception {
    version("m", "a", "r");
    Answer refused =
        server.post(
            "model-versions/transition-stage",
            "{\"name\": \"m\", \"version\": \"1\", \"stage\": \"%s\", \"archive_existing_versions\": %s}"
                .formatted(stage, archive));
    assertThat(refused.status()).isEqualTo(400);
    assertThat(refused.at("error_code")).isEqualTo("INVALID_PARAMETER_VALUE");
    assertThat(refused.at("message")).contains(why);
  }

  @Test
  void aCopyNamesWhatItIsOf() throws Exception {
    version("m", "s3://there", "r");
    var unusedModel = ok("POST", "registered-models/create", "{\"name\": \"copy\"}");
    version("copy", "models:/m/1", "r");
    assertThat(server.get("model-versions/get?name=copy&version=1").at("model_version.source"))
        .isEqualTo("models:/m/1");
    assertThat(server.get("model-versions/get-download-uri?name=m&version=1").at("artifact_uri"))
        .isEqualTo("s3://there");
  }

  @Test
  void whatChangedLastComesFirst() throws Exception {
    for (int i = 1; i <= 3; i++) {
      version("m", "s" + i, "r" + i);
    }
    var unusedModel = ok("POST", "registered-models/create", "{\"name\": \"a\"}");
    version("a", "s4", "r1");
    var unusedTouched =
        ok(
            "PATCH",
            "model-versions/update",
            "{\"name\": \"m\", \"version\": \"2\", \"description\": \"x\"}");
    assertThat(found("")).containsExactly("m2", "a1", "m3", "m1");
    JsonNode page = server.get("model-versions/search?max_results=3").body();
    String token = page.path("next_page_token").asText();
    assertThat(new String(Base64.getUrlDecoder().decode(token), StandardCharsets.UTF_8))
        .contains("\"offset\": 3");
    assertThat(names(server.get("model-versions/search?max_results=3&page_token=" + token).body()))
        .containsExactly("m1");
  }

  private List<String> found(String filter) throws Exception {
    return names(server.get("model-versions/search?filter=" + escaped(filter)).body());
  }

  private static List<String> names(JsonNode body) {
    assertThat(body.has("error_code")).as(body.toString()).isFalse();
    return java.util.stream.StreamSupport.stream(body.path("model_versions").spliterator(), false)
        .map(v -> v.path("name").asText() + v.path("version").asText())
        .toList();
  }

  private static String escaped(String text) {
    return URLEncoder.encode(text, StandardCharsets.UTF_8);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '~',
      value = {
        "name = 'm'                                    | 3",
        "name = \"m\" AND run_id = 'r1'                | 1",
        "run_id IN ('r1', 'r3', 'none')                | 2",
        "run_id IN ('none')                            | 0",
        "source_path = 's2'                            | 1",
        "source_path LIKE 's%' and version_number > 1  | 2",
        "version_number <= 2                           | 2",
        "version_number != 2                           | 2",
        "tags.src = 's1'                               | 1",
        "tags.`src` ILIKE 'S_'                         | 3",
        "tags.\"src\" != 's1'                          | 2",
        "tags.src LIKE 'S_'                            | 0",
      })
  void versionsAreFound(String filter, int count) throws Exception {
    for (int i = 1; i <= 3; i++) {
      version("m", "s" + i, "r" + i);
    }
    assertThat(found(filter)).hasSize(count);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "name = 'a' OR name = 'b'",
        "NOT name = 'a'",
        "(name = 'a')",
        "alias = 'best'",
        "aliases.best = '1'",
        "name = a",
        "name > 'a'",
        "name 'a'",
        "name =",
        "AND name = 'a'",
        "name = 'a' AND",
        "name = 'a' name = 'b'",
        "name = 'a",
        "description = 'a'",
        "metrics.auc > 1",
      })
  void whatIsNoSearchIsRefused(String filter) throws Exception {
    for (String kind : List.of("registered-models", "model-versions")) {
      Answer refused = server.get(kind + "/search?filter=" + escaped(filter));
      assertThat(refused.status()).as("%s %s", kind, refused.body()).isEqualTo(400);
      assertThat(refused.at("error_code")).isEqualTo("INVALID_PARAMETER_VALUE");
    }
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '~',
      value = {
        "name != 'm' | 1",
        "name ILIKE 'M' | 1",
        "name LIKE 'O_%R' | 0",
        "name LIKE 'o_%r' | 1"
      })
  void modelsAreFound(String filter, int count) throws Exception {
    var unusedModel = ok("POST", "registered-models/create", "{\"name\": \"other\"}");
    assertThat(
            server
                .get("registered-models/search?filter=" + escaped(filter))
                .body()
                .path("registered_models"))
        .hasSize(count);
  }

  @Test
  void limitsOfNamesAndTags() throws Exception {
    version("m", "a", "r");
    String tag = "{\"name\": \"m\", \"version\": \"1\", \"key\": \"%s\", \"value\": \"%s\"}";
    for (String path : List.of("registered-models/set-tag", "model-versions/set-tag")) {
      assertThat(server.post(path, tag.formatted("k".repeat(250), "v".repeat(5000))).status())
          .as(path)
          .isEqualTo(200);
      assertThat(server.post(path, tag.formatted("k".repeat(251), "v")).status())
          .as(path)
          .isEqualTo(400);
    }
    String alias = "{\"name\": \"m\", \"version\": \"1\", \"alias\": \"%s\"}";
    assertThat(server.post("registered-models/alias", alias.formatted("a".repeat(255))).status())
        .isEqualTo(200);
    for (String wrong : List.of("a".repeat(256), "V3", "Latest", "a.b", "ä b")) {
      assertThat(server.post("registered-models/alias", alias.formatted(wrong)).status())
          .as(wrong)
          .isEqualTo(400);
    }
  }

  @Test
  void theUserOfBasicAuthenticationIsWhoRegistered() throws Exception {
    String basic =
        Base64.getEncoder().encodeToString("ann:secret".getBytes(StandardCharsets.UTF_8));
    String answer =
        HttpClient.newHttpClient()
            .send(
                HttpRequest.newBuilder(
                        URI.create(server.url() + "/api/2.0/mlflow/model-versions/create"))
                    .header("Authorization", "Basic " + basic)
                    .POST(BodyPublishers.ofString("{\"name\": \"m\", \"source\": \"a\"}"))
                    .build(),
                BodyHandlers.ofString())
            .body();
    assertThat(answer).contains("\"user_id\":\"ann\"");
    assertThat(server.catalogue().events().toString()).doesNotContain("secret");
  }

  @Test
  void runsAreOrderedWithWhatIsNoNumberLast() throws Exception {
    String[] ids = new String[4];
    String[] values = {"1", "\"NaN\"", "", "3"};
    for (int i = 0; i < ids.length; i++) {
      ids[i] =
          ok("POST", "runs/create", "{\"start_time\": 5, \"run_name\": \"r%d\"}".formatted(i))
              .at("run.info.run_id");
      if (!values[i].isEmpty()) {
        var unusedLogged =
            ok(
                "POST",
                "runs/log-metric",
                "{\"run_id\": \"%s\", \"key\": \"m\", \"value\": %s, \"timestamp\": 1}"
                    .formatted(ids[i], values[i]));
      }
    }
    assertThat(ordered("metrics.m DESC").subList(0, 2)).containsExactly(ids[3], ids[0]);
    assertThat(ordered("metrics.m ASC").subList(0, 2)).containsExactly(ids[0], ids[3]);
    // All began at once.
    assertThat(ordered("start_time DESC")).isSorted();
    assertThat(runs("metrics.m >= 1")).hasSize(2);
    assertThat(runs("metrics.m != 1")).contains(ids[3]);
    assertThat(runs("attributes.run_id NOT IN ('" + ids[0] + "')")).hasSize(3);
    assertThat(runs("params.none IS NULL")).hasSize(4);
    assertThat(runs("params.none IS NOT NULL")).isEmpty();
    assertThat(runs("attributes.status = 'RUNNING' and attributes.end_time > 1")).isEmpty();
    assertThat(runs("attributes.artifact_uri LIKE 'mlflow-artifacts:/0/%'")).hasSize(4);
  }

  private List<String> ordered(String order) throws Exception {
    return ok(
            "POST",
            "runs/search",
            "{\"experiment_ids\": [\"0\"], \"order_by\": [\"%s\"]}".formatted(order))
        .body()
        .path("runs")
        .findValuesAsText("run_id");
  }

  private List<String> runs(String filter) throws Exception {
    return ok(
            "POST",
            "runs/search",
            "{\"experiment_ids\": [\"0\"], \"filter\": \"%s\"}".formatted(filter))
        .body()
        .path("runs")
        .findValuesAsText("run_id");
  }
}
