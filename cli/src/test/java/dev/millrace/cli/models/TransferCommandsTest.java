package dev.millrace.cli.models;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import dev.millrace.cli.Millrace;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.stream.Stream;
import java.util.zip.GZIPOutputStream;
import org.apache.commons.codec.digest.DigestUtils;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;

/** {@code models export} and {@code import} against a server that answers as it is told. */
class TransferCommandsTest {

  private final Path folder;
  private final Path file;
  private final StringWriter out = new StringWriter();
  private final StringWriter err = new StringWriter();
  private HttpServer server;
  private int status = 200;
  private byte[] answer = new byte[0];
  private int promised;
  private byte[] received = new byte[0];
  private @Nullable String authorization;
  private String asked = "";

  TransferCommandsTest(@TempDir Path folder) {
    this.folder = folder;
    this.file = folder.resolve("registry.jsonl.gz");
  }

  @BeforeEach
  void start() throws IOException {
    server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    server.createContext("/", this::answer);
    server.start();
    Files.writeString(
        folder.resolve("target.yaml"),
        """
        kafka: k:1
        schema_registry: http://s
        redis: r:1
        flink: http://f
        warehouse: file:///w
        catalog: jdbc:x
        artifacts: file:///a
        registry: {url: "http://127.0.0.1:%d", token: "${file:%s}"}
        """
            .formatted(server.getAddress().getPort(), folder.resolve("token")));
    Files.writeString(folder.resolve("token"), "sesame");
  }

  @AfterEach
  void stop() {
    server.stop(0);
  }

  private void answer(HttpExchange exchange) throws IOException {
    try (exchange) {
      asked = exchange.getRequestMethod() + " " + exchange.getRequestURI();
      authorization = exchange.getRequestHeaders().getFirst("Authorization");
      received = exchange.getRequestBody().readAllBytes();
      exchange.sendResponseHeaders(status, Math.max(promised, answer.length));
      exchange.getResponseBody().write(answer);
    }
  }

  private int execute(String... words) {
    CommandLine line = Millrace.commandLine();
    line.setOut(new PrintWriter(out, true));
    line.setErr(new PrintWriter(err, true));
    return line.execute(
        Stream.concat(
                Stream.of("--target", folder.resolve("target.yaml").toString(), "models"),
                Arrays.stream(words))
            .toArray(String[]::new));
  }

  private static byte[] export(int events) throws IOException {
    StringBuilder lines =
        new StringBuilder("{\"format\":\"millrace-registry-export\",\"version\":1}\n");
    for (int i = 0; i < events; i++) {
      lines.append("{\"journal\":\"models.lifecycle\",\"number\":").append(i).append("}\n");
    }
    lines.append(
        "{\"end\":true,\"events\":%d,\"sha256\":\"%s\"}\n"
            .formatted(events, DigestUtils.sha256Hex(lines.toString())));
    ByteArrayOutputStream packed = new ByteArrayOutputStream();
    try (GZIPOutputStream gzip = new GZIPOutputStream(packed)) {
      gzip.write(lines.toString().getBytes(StandardCharsets.UTF_8));
    }
    return packed.toByteArray();
  }

  private void assertNothingLeft() throws IOException {
    try (Stream<Path> files = Files.list(folder)) {
      assertThat(files.map(f -> f.getFileName().toString()))
          .containsExactlyInAnyOrder("target.yaml", "token");
    }
  }

  @Test
  void anExportIsThereAsItWasSent() throws Exception {
    answer = export(1_000);
    assertThat(execute("export", file.toString(), "--json")).as(err.toString()).isZero();
    assertThat(file).hasBinaryContent(answer);
    assertThat(asked).isEqualTo("GET /v1/export");
    assertThat(authorization).isEqualTo("Bearer sesame");
    assertThat(out.toString())
        .isEqualToIgnoringNewLines(
            "{\"file\":\"%s\",\"events\":1000,\"bytes\":%d}".formatted(file, answer.length));
    assertThat(err.toString()).isEmpty();
  }

