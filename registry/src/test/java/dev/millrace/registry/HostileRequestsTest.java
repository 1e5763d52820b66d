package dev.millrace.registry;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.json.JsonMapper;
import dev.millrace.registry.access.Projects;
import dev.millrace.registry.access.Role;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.Socket;
import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What nobody should send: the right code, a clear message, and nothing of the inside. */
class HostileRequestsTest {

  private static final JsonMapper JSON = new JsonMapper();
  private static final int BODY_BYTES_MAX = 8 * 1024 * 1024;

  @SuppressWarnings("NullAway.Init") // JUnit sets it.
  @TempDir
  private Path folder;

  @SuppressWarnings("NullAway.Init") // Before each test.
  private GuardedRegistry registry;

  @BeforeEach
  void open() throws Exception {
    registry = new GuardedRegistry(folder, null);
    registry.add("w", Role.CONTRIBUTOR, Projects.ALL);
  }

  @AfterEach
  void close() {
    registry.close();
  }

  private static void assertClean(String answer) {
    assertThat(answer)
        .doesNotContain("Exception", "\tat ", "at dev.millrace", "at io.javalin", "org.eclipse")
        .doesNotContain("com.fasterxml", GuardedRegistry.secret("w"));
  }

  private HttpResponse<String> post(String path, String body) throws Exception {
    HttpResponse<String> answer = registry.post("w", path, body);
    assertClean(answer.body());
    return answer;
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "{",
        "nonsense",
        "[]",
        "\"name\"",
        "null",
        "{\"name\": }",
        "{\"name\": \"a\"",
        "{\"name\": 'a'}",
        "{\"name\": NaN}",
        "\u0000",
        "{\"name\": \"a\"} and more",
      })
  void badJsonIsBadRequest(String body) throws Exception {
    for (String path :
        new String[] {"registered-models/create", "experiments/create", "runs/log-batch"}) {
      HttpResponse<String> answer = post(path, body);
      assertThat(answer.statusCode()).as("%s: %s", path, answer.body()).isEqualTo(400);
      assertThat(JSON.readTree(answer.body()).path("message").asText()).isNotEmpty();
    }
  }

  @Test
  void aDeepBodyIsBadRequest() throws Exception {
    String deep = "{\"a\": " + "[".repeat(100_000) + "]".repeat(100_000) + "}";
    assertThat(post("registered-models/create", deep).statusCode()).isEqualTo(400);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "registered-models/create | {\"name\": {\"a\": 1}}",
        "registered-models/create | {\"name\": \"a\", \"tags\": \"x\"}",
        "registered-models/create | {\"name\": \"a\", \"tags\": [1]}",
        "registered-models/create | {\"name\": \"\"}",
        "registered-models/create | {}",
        "registered-models/alias | {\"name\": \"a\", \"alias\": \"b\", \"version\": \"x\"}",
        "experiments/create | {\"name\": \"a\", \"tags\": {\"key\": \"k\"}}",
        "experiments/search | {\"max_results\": \"many\"}",
        "runs/create | {\"experiment_id\": \"0\", \"start_time\": \"soon\"}",
      })
  void wrongTypesAreTheClients(String path, String body) throws Exception {
    HttpResponse<String> answer = post(path, body);
    assertThat(answer.statusCode()).as(answer.body()).isEqualTo(400);
    assertThat(JSON.readTree(answer.body()).path("error_code").asText())
        .isEqualTo("INVALID_PARAMETER_VALUE");
  }

  @Test
  void unknownFieldsArePassedOver() throws Exception {
    HttpResponse<String> answer =
        post(
            "registered-models/create",
            "{\"name\": \"a\", \"of_tomorrow\": {\"deep\": [1, null]}, \"__proto__\": 1}");
    assertThat(answer.statusCode()).isEqualTo(200);
    assertThat(answer.body()).doesNotContain("of_tomorrow");
  }

  @Test
  void anOversizedBodyIsTooLarge() throws Exception {
    String large = "{\"name\": \"" + "a".repeat(BODY_BYTES_MAX) + "\"}";
    HttpResponse<String> answer = post("registered-models/create", large);
    assertThat(answer.statusCode()).isEqualTo(413);
    assertThat(JSON.readTree(answer.body()).path("error_code").asText()).isEqualTo("BAD_REQUEST");
  }

  @ParameterizedTest
  @CsvSource({"/v1/models/%s, 414", "/api/2.0/mlflow/registered-models/get?name=%s, 414"})
  void aLongUrlIsTooLong(String path, int status) throws Exception {
    HttpResponse<String> answer = registry.send("w", "GET", path.formatted("a".repeat(20_000)), "");
    assertThat(answer.statusCode()).isEqualTo(status);
    assertClean(answer.body());
  }

  @Test
  void aLongHeaderIsTooLarge() throws Exception {
    HttpResponse<String> answer =
        HttpClient.newHttpClient()
            .send(
                HttpRequest.newBuilder(URI.create(registry.url() + "/v1/health"))
                    .header("X-Long", "a".repeat(20_000))
                    .build(),
                BodyHandlers.ofString());
    assertThat(answer.statusCode()).isEqualTo(431);
    assertClean(answer.body());
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "Modèle d’été",
        "模型-风险",
        "נטישה",
        "🚀 rocket",
        "İstanbul ı",
        "a b  c",
        "x'\"<&>;--"
      })
  void namesOfAllLanguagesComeBackAsTheyWere(String name) throws Exception {
    String body = JSON.createObjectNode().put("name", name).toString();
    assertThat(post("registered-models/create", body).statusCode()).isEqualTo(200);
    HttpResponse<String> got =
        registry.send(
            "w",
            "GET",
            "registered-models/get?name=" + URLEncoder.encode(name, StandardCharsets.UTF_8),
            "");
    assertThat(JSON.readTree(got.body()).at("/registered_model/name").asText()).isEqualTo(name);
    HttpResponse<String> found =
        registry.send(
            "w",
            "GET",
            "/v1/models/" + URLEncoder.encode(name, StandardCharsets.UTF_8).replace("+", "%20"),
            "");
    assertThat(found.statusCode()).as(found.body()).isEqualTo(200);
  }

  @Test
  void aNameHas250CharactersAtMost() throws Exception {
    for (String letter : new String[] {"a", "é", "模"}) {
      String longest = letter.repeat(250);
      assertThat(post("registered-models/create", "{\"name\": \"" + longest + "\"}").statusCode())
          .isEqualTo(200);
      HttpResponse<String> longer =
          post("registered-models/create", "{\"name\": \"" + longest + letter + "\"}");
      assertThat(longer.statusCode()).isEqualTo(400);
      assertThat(longer.body()).contains("251", "250");
    }
  }

  private String raw(String target) throws Exception {
    try (Socket socket = new Socket(InetAddress.getLoopbackAddress(), registry.port())) {
      OutputStream out = socket.getOutputStream();
      out.write(
          ("GET "
                  + target
                  + " HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer "
                  + GuardedRegistry.secret("w")
                  + "\r\nConnection: close\r\n\r\n")
              .getBytes(StandardCharsets.ISO_8859_1));
      out.flush();
      return new String(socket.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "/v1/models/../../tokens.yaml",
        "/v1/models/%2e%2e%2f%2e%2e%2ftokens.yaml",
        "/api/2.0/mlflow-artifacts/artifacts/../tokens.yaml",
        "/api/2.0/mlflow-artifacts/artifacts/%2e%2e/tokens.yaml",
        "/api/2.0/mlflow-artifacts/artifacts/%2e%2e%2ftokens.yaml",
        "/api/2.0/mlflow-artifacts/artifacts/..%5ctokens.yaml",
        "/api/2.0/mlflow-artifacts/artifacts/%252e%252e/tokens.yaml",
        "/api/2.0/mlflow-artifacts/artifacts//etc/passwd",
        "/api/2.0/mlflow-artifacts/artifacts?path=../",
        "/api/2.0/mlflow-artifacts/artifacts/a%00b",
        "/v1/health/../models",
        "/v1/models/%zz",
        "/v1/models/%ff%fe",
      })
  void noPathLeadsOut(String target) throws Exception {
    String answer = raw(target);
    assertThat(answer).startsWith("HTTP/1.1 ").doesNotContain("sha256", "root:");
    assertThat(Integer.parseInt(answer.substring(9, 12))).as(answer).isBetween(400, 499);
    assertClean(answer);
  }

  /** The door for everybody is one path and no other way of writing it. */
  @ParameterizedTest
  @ValueSource(
      strings = {
        "/v1/health/../models",
        "/v1/health;/../models",
        "/v1/health%2f..%2fmodels",
        "//v1/models",
        "/v1/health/",
        "/v1/health;a=b",
        "/V1/models",
        "http://localhost/v1/models",
      })
  void noWayAroundTheDoor(String target) throws Exception {
    try (Socket socket = new Socket(InetAddress.getLoopbackAddress(), registry.port())) {
      OutputStream out = socket.getOutputStream();
      out.write(
          ("GET " + target + " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
              .getBytes(StandardCharsets.ISO_8859_1));
      out.flush();
      String answer = new String(socket.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
      assertThat(Integer.parseInt(answer.substring(9, 12))).as(answer).isIn(400, 401, 404);
      assertThat(answer).doesNotContain("\"models\"");
      assertClean(answer);
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"PUT", "DELETE", "PATCH", "OPTIONS", "HEAD"})
  void otherMethodsAskForATokenToo(String method) throws Exception {
    assertThat(registry.send("", method, "/v1/models", "").statusCode()).isEqualTo(401);
    assertThat(registry.send("", method, "/v1/health/x", "").statusCode()).isEqualTo(401);
  }
}
