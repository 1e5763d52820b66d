package dev.millrace.e2e;

import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.core.model.LifecycleEntry;
import dev.millrace.core.model.LifecycleEntry.Command;
import dev.millrace.platform.LifecycleLog;
import dev.millrace.platform.Target;
import dev.millrace.platform.TopicLog;
import dev.millrace.schemas.ConfluentSubjectRegistry;
import dev.millrace.schemas.Wire;
import dev.millrace.trainer.XgboostToOnnx;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.HexFormat;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.locks.LockSupport;
import org.apache.avro.generic.GenericRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/**
 * Twenty versions are promoted one after the other while events of the past are played, a fifth of
 * them out of order, and the TaskManager is killed three times, twice while a version is being
 * prepared. Who scored each event is then compared with what {@code models.deployments} says, from
 * topics alone; and as each version always gives its own score, so is whether its bytes did.
 */
@Tag("full")
class SwapsITCase {

  private static final Path ROOT = Path.of("..").toAbsolutePath().normalize();
  private static final Path PROJECT = Path.of("src/test/resources/swaps").toAbsolutePath();
  private static final Path MODELS = ROOT.resolve("e2e/target/swaps/models");
  private static final Stack STACK = new Stack(ROOT, ROOT.resolve("e2e/target/swaps/stack"), 4200);
  private static final String JOB = "millrace-swaps-inference";
  private static final String TOPIC = "swap_calls";
  private static final String MODEL = "swap_score";
  private static final String DEPLOYMENTS = "models.deployments";

  private static final int SWAPS = 20;
  private static final Set<Integer> KILLED_AT = Set.of(5, 11, 16);
  private static final int CALLERS = 200;
  private static final int PER_SECOND = 500;
  private static final long MILLIS_APART = 100;

  /** More than come out of order, so that some lie beyond the time of the version before. */
  private static final long SCORED_BETWEEN = 2_000;

  private static final long OUT_OF_ORDER_MILLIS = 60_000;
  private static final Duration PATIENCE = Duration.ofMinutes(4);
  private static final long START = Instant.parse("2026-02-01T00:00:00Z").toEpochMilli();

  private static final AtomicBoolean ENOUGH = new AtomicBoolean();

  @BeforeAll
  static void up() throws Exception {
    STACK.run("down", "--wipe");
    STACK.done("up");
    STACK.done("apply", PROJECT.toString());
    Files.createDirectories(MODELS);
  }

  @AfterAll
  static void down() throws Exception {
    STACK.done("down");
  }

  @Test
  void everyVersionIsTheOneThatTheDeploymentsName() throws Exception {
    LifecycleLog log =
        new LifecycleLog(target(), new ConfluentSubjectRegistry(target().schemaRegistry()));
    promote(log, 1);
    effective(log, 1);
    CompletableFuture<Map<String, Long>> sending = CompletableFuture.supplyAsync(SwapsITCase::send);
    for (int version = 2; version <= SWAPS + 1; version++) {
      long atLeast = written() + SCORED_BETWEEN;
      Stack.await("events are scored between two swaps", PATIENCE, () -> written() >= atLeast);
      promote(log, version);
      if (KILLED_AT.contains(version)) {
        STACK.kill("flink-taskmanager");
      }
      effective(log, version);
    }
    long last = written() + SCORED_BETWEEN;
    Stack.await("events are scored after the last swap", PATIENCE, () -> written() >= last);
    ENOUGH.set(true);
    Map<String, Long> sent = sending.get();
    Stack.await("each event has a prediction", PATIENCE, () -> predicted().equals(sent.keySet()));
    assertThat(STACK.running(JOB)).isTrue();
    compare(sent);
  }

  /** Each prediction, and each that is there again, with what the deployments say. */
  private static void compare(Map<String, Long> sent) {
    List<GenericRecord> deployments = records(DEPLOYMENTS);
    Map<Integer, Integer> byVersion = new TreeMap<>();
    List<String> wrong = new ArrayList<>();
    int records = 0;
    for (GenericRecord prediction : records("swaps.predictions." + MODEL)) {
      records++;
      long time = (Long) prediction.get("event_time");
      String id = String.valueOf(prediction.get("event_id"));
      assertThat(sent).containsEntry(id, time);
      int version = (Integer) prediction.get("version");
      GenericRecord right = null;
      for (GenericRecord deployment : deployments) {
        Long from = (Long) deployment.get("effective_time");
        if (String.valueOf(deployment.get("state")).equals("EFFECTIVE")
            && (from == null || from <= time)) {
          right = deployment;
        }
      }
      assertThat(right).isNotNull();
      int named =
          (Integer) ((GenericRecord) Objects.requireNonNull(right).get("champion")).get("version");
      boolean same =
          version == named
              && String.valueOf(prediction.get("role")).equals("CHAMPION")
              && String.valueOf(prediction.get("deployment_id"))
                  .equals(String.valueOf(right.get("deployment_id")))
              && Math.abs((Double) prediction.get("score") - score(version)) < 1e-6;
      if (!same) {
        wrong.add("version " + named + " should have scored: " + prediction);
      }
      byVersion.merge(version, 1, Integer::sum);
    }
    System.out.println(
        sent.size() + " events, " + records + " predictions, by version " + byVersion);
    assertThat(wrong).isEmpty();
    // Two versions in a row may take effect from one time on; then the first has no events.
    assertThat(byVersion).hasSizeGreaterThan(SWAPS * 3 / 4);
    Set<String> effective = new HashSet<>();
    for (GenericRecord deployment : deployments) {
      String id = String.valueOf(deployment.get("deployment_id"));
      if (String.valueOf(deployment.get("state")).equals("EFFECTIVE")) {
        effective.add(id);
      } else {
        assertThat(effective).as("what took effect was not revoked").doesNotContain(id);
      }
    }
    assertThat(effective).hasSize(SWAPS + 1);
  }

