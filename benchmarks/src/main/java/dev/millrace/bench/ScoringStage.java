package dev.millrace.bench;

import dev.millrace.platform.Target;
import dev.millrace.platform.Topics;
import dev.millrace.schemas.ConfluentSubjectRegistry;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Duration;
import java.util.HexFormat;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.NewTopic;
import redis.clients.jedis.Jedis;

/** The stack on which scoring is measured: the project runs, rows are in Redis, a model serves. */
final class ScoringStage implements AutoCloseable {

  static final String PEER_TOPIC = "bench.peer";
  static final int PATIENCE_SECONDS = 240;
  private static final int PURCHASES_EACH = 3;

  private final Path work;
  private final Target target;
  private final Requests requests;
  private final Traffic traffic;
  private final Versions versions;

  private ScoringStage(Path work, Target target) throws IOException {
    this.work = work;
    this.target = target;
    ConfluentSubjectRegistry registry = new ConfluentSubjectRegistry(target.schemaRegistry());
    int schemaId = registry.register(Topics.subject(Requests.TOPIC), Requests.SCHEMA);
    for (String topic : List.of(Requests.PURCHASES, Requests.VISITS)) {
      int unusedSame = registry.register(Topics.subject(topic), Requests.SCHEMA);
    }
    this.requests = new Requests(schemaId);
    this.versions = new Versions(target, registry);
    this.traffic = new Traffic(target);
  }

  /** Topics, rows in Redis, the running project, and a model of a hundred trees that serves. */
  static ScoringStage open(Bench bench, Path work) throws Exception {
    bench.say().accept("  starting a stack in " + bench.stack().dir());
    Target target = bench.stack().up();
    try (Admin admin = Topics.admin(target)) {
      admin
          .createTopics(
              List.of(
                  new NewTopic(Requests.TOPIC, Requests.PARTITIONS, (short) 1),
                  new NewTopic(Requests.PURCHASES, Requests.PARTITIONS, (short) 1),
                  new NewTopic(Requests.VISITS, Requests.PARTITIONS, (short) 1),
                  new NewTopic(PEER_TOPIC, Requests.PARTITIONS, (short) 1)))
          .all()
          .get(30, TimeUnit.SECONDS);
    }
    ScoringStage stage = new ScoringStage(work, target);
    boolean ready = false;
    try {
      stage.fill(
          Requests.PURCHASES,
          (long) PURCHASES_EACH * Requests.CUSTOMERS,
          System.currentTimeMillis() - Duration.ofMinutes(10).toMillis());
      Requests.write(work.resolve("project"));
      bench.stack().apply(work.resolve("project"));
      stage.awaitRows();
      stage.promote(Requests.MODEL, stage.register(Requests.MODEL, 7));
      stage.promote(Requests.WAITER, stage.register(Requests.WAITER, 7));
      ready = true;
      return stage;
    } finally {
      if (!ready) {
        stage.close();
      }
    }
  }

  Target target() {
    return target;
  }

  Requests requests() {
    return requests;
  }

  Path project() {
    return work.resolve("project");
  }

  /** The file of a registered version. */
  Path file(String model, int version) {
    return work.resolve(model + "-" + version + ".onnx");
  }

  private void awaitRows() throws IOException, InterruptedException {
    long deadlineNanos = System.nanoTime() + TimeUnit.SECONDS.toNanos(PATIENCE_SECONDS);
    try (Jedis redis = StackRedis.open(target)) {
      // Of the customers nearly all have bought something.
      while (redis.dbSize() < Requests.CUSTOMERS * 9L / 10) {
        if (System.nanoTime() > deadlineNanos) {
          throw new IOException(
              "Cannot measure: Redis has only " + redis.dbSize() + " rows of customers");
        }
        TimeUnit.MILLISECONDS.sleep(200);
      }
    }
  }

  /** Registers a model of random trees, as the trainer does; its version. */
  int register(String model, long seed) throws Exception {
    Path made = work.resolve("trees-" + model + "-" + seed + ".onnx");
    Files.write(made, TreeModel.onnx(Requests.inputs(), seed));
    int version = versions.register(model, made, "a model of random trees");
    Files.copy(made, file(model, version));
    return version;
  }

  /** Makes a version champion and waits until it is. */
  void promote(String model, int version) throws Exception {
    versions.promote(model, version);
  }

  /** Puts a canary and shadows beside the champion and waits until they score. */
  void stage(String model, int canary, double share, List<Integer> shadows) throws Exception {
    versions.stage(model, canary, share, shadows);
  }

  /** Sends events, 10 microseconds of event time apart. */
  void fill(String topic, long events, long startMillis) throws IOException {
    traffic.fill(
        topic, events, number -> requests.record(topic, number, startMillis + number / 100));
  }

  /** How many records a topic has got. */
  long written(String topic) {
    return traffic.written(topic);
  }

  static String sha256(byte[] bytes) {
    try {
      return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(bytes));
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("Cannot hash a model: every Java has SHA-256", e);
    }
  }

  @Override
  public void close() {
    traffic.close();
  }
}
