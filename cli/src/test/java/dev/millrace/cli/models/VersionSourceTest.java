package dev.millrace.cli.models;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import dev.millrace.cli.UserMistake;
import dev.millrace.core.model.LifecycleEntry;
import dev.millrace.core.model.LifecycleEntry.Event;
import dev.millrace.core.model.LifecycleEntry.Kind;
import dev.millrace.platform.Target;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class VersionSourceTest {

  private static final String RUN = "0123456789abcdef0123456789abcdef";
  private static final String MLMODEL =
      """
      artifact_path: model
      flavors:
        onnx:
          code: null
          data: model.onnx
          onnx_version: 1.17.0
          providers: [CUDAExecutionProvider, CPUExecutionProvider]
        python_function:
          loader_module: mlflow.onnx
      """;

  private final Path dir;
  private final HttpServer registry;
  private final Target target;
  private final VersionSource sources;

  /** What the registry says of each artifact's bytes; empty for nothing. */
  private volatile String digest = "";

  VersionSourceTest(@TempDir Path dir) throws IOException {
    this.dir = dir;
    this.registry =
        HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    String url = "http://127.0.0.1:" + registry.getAddress().getPort();
    this.target =
        new Target(
            "127.0.0.1:1",
            "http://127.0.0.1:1",
            "127.0.0.1:1",
            "http://127.0.0.1:1",
            url,
            dir.resolve("warehouse").toUri().toString(),
            "jdbc:sqlite:" + dir.resolve("catalog.db"),
            dir.resolve("artifacts").toUri().toString());
    this.sources =
        new VersionSource(
            target,
            List.of(
                registered(1, "mlflow-artifacts:/made/model.onnx"),
                registered(2, "models:/fraud/2"),
                registered(3, "models:/fraud/1")));
  }

  private static LifecycleEntry registered(int version, String source) {
    return new LifecycleEntry(
        "fraud",
        Kind.EVENT,
        Event.VERSION_REGISTERED.name(),
        version,
        "me",
        "",
        0,
        "key-" + version,
        source,
        null,
        "{\"sequence\":" + version + "}");
  }

  @BeforeEach
  void serve() throws IOException {
    answers(
        Map.of(
            "/api/2.0/mlflow/runs/get?run_id=" + RUN,
            "{\"run\":{\"info\":{\"artifact_uri\":\"mlflow-artifacts:/0/" + RUN + "/artifacts\"}}}",
            "/api/2.0/mlflow/logged-models/m-" + RUN,
            "{\"model\":{\"info\":{\"artifact_uri\":\"mlflow-artifacts:/0/models/m\"}}}"));
    registry.createContext("/api/2.0/mlflow-artifacts/artifacts", this::artifact);
    registry.start();
    write("made/model.onnx", "made");
    write("0/" + RUN + "/artifacts/model/MLmodel", MLMODEL);
    write("0/" + RUN + "/artifacts/model/model.onnx", "of the run");
    write("0/models/m/MLmodel", MLMODEL);
    write("0/models/m/model.onnx", "logged");
  }

  private void answers(Map<String, String> answers) {
    registry.createContext(
        "/",
        exchange -> {
          String found = answers.get(exchange.getRequestURI().toString());
          byte[] body =
              (found == null ? "{\"message\":\"Run with id=x not found\"}" : found)
                  .getBytes(StandardCharsets.UTF_8);
          exchange.sendResponseHeaders(found == null ? 404 : 200, body.length);
          exchange.getResponseBody().write(body);
          exchange.close();
        });
  }

  /** Files and folders as the registry gives them. */
  private void artifact(HttpExchange exchange) throws IOException {
    String query = exchange.getRequestURI().getQuery();
    Path root = dir.resolve("artifacts/mlflow");
    byte[] body = "{}".getBytes(StandardCharsets.UTF_8);
    int status = 404;
    if (query != null) {
      status = 200;
      Path folder = root.resolve(query.substring("path=".length()));
      List<String> names = new ArrayList<>();
      if (Files.isDirectory(folder)) {
        try (Stream<Path> files = Files.list(folder)) {
          files.forEach(f -> names.add("{\"path\":\"" + f.getFileName() + "\"}"));
        }
      }
      body = ("{\"files\":[" + String.join(",", names) + "]}").getBytes(StandardCharsets.UTF_8);
    } else {
      Path file =
          root.resolve(
              exchange
                  .getRequestURI()
                  .getPath()
                  .substring("/api/2.0/mlflow-artifacts/artifacts/".length()));
      if (Files.isRegularFile(file)) {
        status = 200;
        body = Files.readAllBytes(file);
        if (!digest.isEmpty()) {
          exchange.getResponseHeaders().add("Repr-Digest", digest);
        }
      }
    }
    exchange.sendResponseHeaders(status, body.length);
    exchange.getResponseBody().write(body);
    exchange.close();
  }

  @AfterEach
  void stop() {
    registry.stop(0);
  }

  private Path write(String path, String text) throws IOException {
    Path file = dir.resolve("artifacts/mlflow").resolve(path);
    Files.createDirectories(file.getParent());
    return Files.writeString(file, text);
  }

  private String read(String source) throws Exception {
    return new String(sources.bytes(source), StandardCharsets.UTF_8);
  }

  @ParameterizedTest
  @CsvSource({
    "mlflow-artifacts:/made/model.onnx, made",
    "mlflow-artifacts:/made, made",
    "mlflow-artifacts:/made/, made",
    "models:/fraud/1, made",
    "models:/fraud/3, made",
    "runs:/" + RUN + "/model, of the run",
    "runs:/" + RUN + "/model/model.onnx, of the run",
    "models:/m-" + RUN + ", logged"
  })
  void namesOfArtifactsLeadToTheirFile(String source, String text) throws Exception {
    assertThat(read(source)).isEqualTo(text);
  }

  @Test
  void filesOfThisMachineAreReadToo() throws Exception {
    Path file = Files.writeString(dir.resolve("own.onnx"), "own");
    assertThat(read(file.toUri().toString())).isEqualTo("own");
    assertThat(read(file.toString())).isEqualTo("own");
    assertThat(read(dir.toUri().toString())).isEqualTo("own");
    assertThat(read("mlflow-artifacts://127.0.0.1:" + registry.getAddress().getPort() + "/made"))
        .isEqualTo("made");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "mlflow-artifacts:/../catalog.db | no name may begin with a dot",
        "mlflow-artifacts:/made/%2e%2e/x | percent sign",
        "mlflow-artifacts:/.sha256/made | no name may begin with a dot",
        "mlflow-artifacts:/gone/model.onnx | there is no file",
        "mlflow-artifacts://example.org/made | its artifacts are at example.org",
        "mlflow-artifacts:/0/models | of ONNX files [], not one",
        "models:/fraud/2 | leads from one name to the next",
        "models:/fraud/9 | fraud has no version 9",
        "models:/fraud@champion | built are file:///",
        "runs:/ffffffffffffffffffffffffffffffff/model | Run with id=x not found",
        "s3://bucket/model.onnx | built are file:///",
        "model.onnx | built are file:///",
        "file:model.onnx | URI is not hierarchical"
      })
  void whatLeadsNowhereOrOutIsRefused(String source, String why) {
    assertThatThrownBy(() -> sources.bytes(source))
        .isInstanceOf(UserMistake.class)
        .hasMessageContaining(source)
        .hasMessageContaining(why);
  }

  /** Where they lie in no folder of this machine the registry is asked for them. */
  private VersionSource remote() {
    Target plain = target;
    return new VersionSource(
        new Target(
            plain.kafka(),
            plain.schemaRegistry(),
            plain.redis(),
            plain.flink(),
            plain.registry(),
            plain.warehouse(),
            plain.catalog(),
            plain.artifacts(),
            "s3://models/all",
            null),
        List.of(registered(1, "mlflow-artifacts:/made/model.onnx")));
  }

  @ParameterizedTest
  @CsvSource({
    "mlflow-artifacts:/made/model.onnx, made",
    "mlflow-artifacts:/made/, made",
    "models:/fraud/1, made",
    "runs:/" + RUN + "/model, of the run",
    "runs:/" + RUN + "/model/model.onnx, of the run",
    "models:/m-" + RUN + ", logged"
  })
  void artifactsInAStoreComeOverHttp(String source, String text) throws Exception {
    List<Path> before = copies();
    assertThat(new String(remote().bytes(source), StandardCharsets.UTF_8)).isEqualTo(text);
    assertThat(copies()).isEqualTo(before);
  }

  private static List<Path> copies() throws IOException {
    try (Stream<Path> files = Files.list(Path.of(System.getProperty("java.io.tmpdir")))) {
      return files
          .filter(f -> f.getFileName().toString().startsWith("millrace-artifacts"))
          .sorted()
          .toList();
    }
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "mlflow-artifacts:/../catalog.db | no name may begin with a dot",
        "mlflow-artifacts:/gone/model.onnx | there is no file",
        "mlflow-artifacts:/0/models | of ONNX files [], not one",
      })
  void whatIsInNoStoreIsRefused(String source, String why) {
    assertThatThrownBy(() -> remote().bytes(source))
        .isInstanceOf(UserMistake.class)
        .hasMessageContaining(source)
        .hasMessageContaining(why);
  }

  @Test
  void otherBytesThanTheRegistryPromisesAreNotRead() throws Exception {
    digest = "sha-256=:" + "A".repeat(43) + "=:";
    assertThatThrownBy(() -> remote().bytes("mlflow-artifacts:/made/model.onnx"))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("other bytes came");
  }

  @Test
  void linksAmongTheArtifactsAreNotFollowed() throws Exception {
    Path secret = Files.writeString(dir.resolve("secret.onnx"), "secret");
    Path made = dir.resolve("artifacts/mlflow/made");
    Files.createSymbolicLink(made.resolve("link.onnx"), secret);
    Files.createSymbolicLink(made.resolveSibling("linked"), dir);
    for (String source :
        List.of("mlflow-artifacts:/made/link.onnx", "mlflow-artifacts:/linked/secret.onnx")) {
      assertThatThrownBy(() -> sources.bytes(source))
          .isInstanceOf(UserMistake.class)
          .hasMessageContaining("is a link");
    }
  }

  @Test
  void anMlmodelNamesAFileOfItsOwnFolder() throws Exception {
    write("out/MLmodel", MLMODEL.replace("data: model.onnx", "data: ../made/model.onnx"));
    assertRefused("mlflow-artifacts:/out", "no name may begin with a dot");
    write("absent/MLmodel", MLMODEL);
    assertRefused("mlflow-artifacts:/absent", "names model.onnx, which is no file");
    write("sklearn/MLmodel", "flavors: {sklearn: {pickled_model: model.pkl}}");
    assertRefused("mlflow-artifacts:/sklearn", "has flavours [sklearn], not onnx");
    write("broken/MLmodel", "flavors: [");
    assertRefused("mlflow-artifacts:/broken", "is no YAML");
  }

  private void assertRefused(String source, String why) {
    assertThatThrownBy(() -> sources.bytes(source))
        .isInstanceOf(UserMistake.class)
        .hasMessageContaining(why);
  }
}
