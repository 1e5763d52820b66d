package dev.millrace.e2e;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import dev.millrace.e2e.NaiveMarket.Delivery;
import dev.millrace.e2e.NaiveMarket.Purchase;
import dev.millrace.platform.Target;
import dev.millrace.platform.TopicLog;
import dev.millrace.platform.Warehouse;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.stream.Stream;
import org.apache.avro.Schema;
import org.apache.avro.generic.GenericRecord;
import org.apache.avro.util.Utf8;
import org.apache.iceberg.catalog.TableIdentifier;
import org.apache.iceberg.jdbc.JdbcCatalog;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import redis.clients.jedis.Jedis;

/**
 * A stream, files that come while the job runs, functions of a user's jar, rows of rows and a model
 * that reads them all; the TaskManager is killed, a fifth of the records is out of order. Then
 * every row is what plain loops give, the audit of the predictions says so too, and it finds one
 * row that was tampered with.
 */
@Tag("full")
class MarketITCase {

  private static final Path ROOT = Path.of("..").toAbsolutePath().normalize();
  private static final Path PROJECT = Path.of("src/test/resources/market").toAbsolutePath();
  private static final Path FOLDER = ROOT.resolve("e2e/target/market");
  private static final Path PLUGINS = FOLDER.resolve("plugins");
  private static final Path DELIVERIES = FOLDER.resolve("deliveries");
  private static final Stack STACK =
      new Stack(
          ROOT,
          FOLDER.resolve("stack"),
          4200,
          Map.of(
              "MILLRACE_PLUGINS",
              PLUGINS.toString(),
              "MILLRACE_E2E_DELIVERIES",
              DELIVERIES.toString()));
  private static final String JOB = "millrace-market-feature-pipeline";
  private static final List<String> VIEWS =
      List.of("customer_means", "basket_hours", "shop_baskets", "shop_deliveries");
  private static final List<String> AUDITED =
      List.of("customer_means", "basket_hours", "shop_deliveries");

  private static final int PURCHASES = 12_000;
  private static final long MINUTE = 60_000;
  private static final long HOUR = 60 * MINUTE;
  private static final long DAY = 24 * HOUR;
  private static final long START = Instant.parse("2026-01-01T00:00:00Z").toEpochMilli();

  private final MarketLoad load;
  private long endMillis = START;

  MarketITCase() throws IOException {
    load =
        new MarketLoad(
            DELIVERIES, new Schema.Parser().parse(PROJECT.resolve("delivery.avsc").toFile()));
  }

  @BeforeAll
  static void up() throws Exception {
    STACK.run("down", "--wipe");
    PluginJar.make(
        ROOT.resolve("examples/plugin"), FOLDER.resolve("classes"), PLUGINS.resolve("own.jar"));
    Files.createDirectories(DELIVERIES);
    try (Stream<Path> ofEarlierRun = Files.list(DELIVERIES)) {
      for (Path file : ofEarlierRun.toList()) {
        Files.delete(file);
      }
    }
    STACK.done("up");
  }

  @AfterAll
  static void down() throws Exception {
    STACK.done("down");
  }

  @Test
  void everyRowIsRightAndTheAuditFindsTheOneThatWasTamperedWith() throws Exception {
    Random random = new Random(11);
    // Both are there when the job looks first, so they are one delivery, by event time.
    List<Delivery> first = MarketLoad.some(random, "a", 300, START - 10 * DAY, START);
    List<Delivery> second = MarketLoad.some(random, "b", 300, START - 10 * DAY, START);
    load.deliver("a", first);
    load.deliver("b", second);
    List<Delivery> both = new ArrayList<>(first);
    both.addAll(second);
    load.take(both);
    STACK.done("apply", PROJECT.toString());
    CompletableFuture<Void> sent = CompletableFuture.runAsync(this::send);
    through(PURCHASES / 4);
    delivered();
    deliverOneMore(random, "c", START + DAY);
    through(PURCHASES / 2);
    STACK.kill("flink-taskmanager");
    Stack.await("the job is down", Duration.ofMinutes(1), () -> !STACK.running(JOB));
    Stack.await("the job runs again", Duration.ofMinutes(3), () -> STACK.running(JOB));
    deliverOneMore(random, "d", START + 2 * DAY);
    sent.get();
    Stack.await(
        "all is archived",
        Duration.ofMinutes(5),
        () -> total("events_purchases") == load.purchases().size());
    awaitStill();
    NaiveMarket naive = new NaiveMarket(load.purchases(), load.deliveries());
    for (String view : VIEWS) {
      compareLog(view, naive);
      compareRedis(view, naive);
    }
    theDerivedViewIsRebuilt(naive);
    comparePredictions(naive);
    everySampledRowIsFoundRight();
    aTamperedRowIsFound();
  }

