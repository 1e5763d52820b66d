package dev.millrace.e2e;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import dev.millrace.platform.Target;
import dev.millrace.platform.Warehouse;
import dev.millrace.schemas.Wire;
import dev.millrace.testing.NaiveFlights;
import dev.millrace.testing.RowComparison;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.apache.avro.generic.GenericRecord;
import org.apache.iceberg.catalog.TableIdentifier;
import org.apache.iceberg.jdbc.JdbcCatalog;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import redis.clients.jedis.Jedis;
import redis.clients.jedis.params.ScanParams;
import redis.clients.jedis.resps.ScanResult;

/**
 * A view of the flights example changes while a champion pins it: both definitions are served, the
 * new one right from its first row, each version gets the values it was trained on, and after the
 * promotion of a successor the new one has the view's own keys.
 */
@Tag("full")
class ChangedViewITCase {

  private static final Path ROOT = Path.of("..").toAbsolutePath().normalize();
  private static final Path EXAMPLE = ROOT.resolve("examples/flights");
  private static final Path WORK = ROOT.resolve("e2e/target/changed");
  private static final Path PROJECT = WORK.resolve("flights");
  private static final Stack STACK = new Stack(ROOT, WORK.resolve("stack"), 4200);
  private static final String VIEW = "route_delays";
  private static final String PIPELINE = "millrace-flights-feature-pipeline";
  private static final Set<String> OLD =
      Set.of("delay_mean_6h", "delay_mean_24h", "delay_max_24h", "delay_last");
  private static final Set<String> NEW =
      Set.of("count_12h", "delay_mean_6h", "delay_mean_48h", "delay_max_24h", "delay_last");

  private long arrivals;
  private long departures;

  @BeforeAll
  static void up() throws Exception {
    STACK.run("down", "--wipe");
    Files.createDirectories(PROJECT.resolve("data"));
    Files.createDirectories(PROJECT.resolve("schemas"));
    for (String file :
        List.of(
            "schemas/departure.avsc",
            "schemas/arrival.avsc",
            "data/flights-week-01.parquet",
            "data/flights-week-02.parquet")) {
      Files.copy(EXAMPLE.resolve(file), PROJECT.resolve(file), StandardCopyOption.REPLACE_EXISTING);
    }
    write("window: 3d, validation: 12h, holdout: 12h", "windows: [6h, 24h]", "");
    STACK.done("up");
    STACK.done("apply", PROJECT.toString());
  }

  @AfterAll
  static void down() throws Exception {
    STACK.done("down");
  }

  /** The example with a shorter training, and the view as it is said here. */
  private static void write(String training, String means, String count) throws IOException {
    String yaml = Files.readString(EXAMPLE.resolve("millrace.yaml"));
    String changed =
        yaml.replace("window: 14d, validation: 2d, holdout: 3d", training)
            .replace(
                "      - {function: mean, column: delay, windows: [6h, 24h]}",
                count + "      - {function: mean, column: delay, " + means + "}");
    assertThat(changed).isNotEqualTo(yaml);
    Files.writeString(PROJECT.resolve("millrace.yaml"), changed);
  }

