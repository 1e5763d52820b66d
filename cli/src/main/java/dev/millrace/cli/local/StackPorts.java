package dev.millrace.cli.local;

import dev.millrace.cli.UserMistake;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.UnknownHostException;
import java.util.List;

/**
 * The ports of one stack: the defaults, each moved by the same offset, so that stacks live side by
 * side.
 *
 * @param offset added to every default
 */
record StackPorts(int offset) {
  static final String HOST = "127.0.0.1";

  private static final int HIGHEST_PORT = 65_535;

  StackPorts {
    if (offset < 0 || 9096 + offset > HIGHEST_PORT) {
      throw new UserMistake(
          "Cannot use port offset "
              + offset
              + ": a port would be beyond "
              + HIGHEST_PORT
              + "; choose a smaller --port-offset");
    }
  }

  /** One port and what listens on it. */
  record Use(int port, String by) {}

  int kafka() {
    return 9092 + offset;
  }

  int kafkaController() {
    return 9096 + offset;
  }

  int schemaRegistry() {
    return 8085 + offset;
  }

  int registry() {
    return 8090 + offset;
  }

  int scoring() {
    return 8091 + offset;
  }

  int redis() {
    return 6379 + offset;
  }

  int flinkRest() {
    return 8081 + offset;
  }

  int jobManagerRpc() {
    return 6123 + offset;
  }

  int jobManagerBlobs() {
    return 6124 + offset;
  }

  int taskManagerRpc() {
    return 6122 + offset;
  }

  int taskManagerData() {
    return 6121 + offset;
  }

  /** Every port that must be free before the stack starts. */
  List<Use> all() {
    return List.of(
        new Use(kafka(), "Kafka"),
        new Use(kafkaController(), "Kafka's controller"),
        new Use(schemaRegistry(), "the schema registry"),
        new Use(redis(), "Redis"),
        new Use(registry(), "the registry"),
        new Use(scoring(), "scoring on request"),
        new Use(flinkRest(), "Flink's web UI"),
        new Use(jobManagerRpc(), "Flink's JobManager"),
        new Use(jobManagerBlobs(), "Flink's blob server"),
        new Use(taskManagerRpc(), "Flink's TaskManager"),
        new Use(taskManagerData(), "Flink's data exchange"));
  }

  /** {@link #HOST} and a port, without asking a resolver. */
  static InetSocketAddress loopback(int port) {
    try {
      return new InetSocketAddress(InetAddress.getByAddress(new byte[] {127, 0, 0, 1}), port);
    } catch (UnknownHostException e) {
      throw new IllegalStateException("Cannot make an address of four bytes", e);
    }
  }

  String address(int port) {
    return HOST + ":" + port;
  }
}