  private void send() {
    Random random = new Random(7);
    long time = START;
    try (KafkaProducer<String, byte[]> producer = TopicLog.producer(target())) {
      List<Purchase> batch = new ArrayList<>();
      for (int i = 0; i < PURCHASES; i++) {
        time += random.nextInt(20_000);
        long at = random.nextInt(5) == 0 ? time - random.nextInt(1_800_000) : time;
        batch.add(
            MarketLoad.purchase(
                "p" + i,
                at,
                "c" + random.nextInt(MarketLoad.CUSTOMERS),
                "s" + random.nextInt(MarketLoad.SHOPS),
                1 + random.nextInt(9_900) / 100.0));
        if (batch.size() == 500) {
          load.send(producer, batch);
          batch.clear();
          int sent = i + 1;
          Stack.await(
              "the job keeps up",
              Duration.ofMinutes(5),
              () -> sent - total("events_purchases") < PURCHASES / 10);
        }
      }
      endMillis = time;
      // In every partition time goes on, so that what waited for it comes.
      for (int c = 0; c < MarketLoad.CUSTOMERS; c++) {
        batch.add(MarketLoad.purchase("q" + c, time + 14 * HOUR + c, "c" + c, "s0", 2));
      }
      load.send(producer, batch);
    } catch (Exception e) {
      throw new IllegalStateException("Cannot send the purchases", e);
    }
  }

  private void deliverOneMore(Random random, String name, long fromMillis) throws Exception {
    List<Delivery> more =
        MarketLoad.some(random, name, 200, fromMillis - 30 * MINUTE, fromMillis + DAY);
    load.deliver(name, more);
    load.take(more);
    delivered();
  }

  private void delivered() {
    Stack.await(
        load.deliveries().size() + " rows of files are archived",
        Duration.ofMinutes(2),
        () -> total("events_deliveries") == load.deliveries().size());
  }

  private void compareLog(String view, NaiveMarket naive) throws IOException {
    Set<String> seen = new HashSet<>();
    Map<String, Set<String>> reached = new HashMap<>();
    List<String> wrong = new ArrayList<>();
    List<String> features = Objects.requireNonNull(NaiveMarket.FEATURES.get(view));
    try (JdbcCatalog catalog = Warehouse.open(target())) {
      WarehouseRows.each(
          catalog.loadTable(TableIdentifier.of("market", "features_" + view)),
          row -> {
            String key = String.valueOf(row.get("entity_key"));
            long t = ((Instant) row.get("_time")).toEpochMilli();
            String source = String.valueOf(row.get("_source"));
            assertThat(seen.add(key + " " + t + " " + source)).as("%s %s twice", key, t).isTrue();
            reached.computeIfAbsent(key, k -> new HashSet<>()).add(source);
            List<@Nullable Double> there = new ArrayList<>();
            features.forEach(f -> there.add(MarketRecords.number(row.get(f))));
            List<@Nullable Double> right = naive.values(view, key, t, source);
            if (!NaiveMarket.same(there, right)) {
              wrong.add(key + " " + t + " " + source + ": " + there + ", right is " + right);
            }
          });
    }
    System.out.println(view + ": compared " + seen.size() + " rows of the log");
    assertThat(wrong).as("rows of %s that are wrong", view).isEmpty();
    for (String key : naive.keys(view)) {
      assertThat(reached.getOrDefault(key, Set.of()))
          .as("rows of %s for %s", view, key)
          .containsAll(naive.sources(view, key, endMillis));
    }
  }

