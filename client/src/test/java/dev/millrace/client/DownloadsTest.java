package dev.millrace.client;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class DownloadsTest {

  private static final byte[] BYTES = "what was meant".getBytes(StandardCharsets.UTF_8);
  private static final String ADDRESS = "mlflow-artifacts:/1/a b/model.onnx";

  private final ScriptedRegistry registry;
  private final FakePace pace = new FakePace();
  private final RegistryClient client;

  @SuppressWarnings("NullAway.Init") // JUnit sets it.
  @TempDir
  private Path folder;

  DownloadsTest() throws IOException {
    registry = new ScriptedRegistry();
    client = RegistryClient.connect(registry.address()).pace(Clock.systemUTC(), pace);
  }

  @AfterEach
  void close() {
    registry.close();
  }

  private Map<String, String> promise(String meant) throws IOException {
    Path file = Files.writeString(folder.resolve("meant"), meant);
    String sha256 = Digests.of(file);
    Files.delete(file);
    return Map.of("Repr-Digest", "md5=:AAAA:, " + Digests.field(sha256));
  }

  @Test
  void otherBytesThanPromisedLeaveWhatWasThere() throws Exception {
    Path file = Files.writeString(folder.resolve("model.onnx"), "the one before");
    registry.says(200, BYTES, promise("something else"));
    assertThatThrownBy(() -> client.artifacts().download(ADDRESS, file))
        .isInstanceOf(OtherBytesException.class)
        .hasMessageContaining("promised was");
    assertThat(file).hasContent("the one before");
    assertThat(registry.asked()).hasSize(1);
    assertThat(registry.asked().get(0).path()).endsWith("/artifacts/1/a%20b/model.onnx");
    assertNothingElse();
  }

  private void assertNothingElse() throws IOException {
    try (var files = Files.list(folder)) {
      assertThat(files.map(Path::getFileName).map(Path::toString)).containsExactly("model.onnx");
    }
  }

  @Test
  void whatBreaksOffComesAgainFromItsBeginning() throws Exception {
    Path file = folder.resolve("model.onnx");
    registry
        .cuts(200, "what".getBytes(StandardCharsets.UTF_8), BYTES.length, promise("what was meant"))
        .says(503, "{}")
        .says(200, BYTES, promise("what was meant"));
    Download came = client.artifacts().download(ADDRESS, file);
    assertThat(came.verified()).isTrue();
    assertThat(came.bytes()).isEqualTo(BYTES.length);
    assertThat(came.sha256()).isEqualTo(Digests.of(file));
    assertThat(file).hasBinaryContent(BYTES);
    assertThat(registry.asked()).hasSize(3);
    assertNothingElse();
  }

  @Test
  void whatStopsOnItsWayIsGivenUp() throws Exception {
    registry.cuts(200, BYTES, 1_000_000, Map.of());
    RegistryClient hasty = client.timeout(Duration.ofMillis(300)).patience(Duration.ZERO);
    assertThatThrownBy(() -> hasty.artifacts().download(ADDRESS, folder.resolve("model.onnx")))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("gave no answer to 1 tries");
    assertThat(folder).isEmptyDirectory();
  }

  @Test
  void whatNobodyPromisedIsNotVerified() throws Exception {
    registry.says(200, BYTES, Map.of());
    assertThat(client.artifacts().download(ADDRESS, folder.resolve("model.onnx")).verified())
        .isFalse();
  }

  @Test
  void whatIsElsewhereIsNotReadHere() {
    for (String elsewhere : new String[] {"s3://models/1", "file:///etc/passwd", "models:/m"}) {
      assertThatThrownBy(() -> client.artifacts().download(elsewhere, folder.resolve("f")))
          .isInstanceOf(IOException.class)
          .hasMessageContaining("Cannot read or write artifact " + elsewhere);
    }
    registry.says(200, "{\"model_version\": {\"source\": \"models:/m@best\"}}");
    assertThatThrownBy(() -> client.artifacts().download("models:/m@best", folder.resolve("f")))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("stands for another address");
    assertThatThrownBy(() -> client.artifacts().download(ADDRESS, folder))
        .isInstanceOf(IllegalArgumentException.class);
  }

  @Test
  void aFileThatIsNotThereIsNotSent() {
    assertThatThrownBy(() -> client.versions().register("m", folder.resolve("none")))
        .isInstanceOf(IOException.class);
    assertThat(pace.pausesMillis()).isEmpty();
  }
}