  @Test
  void bothDefinitionsAreServedUntilASuccessorTakesOver() throws Exception {
    play("2001-01-01T00:00:00Z", "2001-01-05T00:00:00Z", 6_000);
    String first = train("2001-01-05T00:00:00Z", "1");
    play("2001-01-05T00:00:00Z", "2001-01-05T04:00:00Z", 600);

    write(
        "window: 3d, validation: 12h, holdout: 12h",
        "windows: [6h, 48h]",
        "      - {function: count, windows: [12h]}\n");
    Process live = start("2001-01-05T04:00:00Z", "2001-01-05T10:00:00Z", 200);
    long beganNanos = System.nanoTime();
    String applied = STACK.done("apply", PROJECT.toString()).out();
    System.out.printf("applied in %.1f s:%n%s%n", (System.nanoTime() - beganNanos) / 1e9, applied);
    assertThat(applied).contains("goes on, pinned by version 1 of model delay_risk");
    finish(live);
    Map<String, Set<String>> ids = compareRedis();
    assertThat(ids.get(VIEW)).hasSize(1);
    String oldId = ids.getOrDefault(VIEW, Set.of()).iterator().next();
    String key = ids.keySet().stream().filter(k -> k.contains("@")).findFirst().orElseThrow();
    String newId = key.substring(key.indexOf('@') + 1);
    assertThat(ids.get(key)).containsExactly(newId);
    assertThat(keys(key)).as("entities of the new definition").isEqualTo(keys(VIEW));
    comparePredictions(oldId, newId);

    String second = train("2001-01-05T10:00:00Z", "2");
    assertThat(second).isNotEqualTo(first);
    play("2001-01-05T10:00:00Z", "2001-01-05T12:00:00Z", 600);
    Map<Integer, Set<String>> served = comparePredictions(oldId, newId);
    assertThat(served).isEqualTo(Map.of(1, Set.of(oldId), 2, Set.of(newId)));

    String released = STACK.done("apply", PROJECT.toString()).out();
    System.out.println(released);
    assertThat(released)
        .contains(
            "definition " + oldId + " ends",
            "definition " + newId + " have the keys features:{…}:" + VIEW + " now");
    play("2001-01-05T12:00:00Z", "2001-01-05T14:00:00Z", 600);
    assertThat(compareRedis().get(VIEW)).containsExactly(newId);
    assertThat(keys("*@*")).isEmpty();
    assertThat(comparePredictions(oldId, newId)).isEqualTo(served);
    compareLog(oldId, newId);
    JsonNode again =
        STACK
            .done("backfill", VIEW, "--from", "2001-01-01T00:00:00Z", "--to", "now", "--json")
            .json();
    System.out.println("computed again: " + again);
    assertThat(again.path("different").asLong()).isZero();
  }

  private String train(String asOf, String version) throws Exception {
    JsonNode trained =
        STACK
            .done("train", "delay_risk", "--as-of", asOf, "--project", PROJECT.toString(), "--json")
            .json();
    assertThat(trained.path("version").asText()).isEqualTo(version);
    STACK.done("models", "promote", "delay_risk", version, "--force", "--reason", "a test");
    return trained.path("sha256").asText();
  }

  private void play(String from, String to, int speed) throws Exception {
    finish(start(from, to, speed));
  }

  private static Process start(String from, String to, int speed) throws IOException {
    return STACK.start(
        "produce",
        "--all",
        PROJECT.toString(),
        "--from",
        from,
        "--to",
        to,
        "--speed",
        String.valueOf(speed),
        "--json");
  }

  /** Waits until all events that were played are archived, and scored. */
  private void finish(Process load) throws Exception {
    JsonNode counts = Stack.JSON.readTree(load.getInputStream().readAllBytes());
    assertThat(load.waitFor()).isZero();
    arrivals += counts.path("by_source").path("arrivals").asLong();
    departures += counts.path("by_source").path("departures").asLong();
    Stack.await(
        "everything is archived",
        Duration.ofMinutes(4),
        () -> total("events_arrivals") == arrivals && total("events_departures") == departures);
    Stack.await(
        "everything is scored",
        Duration.ofMinutes(2),
        () -> total("predictions_delay_risk") >= departures);
    assertThat(STACK.running(PIPELINE)).isTrue();
  }

  private static Set<String> keys(String key) {
    Set<String> entities = new TreeSet<>();
    try (Jedis redis = new Jedis("127.0.0.1", STACK.port(6379))) {
      String cursor = ScanParams.SCAN_POINTER_START;
      do {
        ScanResult<String> page =
            redis.scan(cursor, new ScanParams().match("features:{*}:" + key).count(1_000));
        page.getResult().forEach(k -> entities.add(k.substring(0, k.indexOf("}:"))));
        cursor = page.getCursor();
      } while (!cursor.equals(ScanParams.SCAN_POINTER_START));
    }
    return entities;
  }