  private void compareRedis(String view, NaiveMarket naive) {
    List<String> features = Objects.requireNonNull(NaiveMarket.FEATURES.get(view));
    String entity = NaiveMarket.entity(view);
    try (Jedis redis = new Jedis("127.0.0.1", STACK.port(6379))) {
      for (String key : naive.keys(view)) {
        Map<String, String> row = redis.hgetAll("features:{" + entity + ":" + key + "}:" + view);
        String source = String.valueOf(row.get("_source"));
        List<@Nullable Double> there = new ArrayList<>();
        features.forEach(f -> there.add(MarketRecords.number(row.get(f))));
        List<@Nullable Double> right =
            naive.values(view, key, Long.parseLong(String.valueOf(row.get("_time"))), source);
        assertThat(NaiveMarket.same(there, right))
            .as("%s of %s at %s: %s, right is %s", view, key, source, there, right)
            .isTrue();
        List<String> sources = naive.sources(view, key, Long.MAX_VALUE);
        List<String> certain = naive.sources(view, key, endMillis);
        // Of a derived view the newest rows still wait for time to pass.
        assertThat(sources.subList(certain.size() - 1, sources.size())).contains(source);
      }
    }
    System.out.println(view + ": compared " + naive.keys(view).size() + " rows of Redis");
  }

  /** From the archive of the source below the view below it. */
  private void theDerivedViewIsRebuilt(NaiveMarket naive) throws Exception {
    try (Jedis redis = new Jedis("127.0.0.1", STACK.port(6379))) {
      for (String shop : naive.keys("shop_baskets")) {
        assertThat(redis.del("features:{shop:" + shop + "}:shop_baskets")).isOne();
      }
    }
    JsonNode rebuilt =
        STACK
            .done(
                "backfill",
                "shop_baskets",
                "--from",
                Instant.ofEpochMilli(START).toString(),
                "--to",
                "now",
                "--to-redis",
                "--json")
            .json();
    System.out.println("rebuilt " + rebuilt);
    assertThat(rebuilt.path("different").asLong()).isZero();
    long same = rebuilt.path("same").asLong();
    assertThat(same).isPositive();
    // Across partitions rows of another interleaving are right and not the stream's.
    assertThat(rebuilt.path("not_logged").asLong()).isLessThan(same / 100);
    compareRedis("shop_baskets", naive);
  }

  /** Each prediction says which rows it got, and what it got is what these rows hold. */
  private void comparePredictions(NaiveMarket naive) {
    Set<String> ids = new HashSet<>();
    Map<String, Integer> compared = new TreeMap<>();
    Map<String, Integer> missing = new TreeMap<>();
    List<String> wrong = new ArrayList<>();
    Map<String, Double> amounts = new HashMap<>();
    load.purchases().forEach(p -> amounts.put(p.id(), p.amount()));
    for (GenericRecord prediction : MarketRecords.predictions(target())) {
      String id = String.valueOf(prediction.get("event_id"));
      ids.add(id);
      // Along the equator a degree is a 360th of the earth's circumference.
      double drive = 2 * Math.PI * 6371.0088 / 360 * Objects.requireNonNull(amounts.get(id));
      Object served = ((Map<?, ?>) prediction.get("inputs")).get(new Utf8("drive"));
      if (!NaiveMarket.same(
          List.of(drive), Collections.singletonList(MarketRecords.number(served)))) {
        wrong.add("drive of " + prediction + ": right is " + drive);
      }
      for (String view : VIEWS) {
        GenericRecord row = MarketRecords.row(prediction, view);
        if (row == null) {
          missing.merge(view, 1, Integer::sum);
          continue;
        }
        compared.merge(view, 1, Integer::sum);
        long time = (Long) row.get("time");
        String source = String.valueOf(row.get("source"));
        List<@Nullable Double> right =
            naive.values(view, MarketRecords.key(prediction, view), time, source);
        if (!NaiveMarket.same(MarketRecords.inputs(prediction, view), right)) {
          wrong.add(view + " of " + prediction + ": right is " + right);
        }
      }
    }
    System.out.println("predictions of " + ids.size() + " events; rows compared " + compared);
    System.out.println("without a row " + missing);
    assertThat(wrong).isEmpty();
    assertThat(ids).hasSize(load.purchases().size());
    assertThat(compared.keySet()).containsAll(VIEWS);
  }

