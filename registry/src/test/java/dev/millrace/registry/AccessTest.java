package dev.millrace.registry;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import dev.millrace.registry.access.AccessToken;
import dev.millrace.registry.access.Projects;
import dev.millrace.registry.access.Role;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Base64;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.mlflow.tracking.MlflowClient;
import org.mlflow.tracking.MlflowHttpException;
import org.mlflow.tracking.creds.BasicMlflowHostCreds;

/** Who may do what, over HTTP. */
class AccessTest {

  private static final JsonMapper JSON = new JsonMapper();
  private static final List<Role> ROLES = List.of(Role.values());
  private static final Set<String> MAKE_ONES_OWN =
      Set.of("registered-models/create", "experiments/create");

  @SuppressWarnings("NullAway.Init") // Before all tests: its topologies take seconds to start.
  private static GuardedRegistry registry;

  private static int tests;

  private String model = "";
  private String made = "";
  private String experiment = "";
  private String run = "";
  private String logged = "";

  @BeforeAll
  static void open(@TempDir Path folder) throws Exception {
    registry = new GuardedRegistry(folder, null);
    for (Role role : ROLES) {
      registry.add(role.text(), role, "flights");
    }
    registry.add("fraudster", Role.ADMIN, "fraud");
    registry.add("both", Role.CONTRIBUTOR, "flights", "fraud");
  }

  /** Each test has its own model, experiment, run and logged model. */
  @BeforeEach
  void make() throws Exception {
    tests++;
    model = "model" + tests;
    made = "made" + tests;
    ok("contributor", "registered-models/create", "{\"name\": \"MODEL\"}");
    ok("contributor", "model-versions/create", "{\"name\": \"MODEL\", \"source\": \"s3://b/1\"}");
    experiment =
        ok("contributor", "experiments/create", "{\"name\": \"of MODEL\"}")
            .path("experiment_id")
            .asText();
    run =
        ok("contributor", "runs/create", "{\"experiment_id\": \"" + experiment + "\"}")
            .at("/run/info/run_id")
            .asText();
    logged =
        ok("contributor", "logged-models", "{\"experiment_id\": \"" + experiment + "\"}")
            .at("/model/info/model_id")
            .asText();
  }

  @AfterAll
  static void close() {
    registry.close();
  }

  private HttpResponse<String> post(String name, String path, String body) throws Exception {
    return registry.post(name, path, filled(body));
  }

  private JsonNode ok(String name, String path, String body) throws Exception {
    HttpResponse<String> answer = post(name, path, body);
    assertThat(answer.statusCode()).as("%s: %s", path, answer.body()).isEqualTo(200);
    return JSON.readTree(answer.body());
  }

  private String filled(String text) {
    return text.replace("MODEL", model)
        .replace("MADE", made)
        .replace("EXP", experiment)
        .replace("RUN", run)
        .replace("LOGGED", logged);
  }

