package dev.millrace.streaming.transactions;

import static org.assertj.core.api.Assumptions.assumeThat;

import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.common.Uuid;

/** A Kafka process of a test's own, which aborts expired transactions within half a second. */
final class RealBroker implements AutoCloseable {

  private static final Path JARS = Path.of("..", "cli", "local", "kafka", "target", "lib");
  private static final long PATIENCE_SECONDS = 120;

  private final Process process;
  private final String address;

  /** Starts it in a folder; where the local stack's Kafka was not built, the test is skipped. */
  RealBroker(Path folder, String... settings) throws Exception {
    assumeThat(JARS).as("the local stack's Kafka is built (package cli/local/kafka)").isDirectory();
    this.address = "127.0.0.1:" + freePort();
    Path file = folder.resolve("kafka.properties");
    Files.writeString(file, properties(folder.resolve("data"), settings));
    Process format =
        java(folder, "kafka.tools.StorageTool", "format", "-t", id(), "-c", file.toString());
    if (!format.waitFor(PATIENCE_SECONDS, TimeUnit.SECONDS) || format.exitValue() != 0) {
      throw new IOException("Cannot format Kafka's storage; see " + folder.resolve("kafka.out"));
    }
    this.process = java(folder, "kafka.Kafka", file.toString());
  }

  String address() {
    return address;
  }

  /** Waits until the broker answers, too. */
  void create(String topic) throws Exception {
    try (Admin admin =
        Admin.create(Map.of("bootstrap.servers", address, "default.api.timeout.ms", "120000"))) {
      admin
          .createTopics(List.of(new NewTopic(topic, Optional.of(1), Optional.empty())))
          .all()
          .get(PATIENCE_SECONDS, TimeUnit.SECONDS);
    }
  }

  private String properties(Path data, String... settings) throws IOException {
    String controller = "127.0.0.1:" + freePort();
    List<String> lines =
        new ArrayList<>(
            List.of(
                "process.roles=broker,controller",
                "node.id=1",
                "controller.quorum.voters=1@" + controller,
                "listeners=PLAINTEXT://" + address + ",CONTROLLER://" + controller,
                "advertised.listeners=PLAINTEXT://" + address,
                "listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
                "controller.listener.names=CONTROLLER",
                "log.dirs=" + data,
                "offsets.topic.replication.factor=1",
                "offsets.topic.num.partitions=1",
                "transaction.state.log.replication.factor=1",
                "transaction.state.log.min.isr=1",
                "transaction.state.log.num.partitions=1",
                "transaction.abort.timed.out.transaction.cleanup.interval.ms=500",
                "log.cleaner.dedupe.buffer.size=16777216"));
    lines.addAll(Arrays.asList(settings));
    return String.join("\n", lines) + "\n";
  }

  private static Process java(Path folder, String... words) throws IOException {
    List<String> command =
        new ArrayList<>(
            List.of(
                ProcessHandle.current().info().command().orElse("java"),
                "-Xmx300m",
                "-XX:TieredStopAtLevel=1",
                "-cp",
                JARS.toAbsolutePath() + "/*"));
    command.addAll(List.of(words));
    return new ProcessBuilder(command)
        .redirectErrorStream(true)
        .redirectOutput(ProcessBuilder.Redirect.appendTo(folder.resolve("kafka.out").toFile()))
        .start();
  }

  private static String id() {
    return Uuid.randomUuid().toString();
  }

  private static int freePort() throws IOException {
    try (ServerSocket free = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      return free.getLocalPort();
    }
  }

  @Override
  public void close() {
    process.destroyForcibly().onExit().join();
  }
}
