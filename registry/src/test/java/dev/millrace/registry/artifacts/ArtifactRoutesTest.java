package dev.millrace.registry.artifacts;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import io.javalin.Javalin;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
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
import java.security.MessageDigest;
import java.util.Base64;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ArtifactRoutesTest {

  private static final String ROOT = "/api/2.0/mlflow-artifacts/artifacts";
  private static final JsonMapper JSON = new JsonMapper();

  private final HttpClient client = HttpClient.newHttpClient();

  @SuppressWarnings("NullAway.Init") // JUnit sets it.
  @TempDir
  private Path outside;

  @SuppressWarnings("NullAway.Init") // Before each test.
  private Path root;

  @SuppressWarnings("NullAway.Init") // Before each test.
  private Javalin server;

  @BeforeEach
  void open() throws IOException {
    root = outside.resolve("root");
    server = Javalin.create(config -> config.showJavalinBanner = false);
    ArtifactRoutes.add(server, new ArtifactFolder(root), ArtifactRoutes.Admission.EVERYBODY);
    server.start("127.0.0.1", 0);
    Files.writeString(outside.resolve("secret"), "nobody's business");
  }

  @AfterEach
  void close() {
    server.stop();
  }

  private HttpResponse<byte[]> send(HttpRequest.Builder request) throws Exception {
    return client.send(request.build(), BodyHandlers.ofByteArray());
  }

  private HttpRequest.Builder to(String path) {
    return HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + server.port() + path));
  }

  private HttpResponse<byte[]> put(String path, byte[] bytes) throws Exception {
    return send(to(ROOT + "/" + path).PUT(BodyPublishers.ofByteArray(bytes)));
  }

  @Test
  void whatIsPutIsThere() throws Exception {
    byte[] bytes = new byte[3_000_000];
    new Random(1).nextBytes(bytes);
    assertThat(put("0/abc/artifacts/model/model%20b.onnx", bytes).statusCode()).isEqualTo(200);
    HttpResponse<byte[]> got = send(to(ROOT + "/0/abc/artifacts/model/model%20b.onnx"));
    assertThat(got.body()).isEqualTo(bytes);
    String digest =
        "sha-256=:"
            + Base64.getEncoder().encodeToString(MessageDigest.getInstance("SHA-256").digest(bytes))
            + ":";
    assertThat(got.headers().firstValue("Repr-Digest")).contains(digest);
    JsonNode listed = list("0/abc/artifacts");
    assertThat(listed.toString()).isEqualTo("{\"files\":[{\"path\":\"model\",\"is_dir\":true}]}");
    assertThat(list("0/abc/artifacts/model").toString())
        .isEqualTo(
            "{\"files\":[{\"path\":\"model b.onnx\",\"is_dir\":false,\"file_size\":3000000}]}");
    assertThat(send(to(ROOT + "/0/abc/artifacts/model").DELETE()).statusCode()).isEqualTo(200);
    assertThat(send(to(ROOT + "/0/abc/artifacts/model/model%20b.onnx")).statusCode())
        .isEqualTo(404);
    assertThat(list("0/abc/artifacts").path("files")).isEmpty();
  }

  private JsonNode list(String path) throws Exception {
    return JSON.readTree(
        send(to(ROOT + "?path=" + path.replace("/", "%2F").replace(" ", "%20"))).body());
  }

  @Test
  void otherBytesThanPromisedAreNotTaken() throws Exception {
    byte[] bytes = "what was meant".getBytes(StandardCharsets.UTF_8);
    String digest =
        "sha-256=:"
            + Base64.getEncoder().encodeToString(MessageDigest.getInstance("SHA-256").digest(bytes))
            + ":";
    HttpRequest.Builder broken =
        to(ROOT + "/a/b")
            .header("Content-Digest", digest)
            .PUT(BodyPublishers.ofString("what came"));
    HttpResponse<byte[]> refused = send(broken);
    assertThat(refused.statusCode()).isEqualTo(400);
    assertThat(JSON.readTree(refused.body()).path("message").asText()).contains("its sha256 is");
    assertThat(send(to(ROOT + "/a/b")).statusCode()).isEqualTo(404);
    HttpRequest.Builder whole =
        to(ROOT + "/a/b").header("Content-Digest", digest).PUT(BodyPublishers.ofByteArray(bytes));
    assertThat(send(whole).statusCode()).isEqualTo(200);
    try (var incoming = Files.list(root.resolve(".incoming"))) {
      assertThat(incoming).isEmpty();
    }
  }

  /** As they are written on the wire: a client of Java would tidy some of them up. */
  @ParameterizedTest
  @ValueSource(
      strings = {
        "/../secret",
        "/a/../../secret",
        "/%2e%2e/secret",
        "/%2e%2e%2fsecret",
        "/..%2fsecret",
        "/a/..%5c..%5csecret",
        "/%252e%252e/secret",
        "//etc/passwd",
        "/%2fetc/passwd",
        "/C:%5cwindows",
        "/a//b",
        "/a/./b",
        "/.incoming/x",
        "/.sha256/x",
        "/a%00b",
        "/a%0ab",
        "/..;/secret",
        "/a/..;x=y/..;/secret"
      })
  void pathsThatLeadOutAreRefused(String path) throws Exception {
    for (String method : new String[] {"GET", "PUT", "DELETE"}) {
      String answer = raw(method, ROOT + path);
      assertThat(answer).as(method + " " + path).doesNotContain(" 200 ", "nobody's business");
      assertThat(answer).as(method + " " + path).containsPattern("^HTTP/1.1 4\\d\\d ");
    }
    assertThat(Files.readString(outside.resolve("secret"))).isEqualTo("nobody's business");
    try (var files = Files.walk(outside)) {
      assertThat(files.filter(Files::isRegularFile)).containsExactly(outside.resolve("secret"));
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"../", "..", "/etc", "a/../..", ".sha256", "a\\b", "%2e%2e"})
  void foldersOutsideAreNotListed(String path) throws Exception {
    String escaped = java.net.URLEncoder.encode(path, StandardCharsets.UTF_8);
    assertThat(send(to(ROOT + "?path=" + escaped)).statusCode()).isEqualTo(400);
  }

  private String raw(String method, String path) throws IOException {
    try (Socket socket = new Socket(InetAddress.getLoopbackAddress(), server.port())) {
      OutputStream out = socket.getOutputStream();
      out.write(
          (method
                  + " "
                  + path
                  + " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: 1\r\n\r\nx")
              .getBytes(StandardCharsets.US_ASCII));
      out.flush();
      try (BufferedReader in =
          new BufferedReader(
              new InputStreamReader(socket.getInputStream(), StandardCharsets.UTF_8))) {
        StringBuilder answer = new StringBuilder();
        in.lines().forEach(line -> answer.append(line).append('\n'));
        return answer.toString();
      }
    }
  }

  /** By the message, not by the status, MLflow's clients know to put the file whole. */
  @Test
  void aFolderTakesNoUploadsInParts() throws Exception {
    HttpResponse<byte[]> refused =
        send(
            to("/api/2.0/mlflow-artifacts/mpu/create/0/abc/artifacts")
                .POST(BodyPublishers.ofString("{\"path\": \"/tmp/f\", \"num_parts\": 2}")));
    assertThat(refused.statusCode()).isEqualTo(501);
    assertThat(JSON.readTree(refused.body()).path("message").asText())
        .startsWith("Multipart upload is not supported for the current artifact repository");
    assertThat(put("0/abc/artifacts/f", new byte[1]).statusCode()).isEqualTo(200);
  }

  @Test
  void linksAreNotFollowed() throws Exception {
    Path unusedFolder = Files.createSymbolicLink(root.resolve("link"), outside);
    Path unusedFile = Files.createSymbolicLink(root.resolve("file"), outside.resolve("secret"));
    assertThat(send(to(ROOT + "/link/secret")).statusCode()).isNotEqualTo(200);
    assertThat(send(to(ROOT + "/file")).statusCode()).isNotEqualTo(200);
    assertThat(put("link/new", new byte[1]).statusCode()).isNotEqualTo(200);
    assertThat(send(to(ROOT + "/link/secret").DELETE()).statusCode()).isNotEqualTo(200);
    assertThat(outside.resolve("new")).doesNotExist();
    assertThat(outside.resolve("secret")).exists();
  }
}