  @Test
  void whatIsThereIsReplacedWithForceAlone() throws Exception {
    Files.writeString(file, "mine");
    answer = export(1);
    assertThat(execute("export", file.toString())).isEqualTo(Millrace.USER_MISTAKE);
    assertThat(err.toString()).contains("it is there already").contains("--force");
    assertThat(file).hasContent("mine");
    assertThat(execute("export", file.toString(), "--force")).isZero();
    assertThat(file).hasBinaryContent(answer);
    assertThat(execute("export", folder.toString(), "--force")).isEqualTo(Millrace.USER_MISTAKE);
    assertThat(execute("export", folder.resolve("none/x.gz").toString()))
        .isEqualTo(Millrace.USER_MISTAKE);
  }

  @Test
  void anExportThatBreaksOffLeavesNothing() throws Exception {
    byte[] whole = export(10_000);
    answer = Arrays.copyOf(whole, whole.length / 2);
    promised = whole.length;
    assertThat(execute("export", file.toString())).isEqualTo(Millrace.FAILED);
    assertThat(err.toString()).contains("it broke off");
    assertNothingLeft();
  }

  @Test
  void anExportThatIsNotWholeLeavesNothing() throws Exception {
    byte[] whole = export(10_000);
    answer = Arrays.copyOf(whole, whole.length / 2);
    assertThat(execute("export", file.toString())).isEqualTo(Millrace.FAILED);
    assertThat(err.toString()).contains("what came is no whole export: line ", "cut off");
    assertNothingLeft();
    answer = "<html>".getBytes(StandardCharsets.UTF_8);
    assertThat(execute("export", file.toString())).isEqualTo(Millrace.FAILED);
    assertThat(err.toString()).contains("is no gzip file");
    assertNothingLeft();
  }

  @Test
  void anExportThatReplacesNothingWhereItFails() throws Exception {
    Files.writeString(file, "mine");
    status = 503;
    answer = "{\"error\": \"not ready yet\"}".getBytes(StandardCharsets.UTF_8);
    assertThat(execute("export", file.toString(), "--force")).isEqualTo(Millrace.FAILED);
    assertThat(err.toString()).contains("(503): not ready yet");
    assertThat(file).hasContent("mine");
  }

  @Test
  void whoMayNotIsTold() {
    status = 403;
    answer = "{\"error\": \"its role is reader\"}".getBytes(StandardCharsets.UTF_8);
    assertThat(execute("export", file.toString())).isEqualTo(Millrace.USER_MISTAKE);
    assertThat(err.toString()).contains("its role is reader").doesNotContain("sesame");
  }

  @Test
  void whoeverDoesNotAnswerIsNamed() {
    server.stop(0);
    assertThat(execute("export", file.toString())).isEqualTo(Millrace.FAILED);
    assertThat(err.toString())
        .contains("http://127.0.0.1:" + server.getAddress().getPort())
        .contains("see whether it runs");
  }

  @Test
  void anImportSendsTheFile() throws Exception {
    byte[] whole = export(50_000);
    Files.write(file, whole);
    answer =
        "{\"events\": 50000, \"added\": 40000, \"already_there\": 10000, \"subjects\": {}}"
            .getBytes(StandardCharsets.UTF_8);
    assertThat(execute("import", file.toString())).as(err.toString()).isZero();
    assertThat(received).isEqualTo(whole);
    assertThat(asked).isEqualTo("POST /v1/import");
    assertThat(authorization).isEqualTo("Bearer sesame");
    assertThat(out.toString())
        .isEqualToIgnoringNewLines("50000 events: 40000 added, 10000 were there already");
  }

  @Test
  void everyProblemIsOnALine() throws Exception {
    Files.write(file, export(1));
    status = 409;
    answer =
        "{\"error\": \"another history\", \"problems\": [\"line 2: a\", \"line 5: b\"]}"
            .getBytes(StandardCharsets.UTF_8);
    assertThat(execute("import", file.toString())).isEqualTo(Millrace.USER_MISTAKE);
    assertThat(err.toString()).contains("another history", "\n  line 2: a\n  line 5: b\n");
    answer = "{\"error\": \"another import is under way\"}".getBytes(StandardCharsets.UTF_8);
    assertThat(execute("import", file.toString())).isEqualTo(Millrace.FAILED);
    assertThat(execute("import", folder.resolve("none").toString()))
        .isEqualTo(Millrace.USER_MISTAKE);
  }
}