  /** Events of the past, 50 times as fast as they were, until it is enough. */
  private static Map<String, Long> send() {
    Random random = new Random(11);
    Map<String, Long> sent = new HashMap<>();
    long beganNanos = System.nanoTime();
    try (KafkaProducer<String, byte[]> producer = TopicLog.producer(target())) {
      for (int i = 0; !ENOUGH.get(); i++) {
        long at = START + i * MILLIS_APART;
        if (random.nextInt(5) == 0) {
          at -= random.nextLong(OUT_OF_ORDER_MILLIS);
        }
        String id = "c" + i;
        String caller = "p" + random.nextInt(CALLERS);
        String json =
            String.format(
                Locale.ROOT,
                "{\"id\":\"%s\",\"at\":%d,\"caller\":\"%s\",\"seconds\":%s}",
                id,
                at,
                caller,
                random.nextInt(10_000) / 10.0);
        var unusedPlace =
            producer.send(
                new ProducerRecord<>(TOPIC, caller, json.getBytes(StandardCharsets.UTF_8)));
        sent.put(id, at);
        LockSupport.parkNanos(
            beganNanos + (i + 1) * 1_000_000_000L / PER_SECOND - System.nanoTime());
      }
    }
    return sent;
  }

  /** Registers a version whose every score is its own, and asks for it to serve. */
  private static void promote(LifecycleLog log, int version) throws Exception {
    byte[] onnx = model(version);
    Path file = MODELS.resolve("v" + version + ".onnx");
    Files.write(file, onnx);
    LifecycleEntry registered =
        log.submit(
                new LifecycleEntry(
                    MODEL,
                    LifecycleEntry.Kind.COMMAND,
                    Command.REGISTER.name(),
                    null,
                    "test",
                    "one score",
                    System.currentTimeMillis(),
                    "register-" + version,
                    file.toUri().toString(),
                    HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(onnx)),
                    "{}"),
                PATIENCE)
            .orElseThrow();
    assertThat(registered.version()).isEqualTo(version);
    promote(log, version, "promote-" + version);
  }

  private static void promote(LifecycleLog log, int version, String key) throws Exception {
    LifecycleEntry promoted =
        log.submit(
                LifecycleEntry.command(
                    MODEL,
                    Command.PROMOTE,
                    version,
                    "test",
                    "a swap",
                    System.currentTimeMillis(),
                    key,
                    "{\"force\": true}"),
                PATIENCE)
            .orElseThrow();
    assertThat(promoted.is(LifecycleEntry.Event.REFUSED)).as(promoted.reason()).isFalse();
  }

  /**
   * Waits until a version serves. Where a restart takes longer than the registry waits for a task,
   * it revokes, and the version is promoted again.
   */
  private static void effective(LifecycleLog log, int version) throws Exception {
    long deadlineNanos = System.nanoTime() + PATIENCE.toNanos();
    long revokedBefore = 0;
    while (count(version, "EFFECTIVE") == 0) {
      assertThat(System.nanoTime())
          .as("version %s takes effect", version)
          .isLessThan(deadlineNanos);
      long revoked = count(version, "REVOKED");
      if (revoked > revokedBefore) {
        revokedBefore = revoked;
        promote(log, version, "again-" + revoked + "-" + version);
      }
      LockSupport.parkNanos(500_000_000);
    }
  }

  private static long count(int version, String state) {
    return records(DEPLOYMENTS).stream()
        .filter(d -> String.valueOf(d.get("state")).equals(state))
        .map(d -> (GenericRecord) d.get("champion"))
        .filter(c -> c != null && (Integer) c.get("version") == version)
        .count();
  }

  private static double score(int version) {
    return 1 / (1 + Math.exp(-leaf(version)));
  }

  private static double leaf(int version) {
    return version / 10.0 - 1;
  }

  /** One tree with one leaf. */
  private static byte[] model(int version) throws IOException {
    String json =
        """
        {"learner": {
          "objective": {"name": "binary:logistic"},
          "learner_model_param": {"num_class": "0", "num_target": "1", "num_feature": "3", "base_score": "5E-1"},
          "gradient_booster": {"name": "gbtree", "model": {"trees": [{
            "tree_param": {"size_leaf_vector": "1"},
            "left_children": [-1], "right_children": [-1], "split_conditions": [%s],
            "split_indices": [0], "default_left": [0]}]}}}}
        """
            .formatted(leaf(version));
    return XgboostToOnnx.convert(
        json.getBytes(StandardCharsets.UTF_8),
        List.of("count_1h", "seconds_mean_1h", "seconds"),
        1);
  }

  /** How many predictions there are, the repeated ones too. */
  private static long written() {
    try (KafkaConsumer<String, byte[]> consumer =
        new KafkaConsumer<>(TopicLog.consumer(target()))) {
      return consumer
          .endOffsets(
              consumer.partitionsFor("swaps.predictions." + MODEL).stream()
                  .map(p -> new TopicPartition(p.topic(), p.partition()))
                  .toList())
          .values()
          .stream()
          .mapToLong(Long::longValue)
          .sum();
    }
  }

  private static Set<String> predicted() {
    Set<String> ids = new HashSet<>();
    records("swaps.predictions." + MODEL).forEach(p -> ids.add(String.valueOf(p.get("event_id"))));
    return ids;
  }

  private static List<GenericRecord> records(String topic) {
    List<GenericRecord> records = new ArrayList<>();
    TopicRecords.each(
        target(),
        topic,
        topic.equals(DEPLOYMENTS) ? Wire.DEPLOYMENT : Wire.PREDICTION,
        records::add);
    return records;
  }

  private static Target target() {
    try {
      return STACK.target();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
