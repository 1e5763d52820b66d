package dev.millrace.bench;

import dev.millrace.core.model.LifecycleEntry;
import dev.millrace.core.model.LifecycleEntry.Command;
import dev.millrace.platform.LifecycleLog;
import dev.millrace.platform.Target;
import dev.millrace.platform.Topics;
import dev.millrace.schemas.ConfluentSubjectRegistry;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Duration;
import java.util.HashSet;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import java.util.stream.IntStream;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.jspecify.annotations.Nullable;
import redis.clients.jedis.Jedis;

/** The stack on which scoring is measured: the project runs, rows are in Redis, a model serves. */
final class ScoringStage implements AutoCloseable {

  static final String PEER_TOPIC = "bench.peer";
  static final int PATIENCE_SECONDS = 240;
  private static final Duration REGISTRY_PATIENCE = Duration.ofSeconds(60);
  private static final int PURCHASES_EACH = 3;

  private final Path work;
  private final Target target;
  private final Requests requests;
  private final KafkaProducer<byte[], byte[]> producer;
  private final KafkaConsumer<byte[], byte[]> ends;
  private final LifecycleLog lifecycle;

  private ScoringStage(Path work, Target target) throws IOException {
    this.work = work;
    this.target = target;
    ConfluentSubjectRegistry registry = new ConfluentSubjectRegistry(target.schemaRegistry());
    int schemaId = registry.register(Topics.subject(Requests.TOPIC), Requests.SCHEMA);
    for (String topic : List.of(Requests.PURCHASES, Requests.VISITS)) {
      int unusedSame = registry.register(Topics.subject(topic), Requests.SCHEMA);
    }
    this.requests = new Requests(schemaId);
    this.lifecycle = new LifecycleLog(target, registry);
    this.producer =
        new KafkaProducer<>(
            Map.of(
                ProducerConfig.BOOTSTRAP_SERVERS_CONFIG,
                target.kafka(),
                ProducerConfig.LINGER_MS_CONFIG,
                20,
                ProducerConfig.BATCH_SIZE_CONFIG,
                64 * 1024),
            new ByteArraySerializer(),
            new ByteArraySerializer());
    this.ends =
        new KafkaConsumer<>(
            Map.of(ProducerConfig.BOOTSTRAP_SERVERS_CONFIG, target.kafka()),
            new ByteArrayDeserializer(),
            new ByteArrayDeserializer());
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
    LifecycleEntry registered =
        answer(
            new LifecycleEntry(
                model,
                LifecycleEntry.Kind.COMMAND,
                Command.REGISTER.name(),
                null,
                "bench",
                "a model of random trees",
                System.currentTimeMillis(),
                "bench-register-" + model + "-" + seed,
                made.toUri().toString(),
                sha256(Files.readAllBytes(made)),
                "{}"));
    Integer version = registered.version();
    if (version == null) {
      throw new IOException("Cannot register a model: " + registered.reason());
    }
    Files.copy(made, file(model, version));
    return version;
  }

  /** Makes a version champion and waits until it is. */
  void promote(String model, int version) throws Exception {
    take(Command.PROMOTE, model, version, "{\"force\": true}");
  }

  /** Puts a canary and shadows beside the champion and waits until they score. */
  void stage(String model, int canary, double share, List<Integer> shadows) throws Exception {
    take(
        Command.STAGE,
        model,
        null,
        "{\"force\": true, \"canary\": "
            + canary
            + ", \"share\": "
            + share
            + ", \"shadows\": "
            + shadows
            + "}");
  }

  private void take(Command command, String model, @Nullable Integer version, String details)
      throws Exception {
    Set<LifecycleEntry> before = new HashSet<>(effective(model));
    LifecycleEntry taken =
        answer(
            LifecycleEntry.command(
                model,
                command,
                version,
                "bench",
                "to be measured",
                System.currentTimeMillis(),
                "bench-" + model + "-" + System.nanoTime(),
                details));
    if (taken.is(LifecycleEntry.Event.REFUSED)) {
      throw new IOException("Cannot deploy model " + model + ": " + taken.reason());
    }
    long deadlineNanos = System.nanoTime() + REGISTRY_PATIENCE.toNanos();
    while (before.containsAll(effective(model))) {
      if (System.nanoTime() > deadlineNanos) {
        throw new IOException("Cannot deploy model " + model + ": it does not take effect");
      }
      TimeUnit.MILLISECONDS.sleep(200);
    }
  }

  private List<LifecycleEntry> effective(String model) {
    return lifecycle.read(model).stream()
        .filter(e -> e.is(LifecycleEntry.Event.DEPLOYMENT_EFFECTIVE))
        .toList();
  }

  private LifecycleEntry answer(LifecycleEntry command) throws IOException, InterruptedException {
    return lifecycle
        .submit(command, REGISTRY_PATIENCE)
        .orElseThrow(
            () -> new IOException("Cannot " + command.type() + " the model: no answer comes"));
  }

  /** Sends events, 10 microseconds of event time apart. */
  // The send's own future says nothing that the callback does not.
  @SuppressWarnings("FutureReturnValueIgnored")
  void fill(String topic, long events, long startMillis) throws IOException {
    AtomicReference<@Nullable Exception> failure = new AtomicReference<>();
    for (long number = 0; number < events; number++) {
      producer.send(
          requests.record(topic, number, startMillis + number / 100),
          (unusedMetadata, e) -> {
            if (e != null) {
              failure.compareAndSet(null, e);
            }
          });
    }
    producer.flush();
    Exception failed = failure.get();
    if (failed != null) {
      throw new IOException("Cannot fill topic " + topic + ": " + failed, failed);
    }
  }

  /** How many records a topic has got. */
  long written(String topic) {
    return ends
        .endOffsets(
            IntStream.range(0, ends.partitionsFor(topic).size())
                .mapToObj(partition -> new TopicPartition(topic, partition))
                .toList())
        .values()
        .stream()
        .mapToLong(Long::longValue)
        .sum();
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
    producer.close(Duration.ofSeconds(5));
    ends.close();
  }
}
