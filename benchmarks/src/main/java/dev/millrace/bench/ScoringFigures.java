package dev.millrace.bench;

import dev.millrace.bench.peers.RecordByRecord;
import dev.millrace.core.model.LifecycleEntry;
import dev.millrace.core.model.LifecycleEntry.Command;
import dev.millrace.platform.LifecycleLog;
import dev.millrace.platform.Target;
import dev.millrace.platform.Topics;
import dev.millrace.schemas.ConfluentSubjectRegistry;
import dev.millrace.schemas.Wire;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Duration;
import java.util.HexFormat;
import java.util.List;
import java.util.Locale;
import java.util.Map;
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

/**
 * Kafka, features from Redis, a model of a hundred trees, Kafka: the whole job that {@code apply}
 * starts, beside a job that scores record by record, on one stack and one topic.
 */
final class ScoringFigures implements AutoCloseable {

  private static final double GOAL_TIMES_PEER = 3;
  private static final double GOAL_PER_SECOND = 40_000;
  private static final String PEER_TOPIC = "bench.peer";
  private static final Duration REGISTRY_PATIENCE = Duration.ofSeconds(60);
  private static final int PURCHASES_EACH = 3;
  private static final int PEER_WARM_UP_SECONDS = 15;
  private static final int PARALLELISM = 2;
  private static final int PATIENCE_SECONDS = 240;

  private final Path work;
  private @Nullable KafkaProducer<byte[], byte[]> producer;
  private @Nullable KafkaConsumer<byte[], byte[]> ends;

  ScoringFigures(Path work) {
    this.work = work;
  }

  void trees(Bench bench) throws Exception {
    bench.say().accept("  starting a stack in " + bench.stack().dir());
    Target target = bench.stack().up();
    Requests requests = prepare(bench, target);
    Path model = work.resolve("model.onnx");
    Files.write(model, TreeModel.onnx(Requests.inputs(), 7));
    deploy(target, model);
    FlinkJobs jobs = new FlinkJobs(target.flink());
    jobs.cancel("millrace-" + Requests.PROJECT + "-inference");
    long events = bench.quick() ? 200_000 : 1_200_000;
    fill(requests, Requests.TOPIC, events, System.currentTimeMillis());
    bench.say().accept(String.format(Locale.ROOT, "  %,d events are in the topic", events));
    Samples peer = peer(bench, target, model);
    bench
        .say()
        .accept(
            String.format(
                Locale.ROOT,
                "  record by record: %,.0f events/s (%,.0f to %,.0f)",
                peer.median(),
                peer.least(),
                peer.largest()));
    Samples job = job(bench, events);
    double ratio = job.median() / peer.median();
    String note =
        "20 inputs of which 18 from Redis, 100 trees of depth 6, "
            + PARALLELISM
            + " tasks; peer: record by record";
    bench
        .report()
        .add(
            Figure.atLeast(
                "kafka-trees", job, "events/s", null, peer.median(), ratio, GOAL_TIMES_PEER, note));
    bench
        .report()
        .add(
            Figure.of(
                "kafka-trees-pace",
                job,
                "events/s",
                null,
                peer.median(),
                null,
                GOAL_PER_SECOND,
                job.median() >= GOAL_PER_SECOND,
                "the same, beside what is asked for; the broker, Redis and all services are on"
                    + " these cores"));
  }

  /** Topics, rows in Redis, the running project. */
  private Requests prepare(Bench bench, Target target) throws Exception {
    try (Admin admin = Topics.admin(target)) {
      admin
          .createTopics(
              List.of(
                  new NewTopic(Requests.TOPIC, Requests.PARTITIONS, (short) 1),
                  new NewTopic(Requests.PURCHASES, Requests.PARTITIONS, (short) 1),
                  new NewTopic(PEER_TOPIC, Requests.PARTITIONS, (short) 1)))
          .all()
          .get(30, TimeUnit.SECONDS);
    }
    ConfluentSubjectRegistry registry = new ConfluentSubjectRegistry(target.schemaRegistry());
    int schemaId = registry.register(Topics.subject(Requests.TOPIC), Requests.SCHEMA);
    int unusedSame = registry.register(Topics.subject(Requests.PURCHASES), Requests.SCHEMA);
    producer =
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
    ends =
        new KafkaConsumer<>(
            Map.of(ProducerConfig.BOOTSTRAP_SERVERS_CONFIG, target.kafka()),
            new ByteArrayDeserializer(),
            new ByteArrayDeserializer());
    Requests requests = new Requests(schemaId);
    fill(
        requests,
        Requests.PURCHASES,
        (long) PURCHASES_EACH * Requests.CUSTOMERS,
        System.currentTimeMillis() - Duration.ofMinutes(10).toMillis());
    Requests.write(work.resolve("project"));
    bench.stack().apply(work.resolve("project"));
    awaitRows(target);
    return requests;
  }

