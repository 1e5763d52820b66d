package dev.millrace.registry;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.millrace.platform.Target;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Path;
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
    assertThat(options.host()).isEqualTo("127.0.0.2");
    assertThat(options.port()).isEqualTo(8390);
    assertThat(options.state()).isEqualTo(Path.of("/somewhere"));
    assertThat(options.target().kafka()).isEqualTo("k:1");
  }

  @Test
  void whereNothingIsSaidItIsTheDefault() throws IOException {
    write(null);
    RegistryOptions options = options(Map.of(Target.ENVIRONMENT_VARIABLE, file.toString()));
    assertThat(options.host()).isEqualTo("127.0.0.1");
    assertThat(options.port()).isEqualTo(8090);
    assertThat(options.scoring()).isNull();
  }

  @Test
  void mistakesAreNamed() {
    assertThatThrownBy(() -> options(Map.of(), "--port", "1"))
        .hasMessage("Cannot use --port: known are --target FILE, --state DIR and --scoring URL");
    assertThatThrownBy(() -> options(Map.of(), "--scoring", "127.0.0.1:8091"))
        .hasMessageContaining("write an address like http://127.0.0.1:8091");
    assertThatThrownBy(() -> options(Map.of(), "--state"))
        .hasMessage("Cannot use --state: its value is missing");
    assertThatThrownBy(() -> options(Map.of()))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("MILLRACE_TARGET");
  }
}
