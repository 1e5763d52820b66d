package dev.millrace.e2e;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import dev.millrace.platform.Target;
import dev.millrace.platform.TopicLog;
import dev.millrace.platform.Warehouse;
import java.io.IOException;
import java.math.BigDecimal;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Future;
import org.apache.avro.generic.GenericRecord;
import org.apache.iceberg.catalog.TableIdentifier;
import org.apache.iceberg.jdbc.JdbcCatalog;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import redis.clients.jedis.Jedis;

/**
 * Exact windows of an hour and tiled windows of thirty days, with a fifth of the records out of
 * order, while the parallelism goes from two to four and back and the TaskManager is killed at each
 * of the three.
 */
@Tag("full")
class RescaleITCase {

  private static final Path ROOT = Path.of("..").toAbsolutePath().normalize();
  private static final Path PROJECT = Path.of("src/test/resources/meters").toAbsolutePath();
  private static final Stack STACK =
      new Stack(ROOT, ROOT.resolve("e2e/target/rescale/stack"), 3600);
  private static final String JOB = "millrace-meters-feature-pipeline";
  private static final String TOPIC = "meter_readings";

  private static final int RECORDS = 60_000;
  private static final int METERS = 40;
  private static final long HOUR = 3_600_000;
  private static final long MONTH = 30 * 24 * HOUR;

  /** The highest power of two not above a 64th of thirty days, as the documentation says. */
  private static final long HOP = 1L << 25;

  private static final long START = Instant.parse("2026-01-01T00:00:00Z").toEpochMilli();

  /** A record as the broker took it. */
  private record Reading(int partition, long offset, long time, String meter, double value) {}

  private final List<Reading> readings = new ArrayList<>();

  @BeforeAll
  static void up() throws Exception {
    STACK.run("down", "--wipe");
    STACK.done("up");
    STACK.done("apply", PROJECT.toString());
  }

  @AfterAll
  static void down() throws Exception {
    STACK.done("down");
  }

  @Test
  void rowsAreRightThroughKillsAndTwoToFourToTwo() throws Exception {
    try (RedisWatch watch = new RedisWatch(STACK.port(6379))) {
      CompletableFuture<Void> sent = CompletableFuture.runAsync(this::send);
      through(RECORDS / 6);
      killed();
      through(RECORDS / 3);
      STACK.done("apply", PROJECT.toString(), "--parallelism", "4");
      assertThat(parallelism()).isEqualTo(4);
      through(RECORDS / 2);
      killed();
      through(RECORDS * 2 / 3);
      STACK.done("apply", PROJECT.toString(), "--parallelism", "2");
      assertThat(parallelism()).isEqualTo(2);
      through(RECORDS * 5 / 6);
      killed();
      sent.get();
      Stack.await("all is archived", Duration.ofMinutes(5), () -> archived() == RECORDS);
      awaitStill();
      System.out.println("writes that MONITOR showed: " + watch.writes());
      assertThat(watch.stepsBack()).as("rows that stepped back").isEmpty();
    }
    Map<String, List<Reading>> byMeter = new HashMap<>();
    readings.forEach(r -> byMeter.computeIfAbsent(r.meter, m -> new ArrayList<>()).add(r));
    for (String view : List.of("meter_hours", "meter_months")) {
      compareLog(view, byMeter);
      compareRedis(view, byMeter);
    }
  }

  /** Forty days of readings, as fast as the job takes them but not much ahead of it. */
  private void send() {
    Random random = new Random(5);
    long time = START;
    try (KafkaProducer<String, byte[]> producer = TopicLog.producer(target())) {
      List<Future<RecordMetadata>> batch = new ArrayList<>();
      List<Reading> unplaced = new ArrayList<>();
      for (int i = 0; i < RECORDS; i++) {
        time += random.nextInt(115_000);
        long at = random.nextInt(5) == 0 ? time - random.nextInt(1_800_000) : time;
        String meter = "m" + random.nextInt(METERS);
        double value = random.nextInt(100_000) / 1000.0 - 50;
        String json =
            String.format(
                Locale.ROOT,
                "{\"id\":\"r%d\",\"at\":%d,\"meter\":\"%s\",\"value\":%s}",
                i,
                at,
                meter,
                value);
        batch.add(
            producer.send(
                new ProducerRecord<>(TOPIC, meter, json.getBytes(StandardCharsets.UTF_8))));
        unplaced.add(new Reading(0, 0, at, meter, value));
        if (batch.size() == 500) {
          for (int b = 0; b < batch.size(); b++) {
            RecordMetadata place = batch.get(b).get();
            Reading r = unplaced.get(b);
            readings.add(new Reading(place.partition(), place.offset(), r.time, r.meter, r.value));
          }
          batch.clear();
          unplaced.clear();
          int sent = i + 1;
          Stack.await(
              "the job keeps up", Duration.ofMinutes(5), () -> sent - archived() < RECORDS / 20);
        }
      }
    } catch (Exception e) {
      throw new IllegalStateException("Cannot send the readings", e);
    }
  }

  private static void through(long records) {
    Stack.await(records + " are archived", Duration.ofMinutes(8), () -> archived() >= records);
  }