  private static void awaitRows(Target target) throws IOException, InterruptedException {
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

  /** Registers the model and makes it champion, as the trainer and a user do. */
  private static void deploy(Target target, Path model) throws Exception {
    LifecycleLog log =
        new LifecycleLog(target, new ConfluentSubjectRegistry(target.schemaRegistry()));
    LifecycleEntry registered =
        answer(
            log,
            new LifecycleEntry(
                Requests.MODEL,
                LifecycleEntry.Kind.COMMAND,
                Command.REGISTER.name(),
                null,
                "bench",
                "a model of random trees",
                System.currentTimeMillis(),
                "bench-register",
                model.toUri().toString(),
                sha256(Files.readAllBytes(model)),
                "{}"));
    Integer version = registered.version();
    LifecycleEntry promoted =
        answer(
            log,
            LifecycleEntry.command(
                Requests.MODEL,
                Command.PROMOTE,
                version,
                "bench",
                "to be measured",
                System.currentTimeMillis(),
                "bench-promote",
                "{\"force\": true}"));
    if (promoted.is(LifecycleEntry.Event.REFUSED)) {
      throw new IOException("Cannot deploy the model: " + promoted.reason());
    }
    long deadlineNanos = System.nanoTime() + REGISTRY_PATIENCE.toNanos();
    while (log.read(Requests.MODEL).stream()
        .noneMatch(e -> e.is(LifecycleEntry.Event.DEPLOYMENT_EFFECTIVE))) {
      if (System.nanoTime() > deadlineNanos) {
        throw new IOException("Cannot deploy the model: it does not take effect");
      }
      TimeUnit.MILLISECONDS.sleep(200);
    }
  }

  private static LifecycleEntry answer(LifecycleLog log, LifecycleEntry command)
      throws IOException, InterruptedException {
    return log.submit(command, REGISTRY_PATIENCE)
        .orElseThrow(
            () -> new IOException("Cannot " + command.type() + " the model: no answer comes"));
  }

  /** Sends events, 10 microseconds of event time apart. */
  // The send's own future says nothing that the callback does not.
  @SuppressWarnings("FutureReturnValueIgnored")
  private void fill(Requests requests, String topic, long events, long startMillis)
      throws IOException {
    KafkaProducer<byte[], byte[]> open = producer;
    if (open == null) {
      throw new IllegalStateException("Cannot send: there is no producer");
    }
    AtomicReference<@Nullable Exception> failure = new AtomicReference<>();
    for (long number = 0; number < events; number++) {
      open.send(
          requests.record(topic, number, startMillis + number / 100),
          (unusedMetadata, e) -> {
            if (e != null) {
              failure.compareAndSet(null, e);
            }
          });
    }
    open.flush();
    Exception failed = failure.get();
    if (failed != null) {
      throw new IOException("Cannot fill topic " + topic + ": " + failed, failed);
    }
  }

  private Samples peer(Bench bench, Target target, Path model) throws Exception {
    RecordByRecord.Task task =
        new RecordByRecord.Task(
            target.kafka(),
            target.schemaRegistry(),
            StackRedis.host(target),
            StackRedis.port(target),
            model.toString(),
            Requests.SCHEMA,
            new ConfluentSubjectRegistry(target.schemaRegistry())
                .register(Topics.subject(PEER_TOPIC), Wire.PREDICTION.toString()),
            Requests.features(),
            Requests.TOPIC,
            PEER_TOPIC,
            PARALLELISM);
    try (PeerRun peer = new PeerRun(task, work.resolve("peer"))) {
      long deadlineNanos = System.nanoTime() + TimeUnit.SECONDS.toNanos(PATIENCE_SECONDS);
      while (written(PEER_TOPIC) == 0) {
        peer.refuseEnded();
        if (System.nanoTime() > deadlineNanos) {
          throw new IOException("Cannot measure the peer: it scores nothing");
        }
        TimeUnit.MILLISECONDS.sleep(50);
      }
      TimeUnit.SECONDS.sleep(bench.quick() ? 5 : PEER_WARM_UP_SECONDS);
      double[] paces = new double[bench.repeats()];
      for (int i = 0; i < paces.length; i++) {
        long from = written(PEER_TOPIC);
        long fromNanos = System.nanoTime();
        TimeUnit.NANOSECONDS.sleep((long) (bench.seconds() * 1e9));
        paces[i] = (written(PEER_TOPIC) - from) * 1e9 / (System.nanoTime() - fromNanos);
        peer.refuseEnded();
      }
      return new Samples(paces);
    }
  }

  /** Starts the job again, over a topic that is full, and looks until all are predicted. */
  private Samples job(Bench bench, long events) throws Exception {
    String topic = Topics.predictions(Requests.PROJECT, Requests.MODEL);
    bench.stack().apply(work.resolve("project"));
    CatchUp catchUp = new CatchUp();
    long deadlineNanos = System.nanoTime() + TimeUnit.SECONDS.toNanos(PATIENCE_SECONDS);
    long written = 0;
    while (written < events) {
      written = written(topic);
      catchUp.add(System.nanoTime(), written);
      if (System.nanoTime() > deadlineNanos) {
        throw new IOException(
            "Cannot measure the job: "
                + PATIENCE_SECONDS
                + " s after it was started there are "
                + written
                + " predictions of "
                + events
                + " events");
      }
      TimeUnit.MILLISECONDS.sleep(20);
    }
    Samples pace = catchUp.pace(events, bench.repeats());
    bench
        .say()
        .accept(
            String.format(
                Locale.ROOT,
                "  the job: %,.0f events/s (%,.0f to %,.0f)",
                pace.median(),
                pace.least(),
                pace.largest()));
    return pace;
  }

  private long written(String topic) {
    KafkaConsumer<byte[], byte[]> open = ends;
    if (open == null) {
      throw new IllegalStateException("Cannot look: there is no consumer");
    }
    return open
        .endOffsets(
            IntStream.range(0, open.partitionsFor(topic).size())
                .mapToObj(partition -> new TopicPartition(topic, partition))
                .toList())
        .values()
        .stream()
        .mapToLong(Long::longValue)
        .sum();
  }

  private static String sha256(byte[] bytes) {
    try {
      return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(bytes));
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("Cannot hash a model: every Java has SHA-256", e);
    }
  }

  @Override
  public void close() {
    KafkaProducer<byte[], byte[]> sending = producer;
    if (sending != null) {
      sending.close(Duration.ofSeconds(5));
    }
    KafkaConsumer<byte[], byte[]> looking = ends;
    if (looking != null) {
      looking.close();
    }
  }
}
