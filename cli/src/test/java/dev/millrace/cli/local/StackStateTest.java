package dev.millrace.cli.local;

import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.cli.local.StackState.Phase;
import dev.millrace.cli.local.StackState.ServiceState;
import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class StackStateTest {
  @TempDir private Path dir = Path.of("");

  private static StackState state(ProcessIdentity process) {
    return new StackState(
        process,
        1000,
        List.of(
            new ServiceState("kafka", Phase.READY, process, 3, "127.0.0.1:1", "/l", 12L),
            new ServiceState("redis", Phase.RESTARTING, null, 0, "127.0.0.1:2", "/m", null)),
        List.of("a problem"));
  }

  @Test
  void readsBack() throws IOException {
    StackLayout layout = new StackLayout(dir);
    assertThat(StackState.read(layout)).isEmpty();
    StackState state = state(ProcessIdentity.of(ProcessHandle.current()));
    state.write(layout);
    assertThat(StackState.read(layout)).contains(state);
  }

  @Test
  void aReusedPidIsAnotherProcess() {
    ProcessIdentity self = ProcessIdentity.of(ProcessHandle.current());
    assertThat(self.isAlive()).isTrue();
    assertThat(new ProcessIdentity(self.pid(), self.startMillis() - 60_000).isAlive()).isFalse();
    assertThat(Leftovers.find(new StackLayout(dir), Optional.of(state(self))))
        .containsExactly(self);
  }

  @Test
  void jobsDoNotWaitForAServiceThatTheyDoNotNeed() {
    StackState state = state(ProcessIdentity.of(ProcessHandle.current()));
    assertThat(state.isReady()).isFalse();
    assertThat(state.isReadyBut("redis")).isTrue();
    assertThat(state.isReadyBut("kafka")).isFalse();
  }

  @Test
  void scoringRunsTheJobsJarWithFlinkAndAnHttpServer() throws Exception {
    Path job = Files.createDirectories(dir.resolve("jobs/inference/target"));
    Files.writeString(job.resolve("millrace-inference-job.jar"), "");
    Path flink = Files.createDirectories(dir.resolve("cli/local/flink/target"));
    Files.writeString(flink.resolve("classpath"), "lib/flink-core.jar:lib/onnxruntime.jar");
    Path commands = Files.createDirectories(dir.resolve("cli/target"));
    Files.writeString(
        commands.resolve("classpath"), "lib/javalin-6.jar:lib/iceberg-core.jar:lib/jetty-io.jar");
    StackLayout layout = new StackLayout(dir.resolve("stack"));
    layout.createFolders();
    List<String> words =
        new StackServices(dir, layout, new StackPorts(100)).scoring().command().words();
    assertThat(words)
        .contains("dev.millrace.inference.ScoringService", "--listen", "127.0.0.1:8191")
        .doesNotContain("8091");
    assertThat(Files.readString(layout.conf().resolve("ScoringService.classpath")).strip())
        .isEqualTo(
            "-cp \""
                + String.join(
                    File.pathSeparator,
                    layout.scoringJar().toString(),
                    flink.resolve("lib/flink-core.jar").toString(),
                    flink.resolve("lib/onnxruntime.jar").toString(),
                    commands.resolve("lib/javalin-6.jar").toString(),
                    commands.resolve("lib/jetty-io.jar").toString())
                + "\"");
  }

  @Test
  void wipingLeavesWhatIsNotTheStacks() throws IOException {
    StackLayout layout = new StackLayout(dir.resolve("stack"));
    layout.createFolders();
    Files.writeString(layout.kafkaData().resolve("meta.properties"), "x");
    Path foreign = Files.writeString(layout.dir().resolve("notes.txt"), "mine");
    LocalStack stack = new LocalStack(layout.dir(), 0);
    stack.wipe();
    assertThat(layout.data()).doesNotExist();
    assertThat(foreign).exists();
    Files.delete(foreign);
    stack.wipe();
    assertThat(layout.dir()).doesNotExist();
  }

  @Test
  void nothingIsBoundBeyondThisMachine() {
    StackServices services = new StackServices(dir, new StackLayout(dir), new StackPorts(0));
    assertThat(services.redisConfiguration()).contains("bind 127.0.0.1\n", "appendonly yes");
    assertThat(services.kafkaProperties())
        .contains("listeners=PLAINTEXT://127.0.0.1:9092,CONTROLLER://127.0.0.1:9096\n")
        .contains("auto.create.topics.enable=false", "transaction.max.timeout.ms=3600000");
  }
}
