package dev.millrace.registry.artifacts;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import dev.millrace.client.Download;
import dev.millrace.client.RegistryClient;
import dev.millrace.client.Run;
import dev.millrace.registry.RegistryServer;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.Socket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The registry over HTTP, with its artifacts in S3. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class S3RegistryTest {

  private static final JsonMapper JSON = new JsonMapper();
  private static final String FILES = "/api/2.0/mlflow-artifacts/artifacts";
  private static final String PARTS = "/api/2.0/mlflow-artifacts/mpu/";
  private static final int PART_BYTES = 5 * 1024 * 1024;

  private final Path dir;
  private final S3Server s3;
  private final S3Artifacts store;
  private final RegistryServer registry;
  private final HttpClient client = HttpClient.newHttpClient();

  S3RegistryTest(@TempDir Path dir) throws Exception {
    this.dir = dir;
    s3 = new S3Server(dir.resolve("s3"));
    store = S3Artifacts.open("s3://models/all", s3.target(), Map.of(), dir.resolve("spool"));
    registry = new RegistryServer(dir.resolve("registry"), store);
  }

  @AfterAll
  void close() throws IOException {
    registry.close();
    store.close();
    s3.close();
  }

  private HttpResponse<byte[]> send(String method, String path, byte[] body, String... headers)
      throws Exception {
    HttpRequest.Builder request =
        HttpRequest.newBuilder(URI.create(registry.address() + path))
            .method(method, BodyPublishers.ofByteArray(body));
    if (headers.length > 0) {
      request.headers(headers);
    }
    return client.send(request.build(), BodyHandlers.ofByteArray());
  }

  private JsonNode post(int status, String path, String body) throws Exception {
    HttpResponse<byte[]> response = send("POST", path, body.getBytes(StandardCharsets.UTF_8));
    assertThat(response.statusCode())
        .as(new String(response.body(), StandardCharsets.UTF_8))
        .isEqualTo(status);
    return JSON.readTree(response.body());
  }

  private static byte[] random(int bytes, int seed) {
    byte[] random = new byte[bytes];
    new Random(seed).nextBytes(random);
    return random;
  }

  /** With a client of another module, which checks each sha256 itself. */
  @Test
  void filesOfARunGoBothWays() throws Exception {
    RegistryClient java = RegistryClient.connect(registry.address());
    Run run = java.runs().create("0", "first", Map.of());
    Path large = Files.write(dir.resolve("large"), random(12_000_000, 1));
    String address = java.artifacts().upload(run, "model/ä b.onnx", large);
    Download back = java.artifacts().download(address, dir.resolve("back"));
    assertThat(back.verified()).isTrue();
    assertThat(back.file()).hasSameBinaryContentAs(large);
    JsonNode listed =
        JSON.readTree(
            send("GET", "/api/2.0/mlflow/artifacts/list?path=model&run_id=" + run.id(), new byte[0])
                .body());
    assertThat(listed.path("files").toString())
        .isEqualTo("[{\"path\":\"model/ä b.onnx\",\"is_dir\":false,\"file_size\":12000000}]");
  }

  @Test
  void otherBytesThanPromisedAreRefused() throws Exception {
    String digest = "sha-256=:" + "A".repeat(43) + "=:";
    HttpResponse<byte[]> refused =
        send("PUT", FILES + "/promised/f", new byte[10], "Content-Digest", digest);
    assertThat(refused.statusCode()).isEqualTo(400);
    assertThat(new String(refused.body(), StandardCharsets.UTF_8)).contains("its sha256 is");
    assertThat(send("GET", FILES + "/promised/f", new byte[0]).statusCode()).isEqualTo(404);
  }

  @Test
  void aClientThatBreaksOffLeavesNothing() throws Exception {
    try (Socket socket =
        new Socket(InetAddress.getLoopbackAddress(), registry.address().getPort())) {
      OutputStream out = socket.getOutputStream();
      out.write(
          ("PUT "
                  + FILES
                  + "/broken/f HTTP/1.1\r\nHost: localhost\r\nContent-Length: 30000000\r\n\r\n")
              .getBytes(StandardCharsets.US_ASCII));
      out.write(random(20_000_000, 1));
      socket.shutdownOutput();
      // Until the registry has done with it.
      InputStream in = socket.getInputStream();
      assertThat(new String(in.readAllBytes(), StandardCharsets.UTF_8)).doesNotContain(" 200 ");
    }
    assertThat(send("GET", FILES + "/broken/f", new byte[0]).statusCode()).isEqualTo(404);
    try (var spooled = Files.list(dir.resolve("spool"))) {
      assertThat(spooled).isEmpty();
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"/../secret", "/%2e%2e/secret", "/%2fetc", "/.sha256/f", "/a%5cb", "/a%00b"})
  void pathsThatLeadOutAreRefused(String path) throws Exception {
    Files.createDirectories(s3.objects());
    Files.writeString(s3.objects().resolve("secret"), "nobody's business");
    for (String method : List.of("GET", "PUT", "DELETE")) {
      try (Socket socket =
          new Socket(InetAddress.getLoopbackAddress(), registry.address().getPort())) {
        socket
            .getOutputStream()
            .write(
                (method
                        + " "
                        + FILES
                        + path
                        + " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length:"
                        + " 1\r\n\r\nx")
                    .getBytes(StandardCharsets.US_ASCII));
        String answer = new String(socket.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertThat(answer).as(method).startsWith("HTTP/1.1 4").doesNotContain("business");
      }
    }
    assertThat(s3.objects().resolve("secret")).hasContent("nobody's business");
  }

  /** As MLflow's Python client does it: the folder in the address, its own path in the body. */
  private JsonNode begin(String folder, int parts) throws Exception {
    return post(
        200,
        PARTS + "create/" + folder,
        "{\"path\": \"/home/me/model.onnx\", \"num_parts\": " + parts + "}");
  }

  private String putPart(JsonNode credential, byte[] bytes) throws Exception {
    HttpRequest.Builder request =
        HttpRequest.newBuilder(URI.create(credential.path("url").asText()))
            .PUT(BodyPublishers.ofByteArray(bytes));
    assertThat(credential.path("headers").isObject()).isTrue();
    HttpResponse<String> response = client.send(request.build(), BodyHandlers.ofString());
    assertThat(response.statusCode()).as(response.body()).isEqualTo(200);
    return response.headers().firstValue("ETag").orElseThrow();
  }

  private static String completion(JsonNode begun, List<String> etags) throws IOException {
    var body = JSON.createObjectNode();
    body.put("path", "/home/me/model.onnx");
    body.put("upload_id", begun.path("upload_id").asText());
    var parts = body.putArray("parts");
    for (String etag : etags) {
      parts.addObject().put("part_number", parts.size()).put("etag", etag).put("url", "x");
    }
    return JSON.writeValueAsString(body);
  }

  @Test
  void aFileIsPutInPartsPastTheRegistry() throws Exception {
    byte[] bytes = random(2 * PART_BYTES + 1_000, 1);
    JsonNode begun = begin("0/run/artifacts/model", 3);
    String path = FILES + "/0/run/artifacts/model/model.onnx";
    assertThat(begun.path("credentials")).hasSize(3);
    List<String> etags = new ArrayList<>();
    for (JsonNode credential : begun.path("credentials")) {
      int from = etags.size() * PART_BYTES;
      assertThat(credential.path("part_number").asInt()).isEqualTo(etags.size() + 1);
      assertThat(credential.path("url").asText())
          .startsWith(s3.address() + "/models/all/0/run/artifacts/model/model.onnx?")
          .doesNotContain(S3Server.SECRET_KEY);
      etags.add(
          putPart(
              credential,
              Arrays.copyOfRange(bytes, from, Math.min(from + PART_BYTES, bytes.length))));
      assertThat(send("GET", path, new byte[0]).statusCode()).isEqualTo(404);
    }
    post(200, PARTS + "complete/0/run/artifacts/model", completion(begun, etags));
    HttpResponse<byte[]> got = send("GET", path, new byte[0]);
    assertThat(got.body()).isEqualTo(bytes);
    // Nobody here has seen the bytes.
    assertThat(got.headers().firstValue("Repr-Digest")).isEmpty();
  }

  @Test
  void anUploadThatIsGivenUpLeavesNothing() throws Exception {
    JsonNode begun = begin("given/up", 2);
    String etag = putPart(begun.path("credentials").path(0), random(PART_BYTES, 1));
    String body = completion(begun, List.of(etag));
    post(200, PARTS + "abort/given/up", body);
    assertThat(post(404, PARTS + "complete/given/up", body).path("message").asText())
        .contains("no such upload of given/up/model.onnx");
    assertThat(send("GET", FILES + "/given/up/model.onnx", new byte[0]).statusCode())
        .isEqualTo(404);
  }

  @Test
  void wrongRequestsForPartsAreToldWhatIsWrong() throws Exception {
    JsonNode begun = begin("wrong", 2);
    String etag = putPart(begun.path("credentials").path(0), random(PART_BYTES, 1));
    assertWrong("complete/wrong", completion(begun, List.of("\"beef\"")), "parts");
    assertWrong("complete/wrong", completion(begun, List.of()), "'parts'");
    // An upload is of one file.
    byte[] taken = completion(begun, List.of(etag)).getBytes(StandardCharsets.UTF_8);
    assertThat(send("POST", PARTS + "complete/elsewhere", taken).statusCode()).isIn(400, 404);
    assertThat(send("GET", FILES + "/elsewhere/model.onnx", new byte[0]).statusCode())
        .isEqualTo(404);
    post(200, PARTS + "abort/wrong", completion(begun, List.of()));
    assertWrong("create/wrong", "{\"path\": \"f\"}", "'num_parts'");
    for (String parts : List.of("0", "-1", "10001", "4294967297")) {
      assertWrong(
          "create/wrong", "{\"path\": \"f\", \"num_parts\": " + parts + "}", "from 1 to 10000");
    }
    assertWrong("create/wrong", "{\"num_parts\": 1}", "'path'");
    assertWrong("create/wrong", "{\"path\": \"..\", \"num_parts\": 1}", "begin with a dot");
    assertWrong("create/%2e%2e", "{\"path\": \"f\", \"num_parts\": 1}", "dot");
  }

  private void assertWrong(String path, String body, String why) throws Exception {
    assertThat(post(400, PARTS + path, body).path("message").asText()).contains(why);
  }

  @Test
  void asManyPartsAsAStoreTakes() throws Exception {
    JsonNode begun = begin("most", 10_000);
    assertThat(begun.path("credentials")).hasSize(10_000);
    post(200, PARTS + "abort/most", completion(begun, List.of()));
  }

  @Test
  void aStoreThatIsGoneIs503() throws Exception {
    try (S3Server leaving = new S3Server(dir.resolve("leaving"));
        S3Artifacts gone =
            S3Artifacts.open(
                "s3://models", leaving.target(), Map.of(), dir.resolve("leaving-spool"));
        RegistryServer over = new RegistryServer(dir.resolve("over"), gone)) {
      leaving.stop();
      for (String path : List.of("/f", "?path=a")) {
        HttpResponse<String> answer =
            client.send(
                HttpRequest.newBuilder(URI.create(over.address() + FILES + path)).build(),
                BodyHandlers.ofString());
        assertThat(answer.statusCode()).isEqualTo(503);
        assertThat(JSON.readTree(answer.body()).path("error_code").asText())
            .isEqualTo("TEMPORARILY_UNAVAILABLE");
        assertThat(answer.body()).contains("start the store").doesNotContain(S3Server.SECRET_KEY);
      }
    }
  }
}
