package dev.millrace.registry;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.millrace.platform.Target;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class RegistryOptionsTest {

  private final Path file;

  RegistryOptionsTest(@TempDir Path folder) {
    file = folder.resolve("target.yaml");
  }

  private void write(@Nullable String registry) throws IOException {
    new Target("k:1", "http://s", "r:1", "http://f", registry, "file:///w", "jdbc:x", "file:///a")
        .write(file);
  }

  private static RegistryOptions options(Map<String, String> environment, String... arguments)
      throws IOException {
    return RegistryOptions.of(arguments, environment);
  }

  @Test
  void itListensWhereTheTargetSays() throws IOException {
    write("http://127.0.0.2:8390");
    RegistryOptions options =
        options(
            Map.of(),
            "--target",
            file.toString(),
            "--state",
            "/somewhere",
            "--scoring",
            "http://127.0.0.2:8391/");
    assertThat(options.scoring()).isEqualTo(URI.create("http://127.0.0.2:8391"));
    assertThat(options.listening().host()).isEqualTo("127.0.0.2");
    assertThat(options.listening().port()).isEqualTo(8390);
    assertThat(options.state()).isEqualTo(Path.of("/somewhere"));
    assertThat(options.target().kafka()).isEqualTo("k:1");
  }

  @Test
  void whereNothingIsSaidItIsTheDefault() throws IOException {
    write(null);
    RegistryOptions options = options(Map.of(Target.ENVIRONMENT_VARIABLE, file.toString()));
    assertThat(options.listening().host()).isEqualTo("127.0.0.1");
    assertThat(options.listening().port()).isEqualTo(8090);
    assertThat(options.scoring()).isNull();
  }

  @Test
  void mistakesAreNamed() throws IOException {
    assertThatThrownBy(() -> options(Map.of(), "--port", "1"))
        .hasMessageStartingWith("Cannot use --port: known are --target FILE, --state DIR, ");
    write(null);
    assertThatThrownBy(
            () -> options(Map.of(), "--target", file.toString(), "--scoring", "127.0.0.1:8091"))
        .hasMessageContaining("write an address like http://127.0.0.1:8091");
    assertThatThrownBy(() -> options(Map.of(), "--state"))
        .hasMessage("Cannot use --state: its value is missing");
    assertThatThrownBy(() -> options(Map.of()))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("MILLRACE_TARGET");
  }

  private RegistryOptions listening(String... arguments) throws IOException {
    List<String> all = new ArrayList<>(List.of("--target", file.toString()));
    all.addAll(List.of(arguments));
    return options(Map.of(), all.toArray(String[]::new));
  }

  @Test
  void nobodyOpensItToANetworkUnawares() throws IOException {
    write("http://127.0.0.1:8090");
    assertThatThrownBy(() -> listening("--listen", "0.0.0.0:8090"))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("Cannot listen on 0.0.0.0 without tokens")
        .hasMessageContaining("./millrace tokens add");
    assertThatThrownBy(() -> listening("--listen", "0.0.0.0:8090", "--tokens", "t"))
        .hasMessageContaining("Cannot listen on 0.0.0.0 without TLS");
    write("http://192.0.2.1:8090");
    assertThatThrownBy(() -> listening()).hasMessageContaining("Cannot listen on 192.0.2.1");
    assertThat(listening("--allow-anonymous").tokens()).isNull();
    assertThat(listening("--tokens", "t", "--allow-plain-http").tokens()).isEqualTo(Path.of("t"));
    // What is allowed without tokens is not what is allowed with them.
    assertThatThrownBy(() -> listening("--tokens", "t", "--allow-anonymous"))
        .hasMessageContaining("without TLS");
    assertThatThrownBy(() -> listening("--allow-plain-http"))
        .hasMessageContaining("without tokens");
    assertThat(listening("--listen", "127.0.0.3:1").listening())
        .isEqualTo(Listening.plainly("127.0.0.3", 1));
    assertThat(listening("--listen", "[::1]:1").listening().host()).isEqualTo("[::1]");
  }

  @Test
  void allMistakesComeAtOnce() throws IOException {
    write("https://127.0.0.1:8090");
    assertThatThrownBy(
            () ->
                listening("--scoring", "x", "--keystore-password", "secret", "--listen", "nowhere"))
        .hasMessageContainingAll(
            "Cannot start the registry:",
            "--scoring x",
            "--keystore-password without --keystore",
            "Cannot listen on nowhere")
        .hasMessageNotContaining("secret");
    assertThatThrownBy(() -> listening()).hasMessageContaining("without a key: give --keystore");
    assertThat(listening("--listen", "127.0.0.1:8190").listening().port()).isEqualTo(8190);
  }

  @Test
  void theTableOfOptionsIsInTheDocs() throws IOException {
    assertThat(Files.readString(Path.of("..", "docs", "registry.md")))
        .contains(Arrays.stream(RegistryOption.values()).map(RegistryOption::documented).toList());
  }
}
