package dev.millrace.inference;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.millrace.platform.Target;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ScoringServiceOptionsTest {

  private final Path file;

  ScoringServiceOptionsTest(@TempDir Path folder) throws IOException {
    file = folder.resolve("target.yaml");
    new Target("k:1", "http://s", "r:1", "http://f", null, "file:///w", "jdbc:x", "file:///a")
        .write(file);
  }

  private ScoringServiceOptions options(String... arguments) throws IOException {
    return ScoringServiceOptions.of(
        arguments, Map.of(Target.ENVIRONMENT_VARIABLE, file.toString()));
  }

  @Test
  void itListensWhereItIsTold() throws IOException {
    assertThat(options().host()).isEqualTo("127.0.0.1");
    assertThat(options().port()).isEqualTo(8091);
    ScoringServiceOptions told = options("--target", file.toString(), "--listen", "scoring:9000");
    assertThat(told.host()).isEqualTo("scoring");
    assertThat(told.port()).isEqualTo(9000);
    assertThat(told.target().kafka()).isEqualTo("k:1");
  }

  @Test
  void mistakesAreNamed() {
    for (String listen : List.of("8091", ":8091", "here:", "here:x", "here:70000")) {
      assertThatThrownBy(() -> options("--listen", listen))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessage(
              "Cannot use --listen " + listen + ": write HOST:PORT, for example 127.0.0.1:8091");
    }
    assertThatThrownBy(() -> options("--port", "1")).hasMessageContaining("known are --target");
    assertThatThrownBy(() -> options("--listen")).hasMessageContaining("its value is missing");
  }
}