  /** Each kind of request, and the least role that gets beyond the door. */
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "reader | GET | /v1/models | ",
        "reader | GET | /v1/models/MODEL | ",
        "reader | GET | /v1/models/MODEL/deployment | ",
        "reader | GET | /metrics | ",
        "reader | GET | /v2 | ",
        "reader | POST | /v2/models/MODEL/infer | {}",
        "reader | POST | /v1/models/MODEL/score | {}",
        "reader | GET | registered-models/get?name=MODEL | ",
        "reader | GET | registered-models/search | ",
        "reader | GET | model-versions/search | ",
        "reader | GET | /ajax-api/2.0/mlflow/experiments/search | ",
        "reader | POST | experiments/search | {}",
        "reader | POST | runs/search | {\"experiment_ids\": [\"EXP\"]}",
        "reader | POST | logged-models/search | {\"experiment_ids\": [\"EXP\"]}",
        "reader | POST | registered-models/get-latest-versions | {\"name\": \"MODEL\"}",
        "reader | GET | runs/get?run_id=RUN | ",
        "reader | GET | logged-models/LOGGED | ",
        "reader | GET | /api/2.0/mlflow-artifacts/artifacts | ",
        "contributor | POST | registered-models/create | {\"name\": \"MADE\"}",
        "contributor | PATCH | registered-models/update | {\"name\": \"MODEL\", \"description\": \"d\"}",
        "contributor | POST | registered-models/set-tag | {\"name\": \"MODEL\", \"key\": \"k\", \"value\": \"v\"}",
        "contributor | DELETE | registered-models/delete-tag | {\"name\": \"MODEL\", \"key\": \"k\"}",
        "contributor | POST | registered-models/alias | {\"name\": \"MODEL\", \"alias\": \"best\", \"version\": \"1\"}",
        "contributor | DELETE | registered-models/alias | {\"name\": \"MODEL\", \"alias\": \"best\"}",
        "contributor | POST | model-versions/create | {\"name\": \"MODEL\", \"source\": \"s3://b/2\"}",
        "contributor | PATCH | model-versions/update | {\"name\": \"MODEL\", \"version\": \"1\", \"description\": \"d\"}",
        "contributor | POST | model-versions/set-tag | {\"name\": \"MODEL\", \"version\": \"1\", \"key\": \"k\", \"value\": \"v\"}",
        "contributor | POST | experiments/create | {\"name\": \"MADE\"}",
        "contributor | POST | experiments/update | {\"experiment_id\": \"EXP\", \"new_name\": \"other MADE\"}",
        "contributor | POST | experiments/set-experiment-tag | {\"experiment_id\": \"EXP\", \"key\": \"k\", \"value\": \"v\"}",
        "contributor | POST | runs/create | {\"experiment_id\": \"EXP\"}",
        "contributor | POST | runs/update | {\"run_id\": \"RUN\", \"status\": \"FINISHED\"}",
        "contributor | POST | runs/log-metric | {\"run_id\": \"RUN\", \"key\": \"m\", \"value\": 1, \"timestamp\": 1}",
        "contributor | POST | runs/log-parameter | {\"run_id\": \"RUN\", \"key\": \"p\", \"value\": \"1\"}",
        "contributor | POST | runs/log-batch | {\"run_id\": \"RUN\"}",
        "contributor | POST | runs/set-tag | {\"run_uuid\": \"RUN\", \"key\": \"k\", \"value\": \"v\"}",
        "contributor | POST | runs/delete | {\"run_id\": \"RUN\"}",
        "contributor | POST | runs/restore | {\"run_id\": \"RUN\"}",
        "contributor | POST | logged-models | {\"experiment_id\": \"EXP\"}",
        "contributor | PATCH | logged-models/LOGGED/tags | {\"tags\": [{\"key\": \"k\", \"value\": \"v\"}]}",
        "contributor | PUT | /api/2.0/mlflow-artifacts/artifacts/EXP/RUN/artifacts/f | bytes",
        "contributor | POST | /api/2.0/mlflow-artifacts/mpu/create/EXP/RUN/artifacts | {\"path\": \"f\", \"num_parts\": 1}",
        "contributor | POST | /api/2.0/mlflow-artifacts/mpu/complete/EXP/RUN/artifacts | {\"path\": \"f\", \"upload_id\": \"u\", \"parts\": [{\"part_number\": 1, \"etag\": \"e\"}]}",
        "contributor | POST | /ajax-api/2.0/mlflow-artifacts/mpu/abort/EXP/RUN/artifacts | {\"path\": \"f\", \"upload_id\": \"u\"}",
        "promoter | POST | model-versions/transition-stage | {\"name\": \"MODEL\", \"version\": \"1\", \"stage\": \"Staging\"}",
        "promoter | POST | registered-models/alias | {\"name\": \"MODEL\", \"alias\": \"champion\", \"version\": \"1\"}",
        "promoter | DELETE | registered-models/alias | {\"name\": \"MODEL\", \"alias\": \"challenger\"}",
        "admin | DELETE | registered-models/delete | {\"name\": \"MODEL\"}",
        "admin | DELETE | model-versions/delete | {\"name\": \"MODEL\", \"version\": \"1\"}",
        "admin | POST | experiments/delete | {\"experiment_id\": \"EXP\"}",
        "admin | POST | experiments/restore | {\"experiment_id\": \"EXP\"}",
        "admin | POST | registered-models/set-tag | {\"name\": \"MODEL\", \"key\": \"millrace.project\", \"value\": \"flights\"}",
        "admin | POST | experiments/set-experiment-tag | {\"experiment_id\": \"EXP\", \"key\": \"millrace.project\", \"value\": \"flights\"}",
        "admin | DELETE | /api/2.0/mlflow-artifacts/artifacts/EXP/RUN/artifacts/f | ",
      })
  void aRoleIsEnoughOrNot(String least, String method, String path, String body) throws Exception {
    String sent = body == null ? "" : filled(body);
    HttpResponse<String> other = registry.send("fraudster", method, filled(path), sent);
    if (least.equals("reader") || MAKE_ONES_OWN.contains(path)) {
      assertThat(other.statusCode()).isNotEqualTo(403);
    } else {
      assertThat(other.statusCode()).as("by another project: %s", other.body()).isEqualTo(403);
      assertThat(other.body()).contains("fraudster", "flights");
    }
    for (Role role : ROLES) {
      HttpResponse<String> answer = registry.send(role.text(), method, filled(path), sent);
      assertThat(answer.statusCode() == 403)
          .as("%s %s %s by %s: %s", method, path, body, role, answer.body())
          .isEqualTo(!role.includes(Role.of(least).orElseThrow()));
      assertThat(answer.statusCode()).isNotEqualTo(401).isNotEqualTo(500);
    }
    assertThat(registry.send("", method, filled(path), sent).statusCode()).isEqualTo(401);
  }

  @Test
  void whatARoleLacksIsSaid() throws Exception {
    HttpResponse<String> mlflow =
        post("reader", "registered-models/create", "{\"name\": \"MADE\"}");
    assertThat(JSON.readTree(mlflow.body()).path("error_code").asText())
        .isEqualTo("PERMISSION_DENIED");
    assertThat(mlflow.body()).contains("its role is reader, and this takes contributor");
  }

  @ParameterizedTest
  @ValueSource(strings = {"/v1/models", "/metrics", "/no/where", "/v1/health/", "/v2", "/"})
  void withoutATokenThereIsNothing(String path) throws Exception {
    HttpResponse<String> answer = registry.send("", "GET", path, "");
    assertThat(answer.statusCode()).isEqualTo(401);
    assertThat(answer.headers().allValues("WWW-Authenticate"))
        .containsExactly(
            "Bearer realm=\"millrace\"", "Basic realm=\"millrace\", charset=\"UTF-8\"");
    assertThat(JSON.readTree(answer.body()).path("error").asText())
        .startsWith("Cannot answer without a token");
  }

  @Test
  void healthIsForEverybody() throws Exception {
    assertThat(registry.send("", "GET", "/v1/health", "").statusCode()).isEqualTo(200);
  }

  @Test
  void mlflowsErrorsAreMlflows() throws Exception {
    HttpResponse<String> answer = registry.send("", "GET", "registered-models/search", "");
    assertThat(answer.statusCode()).isEqualTo(401);
    assertThat(JSON.readTree(answer.body()).path("error_code").asText())
        .isEqualTo("UNAUTHENTICATED");
  }

  private int status(String... headers) throws Exception {
    HttpRequest.Builder request = HttpRequest.newBuilder(URI.create(registry.url() + "/v1/models"));
    for (String header : headers) {
      request.header("Authorization", header);
    }
    HttpResponse<String> answer =
        HttpClient.newHttpClient().send(request.build(), BodyHandlers.ofString());
    for (String header : headers) {
      assertThat(answer.body()).doesNotContain(header.substring(header.indexOf(' ') + 1));
    }
    return answer.statusCode();
  }

  private static String basic(String pair) {
    return "Basic " + Base64.getEncoder().encodeToString(pair.getBytes(StandardCharsets.UTF_8));
  }

  @Test
  void tokensAreTakenAsBearerAndAsPassword() throws Exception {
    String secret = GuardedRegistry.secret("reader");
    assertThat(status("Bearer " + secret)).isEqualTo(200);
    assertThat(status("bearer  " + secret)).isEqualTo(200);
    assertThat(status(basic("anyone:" + secret))).isEqualTo(200);
    assertThat(status(basic(":" + secret))).isEqualTo(200);
  }

  @Test
  void wrongOnesAreNot() throws Exception {
    String secret = GuardedRegistry.secret("reader");
    assertThat(status("Bearer " + secret + "x")).isEqualTo(401);
    assertThat(status("Bearer " + secret.substring(1))).isEqualTo(401);
    assertThat(status("Bearer reader")).isEqualTo(401);
    assertThat(status("Token " + secret)).isEqualTo(401);
    assertThat(status("Basic nonsense!")).isEqualTo(401);
    assertThat(status(basic(secret))).isEqualTo(401);
    assertThat(status(basic(secret + ":"))).isEqualTo(401);
    assertThat(status("Bearer " + "x".repeat(5_000))).isEqualTo(401);
    assertThat(status("Bearer " + secret, "Bearer " + secret)).isEqualTo(401);
    // The digest in the file is no token.
    assertThat(status("Bearer " + AccessToken.sha256(secret))).isEqualTo(401);
  }

  @Test
  void aTokenEnds() throws Exception {
    registry.add("late", Role.READER, GuardedRegistry.NOW.plusMillis(1), Projects.ALL);
    registry.add("gone", Role.READER, GuardedRegistry.NOW, Projects.ALL);
    assertThat(registry.send("late", "GET", "/v1/models", "").statusCode()).isEqualTo(200);
    HttpResponse<String> gone = registry.send("gone", "GET", "/v1/models", "");
    assertThat(gone.statusCode()).isEqualTo(401);
    assertThat(gone.body()).contains("token of gone: it expired at 2030-01-15T00:00:00Z");
  }

  @Test
  void theFileCountsAsItIsNow() throws Exception {
    registry.add("new", Role.READER, Projects.ALL);
    assertThat(registry.send("new", "GET", "/v1/models", "").statusCode()).isEqualTo(200);
    String whole = Files.readString(registry.tokens);
    Files.writeString(registry.tokens, "tokens: nobody");
    assertThat(registry.send("new", "GET", "/v1/models", "").statusCode()).isEqualTo(200);
    Files.delete(registry.tokens);
    assertThat(registry.send("new", "GET", "/v1/models", "").statusCode()).isEqualTo(200);
    Files.writeString(registry.tokens, whole.substring(0, whole.indexOf("  - name: \"new\"")));
    assertThat(registry.send("new", "GET", "/v1/models", "").statusCode()).isEqualTo(401);
    assertThat(registry.send("reader", "GET", "/v1/models", "").statusCode()).isEqualTo(200);
  }

  @Test
  void theJournalNamesTheTokenWhateverTheClientSays() throws Exception {
    ok(
        "contributor",
        "registered-models/create",
        "{\"name\": \"MADE\", \"actor\": \"ada\", \"user_id\": \"ada\"}");
    assertThat(registry.catalogue.events())
        .filteredOn(e -> e.model().equals(made))
        .extracting("actor")
        .containsOnly("contributor");
    assertThat(registry.tracking.events())
        .filteredOn(e -> e.subject().equals(run))
        .extracting("actor")
        .containsOnly("contributor");
    HttpRequest basic =
        HttpRequest.newBuilder(
                URI.create(registry.url() + "/api/2.0/mlflow/registered-models/create"))
            .header("Authorization", basic("ada:" + GuardedRegistry.secret("promoter")))
            .POST(HttpRequest.BodyPublishers.ofString("{\"name\": \"o\"}"))
            .build();
    assertThat(HttpClient.newHttpClient().send(basic, BodyHandlers.ofString()).statusCode())
        .isEqualTo(200);
    assertThat(registry.catalogue.events())
        .filteredOn(e -> e.model().equals("o"))
        .extracting("actor")
        .containsOnly("promoter");
  }

  @Test
  void whatIsMadeBelongsToWhoMadesProject() throws Exception {
    assertThat(post("both", "registered-models/create", "{\"name\": \"MADE\"}").body())
        .contains("add the tag millrace.project");
    String ofFraud =
        "{\"name\": \"MADE\", \"tags\": [{\"key\": \"millrace.project\", \"value\": \"fraud\"}]}";
    assertThat(post("contributor", "registered-models/create", ofFraud).statusCode())
        .isEqualTo(403);
    ok("both", "registered-models/create", ofFraud);
    assertThat(
            post(
                    "contributor",
                    "model-versions/create",
                    "{\"name\": \"MADE\", \"source\": \"s3://b/1\"}")
                .body())
        .contains("it belongs to fraud");
    // Handing over takes both: an admin of one project alone gives nothing away and takes nothing.
    String tag = "{\"name\": \"MADE\", \"key\": \"millrace.project\", \"value\": \"%s\"}";
    assertThat(
            post("fraudster", "registered-models/set-tag", tag.formatted("flights")).statusCode())
        .isEqualTo(403);
    assertThat(post("admin", "registered-models/set-tag", tag.formatted("flights")).statusCode())
        .isEqualTo(403);
    ok("ada", "registered-models/set-tag", tag.formatted("flights"));
    ok("contributor", "model-versions/create", "{\"name\": \"MADE\", \"source\": \"s3://b/1\"}");
  }

  @Test
  void aDefinedModelIsItsProjects() throws Exception {
    registry.defining.put("delay_risk", Set.of("flights"));
    registry.defining.put(model, Set.of("fraud"));
    assertThat(post("fraudster", "registered-models/create", "{\"name\": \"delay_risk\"}").body())
        .contains("it belongs to flights");
    ok("contributor", "registered-models/create", "{\"name\": \"delay_risk\"}");
    // Its tag says flights.
    assertThat(
            post("contributor", "model-versions/create", "{\"name\": \"MODEL\", \"source\": \"s\"}")
                .statusCode())
        .isEqualTo(403);
  }

  @Test
  void whatIsNobodysIsForThoseOfAllProjects() throws Exception {
    ok("ada", "registered-models/create", "{\"name\": \"free\"}");
    HttpResponse<String> refused =
        post("admin", "model-versions/create", "{\"name\": \"free\", \"source\": \"s\"}");
    assertThat(refused.statusCode()).isEqualTo(403);
    assertThat(refused.body()).contains("it belongs to no project");
    assertThat(post("admin", "runs/create", "{}").body()).contains("experiment 0");
    assertThat(
            registry
                .send("admin", "PUT", "/api/2.0/mlflow-artifacts/artifacts/elsewhere/f", "x")
                .statusCode())
        .isEqualTo(403);
    ok("ada", "runs/create", "{}");
    assertThat(
            post("admin", "model-versions/create", "{\"name\": \"none\", \"source\": \"s\"}")
                .statusCode())
        .isEqualTo(404);
  }

  @Test
  void mlflowsOwnClientBringsItsToken() {
    try (MlflowClient client =
        new MlflowClient(
            new BasicMlflowHostCreds(registry.url(), GuardedRegistry.secret("contributor")))) {
      String mine = client.createExperiment("of the client");
      assertThat(client.getExperiment(mine).getTagsList())
          .anyMatch(t -> t.getKey().equals("millrace.project") && t.getValue().equals("flights"));
      client.logMetric(client.createRun(mine).getRunId(), "m", 1);
    }
    try (MlflowClient client =
        new MlflowClient(
            new BasicMlflowHostCreds(
                registry.url(), "somebody", GuardedRegistry.secret("reader")))) {
      assertThat(client.getExperiment(experiment).getName()).isEqualTo("of " + model);
      assertThatThrownBy(() -> client.createExperiment("no"))
          .isInstanceOf(MlflowHttpException.class)
          .hasMessageContaining("403");
    }
    try (MlflowClient client = new MlflowClient(registry.url())) {
      assertThatThrownBy(() -> client.getExperiment(experiment))
          .isInstanceOf(MlflowHttpException.class)
          .hasMessageContaining("401");
    }
  }

  @Test
  void refusedRequestsAreCounted() throws Exception {
    assertThat(registry.send("", "GET", "/v1/models", "").statusCode()).isEqualTo(401);
    assertThat(registry.send("reader", "GET", "/metrics", "").body()).contains("status=\"401\"");
  }
}