  /** Compares every row of the view; gives the definition ids by the last part of their keys. */
  private static Map<String, Set<String>> compareRedis() throws IOException {
    RowComparison comparison = new RowComparison(naive());
    Map<String, Set<String>> ids = new TreeMap<>();
    try (Jedis redis = new Jedis("127.0.0.1", STACK.port(6379))) {
      for (String entity : keys(VIEW + "*")) {
        String cursor = ScanParams.SCAN_POINTER_START;
        do {
          ScanResult<String> page =
              redis.scan(cursor, new ScanParams().match(entity + "}:" + VIEW + "*").count(100_000));
          for (String key : page.getResult()) {
            Map<String, String> row = redis.hgetAll(key);
            String version = row.getOrDefault("_version", "");
            String last = key.substring(key.indexOf("}:") + 2);
            ids.computeIfAbsent(last, k -> new TreeSet<>())
                .add(version.substring(version.indexOf('-') + 1));
            Map<String, @Nullable Object> values = new LinkedHashMap<>();
            (row.containsKey("count_12h") ? NEW : OLD).forEach(f -> values.put(f, row.get(f)));
            comparison.row(
                VIEW,
                entity.substring(entity.lastIndexOf(':') + 1),
                Long.parseLong(row.getOrDefault("_time", "")),
                row.getOrDefault("_source", ""),
                values);
          }
          cursor = page.getCursor();
        } while (!cursor.equals(ScanParams.SCAN_POINTER_START));
      }
    }
    System.out.printf(
        "Redis: compared %d values in %d rows, definitions %s%n",
        comparison.values(), comparison.rows(), ids);
    assertThat(comparison.mismatches()).isEmpty();
    return ids;
  }

  /** The log of each definition: no row twice, each as recomputed, from the first day on. */
  private static void compareLog(String oldId, String newId) throws IOException {
    NaiveFlights naive = naive();
    Map<String, RowComparison> comparisons = new HashMap<>();
    Map<String, Long> first = new HashMap<>();
    try (JdbcCatalog catalog = Warehouse.open(target())) {
      WarehouseRows.each(
          catalog.loadTable(TableIdentifier.of("flights", "features_" + VIEW)),
          row -> {
            String version = String.valueOf(row.get("_version"));
            String id = version.substring(version.indexOf('-') + 1);
            Map<String, @Nullable Object> values = new LinkedHashMap<>();
            (id.equals(newId) ? NEW : OLD)
                .forEach(f -> values.put(f, row.hasField(f) ? row.get(f) : null));
            long time = ((Instant) row.get("_time")).toEpochMilli();
            first.merge(id, time, Math::min);
            comparisons
                .computeIfAbsent(id, k -> new RowComparison(naive))
                .logged(
                    VIEW,
                    String.valueOf(row.get("entity_key")),
                    time,
                    String.valueOf(row.get("_source")),
                    values);
          });
    }
    assertThat(comparisons.keySet()).containsExactlyInAnyOrder(oldId, newId);
    comparisons.forEach(
        (id, comparison) -> {
          System.out.printf(
              "log of %s: compared %d values in %d rows, the first %s%n",
              id,
              comparison.values(),
              comparison.rows(),
              Instant.ofEpochMilli(first.getOrDefault(id, 0L)));
          assertThat(comparison.mismatches()).isEmpty();
          assertThat(comparison.repeated()).isZero();
        });
    assertThat(first.get(newId))
        .as("history begins where the old one's does")
        .isEqualTo(first.get(oldId));
  }