  private void everySampledRowIsFoundRight() {
    Map<String, GenericRecord> sampled = new LinkedHashMap<>();
    MarketRecords.predictions(target()).stream()
        .filter(p -> MarketRecords.isSampled(String.valueOf(p.get("event_id"))))
        .forEach(p -> sampled.put(String.valueOf(p.get("prediction_id")), p));
    assertThat(sampled).isNotEmpty();
    Map<String, Map<String, Integer>> results = new TreeMap<>();
    Stack.await(
        "every sampled row is audited",
        Duration.ofMinutes(10),
        () -> {
          Set<String> done = new HashSet<>();
          results.clear();
          for (GenericRecord audit : MarketRecords.audits(target())) {
            String view = String.valueOf(audit.get("view"));
            done.add(audit.get("prediction_id") + " " + view);
            results
                .computeIfAbsent(view, v -> new TreeMap<>())
                .merge(audit.get("result") + " " + MarketRecords.reason(audit), 1, Integer::sum);
          }
          return sampled.values().stream()
              .allMatch(
                  p ->
                      VIEWS.stream()
                          .filter(v -> MarketRecords.row(p, v) != null)
                          .allMatch(v -> done.contains(p.get("prediction_id") + " " + v)));
        });
    System.out.println("audits of " + sampled.size() + " predictions: " + results);
    AUDITED.forEach(
        view ->
            assertThat(Objects.requireNonNull(results.get(view)).keySet())
                .as("audits of %s", view)
                .containsExactly("MATCH "));
    // What it is computed from is not archived.
    assertThat(Objects.requireNonNull(results.get("shop_baskets")).keySet())
        .containsExactly("UNDECIDABLE NO_ARCHIVE");
  }

  private void aTamperedRowIsFound() throws Exception {
    try (Jedis redis = new Jedis("127.0.0.1", STACK.port(6379))) {
      redis.hset("features:{shop:s1}:shop_deliveries", "weight_sum_7d", "12345.5");
    }
    int n = 0;
    while (!MarketRecords.isSampled("t" + n)) {
      n++;
    }
    String id = "t" + n;
    try (KafkaProducer<String, byte[]> producer = TopicLog.producer(target())) {
      load.send(producer, List.of(MarketLoad.purchase(id, endMillis + 15 * HOUR, "c1", "s1", 3)));
    }
    Map<String, GenericRecord> found = new HashMap<>();
    Stack.await(
        "the tampered row is audited",
        Duration.ofMinutes(4),
        () -> {
          MarketRecords.audits(target()).stream()
              .filter(
                  a ->
                      String.valueOf(a.get("prediction_id")).equals(MarketRecords.predictionId(id)))
              .forEach(a -> found.put(String.valueOf(a.get("view")), a));
          return found.size() == VIEWS.size();
        });
    GenericRecord audit = Objects.requireNonNull(found.remove("shop_deliveries"));
    System.out.println("the audit of the tampered row: " + audit);
    assertThat(String.valueOf(audit.get("result"))).isEqualTo("MISMATCH");
    assertThat(String.valueOf(audit.get("differences")))
        .contains("weight_sum_7d", "12345.5")
        .doesNotContain("count_7d");
    assertThat(found.values())
        .extracting(a -> String.valueOf(a.get("result")))
        .doesNotContain("MISMATCH");
    JsonNode kept =
        Stack.JSON.readTree(Path.of(String.valueOf(audit.get("reproduction"))).toFile());
    assertThat(kept.path("definition").path("view").asText()).isEqualTo("shop_deliveries");
    assertThat(kept.path("differences").path(0).path("served").asDouble()).isEqualTo(12345.5);
    assertThat(kept.path("events")).isNotEmpty();
  }

  private static void through(long records) {
    Stack.await(
        records + " are archived",
        Duration.ofMinutes(8),
        () -> total("events_purchases") >= records);
  }

  private static long total(String table) {
    return WarehouseRows.total(target(), TableIdentifier.of("market", table));
  }

  private static void awaitStill() {
    Stack.awaitStill(() -> VIEWS.stream().mapToLong(v -> total("features_" + v)).sum());
  }

  private static Target target() {
    try {
      return STACK.target();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
