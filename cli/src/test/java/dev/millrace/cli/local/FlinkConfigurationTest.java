package dev.millrace.cli.local;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class FlinkConfigurationTest {
  @TempDir private Path dir = Path.of("");

  private Path file(String yaml) throws IOException {
    return Files.writeString(dir.resolve("config.yaml"), yaml);
  }

  @Test
  void nestedAndFlatKeysAreTheSame() throws IOException {
    Map<String, Object> keys =
        FlinkConfiguration.read(
            file("state:\n  backend:\n    type: rocksdb\nparallelism.default: 2\nempty:\n"));
    assertThat(keys)
        .containsOnly(
            Map.entry("state.backend.type", "rocksdb"), Map.entry("parallelism.default", 2));
  }

  @Test
  void theStackAddsWhereItIsAndKeepsTheRest() {
    StackLayout layout = new StackLayout(Path.of("/stacks/one"));
    Map<String, Object> keys =
        FlinkConfiguration.derive(
            Map.of("rest.port", 1, "state.backend.type", "hashmap"), layout, new StackPorts(1000));
    assertThat(keys)
        .containsEntry("state.backend.type", "hashmap")
        .containsEntry("rest.port", 9081)
        .containsEntry("rest.bind-address", "127.0.0.1")
        .containsEntry("jobmanager.bind-host", "127.0.0.1")
        .containsEntry("taskmanager.bind-host", "127.0.0.1")
        .containsEntry("jobmanager.rpc.port", 7123)
        .containsEntry("blob.server.port", "7124")
        .containsEntry("taskmanager.rpc.port", "7122")
        .containsEntry("taskmanager.data.port", 7121)
        .containsEntry("execution.checkpointing.dir", "file:///stacks/one/flink/checkpoints")
        .containsEntry("web.upload.dir", "/stacks/one/flink/upload");
  }

  @Test
  void whatIsWrittenReadsBackAndIsLeftAloneWhereNothingChanged() throws IOException {
    Path file = dir.resolve("effective.yaml");
    Map<String, Object> keys = Map.of("rest.port", 8081, "heartbeat.interval", "2 s");
    FlinkConfiguration.writeIfChanged(keys, file);
    Files.setLastModifiedTime(file, java.nio.file.attribute.FileTime.fromMillis(1_000));
    FlinkConfiguration.writeIfChanged(keys, file);
    assertThat(FlinkConfiguration.read(file)).isEqualTo(keys);
    assertThat(Files.getLastModifiedTime(file).toMillis()).isEqualTo(1_000);
  }

  @Test
  void aBrokenFileIsNamed() throws IOException {
    Path file = file("a: [1,\n");
    assertThatThrownBy(() -> FlinkConfiguration.read(file))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("Cannot read " + file);
  }

  @Test
  void flinksOwnAnswerGivesTheMemory() throws IOException {
    FlinkServices.Memory memory =
        FlinkServices.Memory.parse(
            java.util.List.of(
                "some log line",
                "BASH_JAVA_UTILS_EXEC_RESULT:-Xmx10 -Xms10",
                "BASH_JAVA_UTILS_EXEC_RESULT:-D a=1b -D b=2b"));
    assertThat(memory.jvmFlags()).containsExactly("-Xmx10", "-Xms10");
    assertThat(memory.dynamicProperties()).containsExactly("-D", "a=1b", "-D", "b=2b");
  }

  @Test
  void sizesThatFlinkRefusesAreSaidWithTheRepair() {
    assertThatThrownBy(
            () -> FlinkServices.Memory.parse(java.util.List.of("IllegalConfiguration: too small")))
        .hasMessageContaining("too small")
        .hasMessageContaining("correct flink-conf/config.yaml");
  }
}