  /**
   * Recomputes the inputs of every prediction that a version made from its view's row.
   *
   * @return the definition ids of the view that each version was served
   */
  private static Map<Integer, Set<String>> comparePredictions(String oldId, String newId)
      throws IOException {
    RowComparison comparison = new RowComparison(naive());
    Map<Integer, Set<String>> served = new TreeMap<>();
    Set<String> seen = new HashSet<>();
    List<String> wrong = new ArrayList<>();
    TopicRecords.each(
        target(),
        "flights.predictions.delay_risk",
        Wire.PREDICTION,
        prediction -> {
          int version = (Integer) prediction.get("version");
          GenericRecord row = rowOf(prediction);
          if (version == 0
              || row == null
              || !seen.add(String.valueOf(prediction.get("prediction_id")))) {
            return;
          }
          String definition = String.valueOf(row.get("version"));
          String id = definition.substring(definition.indexOf('-') + 1);
          served.computeIfAbsent(version, v -> new TreeSet<>()).add(id);
          Map<String, @Nullable Object> values = new LinkedHashMap<>();
          Map<String, @Nullable Object> inputs = inputs(prediction);
          for (String feature : id.equals(newId) ? NEW : OLD) {
            String name = inputs.containsKey(VIEW + "_" + feature) ? VIEW + "_" + feature : feature;
            if (!inputs.containsKey(name)) {
              wrong.add("version " + version + " has no input " + feature);
            }
            values.put(feature, inputs.get(name));
          }
          if (id.equals(oldId) == inputs.containsKey("count_12h")) {
            wrong.add("version " + version + " was served " + id + " with " + inputs.keySet());
          }
          comparison.row(
              VIEW,
              String.valueOf(
                  ((Map<?, ?>) prediction.get("entity_keys")).get(key("route", prediction))),
              ((Long) row.get("time")),
              String.valueOf(row.get("source")),
              values);
        });
    System.out.printf(
        "predictions: compared %d inputs of %d rows; definitions by version %s%n",
        comparison.values(), comparison.rows(), served);
    assertThat(wrong.stream().distinct().limit(5).toList()).isEmpty();
    assertThat(comparison.mismatches()).isEmpty();
    return served;
  }

  private static Object key(String name, GenericRecord prediction) {
    return ((Map<?, ?>) prediction.get("entity_keys"))
        .keySet().stream().filter(k -> k.toString().equals(name)).findFirst().orElseThrow();
  }

  private static @Nullable GenericRecord rowOf(GenericRecord prediction) {
    Object rows = prediction.get("rows");
    if (rows instanceof Map<?, ?> map) {
      for (Map.Entry<?, ?> entry : map.entrySet()) {
        if (entry.getKey().toString().equals(VIEW)) {
          return (GenericRecord) entry.getValue();
        }
      }
    }
    return null;
  }

  private static Map<String, @Nullable Object> inputs(GenericRecord prediction) {
    Map<String, @Nullable Object> inputs = new HashMap<>();
    ((Map<?, ?>) prediction.get("inputs")).forEach((k, v) -> inputs.put(k.toString(), v));
    return inputs;
  }

  private static NaiveFlights naive() throws IOException {
    Map<Long, FlightFiles.Place> places = new HashMap<>();
    try (JdbcCatalog catalog = Warehouse.open(target())) {
      WarehouseRows.each(
          catalog.loadTable(TableIdentifier.of("flights", "events_arrivals")),
          row ->
              places.put(
                  (Long) row.get("flight_id"),
                  new FlightFiles.Place(
                      (Integer) row.get("_partition"), (Long) row.get("_offset"))));
    }
    try (Stream<Path> files = Files.list(PROJECT.resolve("data"))) {
      return new NaiveFlights(FlightFiles.arrivals(files.sorted().toList(), places));
    }
  }

  private static long total(String table) {
    try {
      return WarehouseRows.total(target(), TableIdentifier.of("flights", table));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static Target target() throws IOException {
    return STACK.target();
  }
}