  private static void killed() throws Exception {
    STACK.kill("flink-taskmanager");
    Stack.await("the job is down", Duration.ofMinutes(1), () -> !STACK.running(JOB));
    Stack.await("the job runs again", Duration.ofMinutes(3), () -> STACK.running(JOB));
  }

  private static int parallelism() throws Exception {
    for (JsonNode job : STACK.flink("/jobs/overview").path("jobs")) {
      if (job.path("name").asText().equals(JOB) && job.path("state").asText().equals("RUNNING")) {
        for (JsonNode vertex : STACK.flink("/jobs/" + job.path("jid").asText()).path("vertices")) {
          if (vertex.path("name").asText().startsWith("rows meter_hours")) {
            return vertex.path("parallelism").asInt();
          }
        }
      }
    }
    return 0;
  }

  private void compareLog(String view, Map<String, List<Reading>> byMeter) throws IOException {
    Set<String> seen = new HashSet<>();
    Set<String> reached = new HashSet<>();
    List<String> wrong = new ArrayList<>();
    try (JdbcCatalog catalog = Warehouse.open(target())) {
      WarehouseRows.each(
          catalog.loadTable(TableIdentifier.of("meters", "features_" + view)),
          row -> {
            String meter = String.valueOf(row.get("entity_key"));
            long t = ((Instant) row.get("_time")).toEpochMilli();
            String source = String.valueOf(row.get("_source"));
            assertThat(seen.add(meter + t + source)).as("%s %s twice", meter, source).isTrue();
            reached.add(source);
            List<String> there = values(row);
            List<String> right = naive(view, Objects.requireNonNull(byMeter.get(meter)), t, source);
            if (!there.equals(right)) {
              wrong.add(meter + " " + t + " " + source + ": " + there + ", right is " + right);
            }
          });
    }
    System.out.println(view + ": compared " + seen.size() + " rows of the log");
    assertThat(wrong).isEmpty();
    assertThat(seen).hasSizeGreaterThan(RECORDS);
    assertThat(readings)
        .as("each event has a row that ends with it")
        .allMatch(r -> reached.contains(r.partition + ":" + r.offset));
  }

  private void compareRedis(String view, Map<String, List<Reading>> byMeter) throws IOException {
    try (Jedis redis = new Jedis("127.0.0.1", STACK.port(6379))) {
      byMeter.forEach(
          (meter, of) -> {
            Map<String, String> row = redis.hgetAll("features:{meter:" + meter + "}:" + view);
            String source = row.get("_source");
            List<String> there = new ArrayList<>();
            for (String suffix : suffixes(view)) {
              String value = row.get(suffix);
              there.add(
                  value == null ? "null" : new BigDecimal(value).stripTrailingZeros().toString());
            }
            assertThat(there)
                .as("%s of %s", view, meter)
                .isEqualTo(
                    naive(view, of, Long.parseLong(row.get("_time")), String.valueOf(source)));
            long last = of.stream().mapToLong(Reading::offset).max().orElseThrow();
            assertThat(source).endsWith(":" + last);
          });
    }
    System.out.println(view + ": compared " + byMeter.size() + " rows of Redis");
  }

  private static List<String> suffixes(String view) {
    String window = view.equals("meter_hours") ? "1h" : "30d";
    return List.of("count_" + window, "value_sum_" + window, "value_max_" + window);
  }

  private static List<String> values(GenericRecord row) {
    List<String> values = new ArrayList<>();
    for (String name :
        suffixes(row.getSchema().getField("count_1h") == null ? "" : "meter_hours")) {
      Object value = row.get(name);
      values.add(
          value == null
              ? "null"
              : new BigDecimal(String.valueOf(value)).stripTrailingZeros().toString());
    }
    return values;
  }

  /** Count, sum and greatest, by plain loops over all readings of the meter. */
  private static List<String> naive(String view, List<Reading> of, long t, String source) {
    // A meter's records have one key, so they are in one partition.
    long offset = Long.parseLong(source.substring(source.indexOf(':') + 1));
    long count = 0;
    BigDecimal sum = BigDecimal.ZERO;
    double most = Double.NEGATIVE_INFINITY;
    for (Reading r : of) {
      boolean inside =
          view.equals("meter_hours")
              ? r.time > t - HOUR
              : Math.floorDiv(r.time, HOP) >= Math.floorDiv(t - MONTH + 1, HOP);
      if (inside && r.time <= t && r.offset <= offset) {
        count++;
        sum = sum.add(new BigDecimal(r.value));
        most = Math.max(most, r.value);
      }
    }
    return count == 0
        ? List.of("0", "null", "null")
        : List.of(
            new BigDecimal(String.valueOf(count)).stripTrailingZeros().toString(),
            new BigDecimal(String.valueOf(sum.doubleValue())).stripTrailingZeros().toString(),
            new BigDecimal(String.valueOf(most)).stripTrailingZeros().toString());
  }

  private static long archived() {
    return total("events_" + TOPIC);
  }

  private static long total(String table) {
    try {
      return WarehouseRows.total(target(), TableIdentifier.of("meters", table));
    } catch (IOException e) {
      throw new IllegalStateException(e);
    }
  }

  private static void awaitStill() {
    Stack.awaitStill(() -> total("features_meter_hours") + total("features_meter_months"));
  }

  private static Target target() throws IOException {
    return STACK.target();
  }
}
