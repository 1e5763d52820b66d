package dev.millrace.pipeline;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.millrace.core.definition.Definitions;
import dev.millrace.core.definition.FeatureView;
import dev.millrace.core.definition.Project;
import dev.millrace.core.definition.Source;
import dev.millrace.pipeline.training.LogRow;
import dev.millrace.platform.ArchiveBegin;
import dev.millrace.platform.DefinitionsLog.ViewIdentity;
import dev.millrace.platform.RunningViews;
import dev.millrace.platform.Target;
import dev.millrace.platform.Warehouse;
import dev.millrace.streaming.Event;
import dev.millrace.streaming.Inbound;
import dev.millrace.streaming.StrictEnvironment;
import dev.millrace.streaming.WarehouseTables;
import java.nio.file.Path;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import org.apache.flink.api.common.JobExecutionResult;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.configuration.RestartStrategyOptions;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.util.CloseableIterator;
import org.apache.iceberg.catalog.TableIdentifier;
import org.apache.iceberg.data.IcebergGenerics;
import org.apache.iceberg.data.Record;
import org.apache.iceberg.io.CloseableIterable;
import org.apache.iceberg.jdbc.JdbcCatalog;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The same events through the stream and through a backfill of its archive. */
class BackfillITCase {

  private static final long START = Instant.parse("2026-03-01T00:00:00Z").toEpochMilli();
  private static final long SECOND = 1_000;
  private static final long MINUTE = 60 * SECOND;
  private static final long HOUR = 60 * MINUTE;
  private static final long LATER = START + 365 * 24 * HOUR;
  private static final int EVENTS = 800;
  private static final long OUT_OF_ORDER = 10 * MINUTE;
  private static final long LATENESS = 20 * MINUTE;
  private static final long DEDUP = 5 * MINUTE;

  private static final Map<String, String> FILES =
      Map.of(
          "millrace.yaml",
          """
          project: shop
          sources:
            - {name: payments, schema: payment.avsc, event-id: id, event-time: at,
               max-out-of-orderness: 10m, dedup-window: 5m}
          entities:
            - {name: card, keys: [card]}
          feature-views:
            - name: cards
              entity: card
              source: payments
              filter: "amount >= 0.0"
              allowed-lateness: 20m
              ttl: 60d
              aggregations:
                - {function: count, windows: [10m, 1h]}
                - {function: sum, column: amount, windows: [1h]}
                - {function: last_k, column: shop, k: 3, windows: [1h]}
                - {function: approx_count_distinct, column: shop, windows: [1h]}
            - name: tiled_cards
              entity: card
              source: payments
              accuracy: tiled
              ttl: 60d
              aggregations:
                - {function: mean, column: amount, windows: [6h], by: shop}
            - name: lifetimes
              entity: card
              source: payments
              aggregations:
                - {function: last, column: amount}
                - {function: max, column: amount, windows: [2h]}
          """,
          "payment.avsc",
          """
          {"type": "record", "name": "Payment", "fields": [
            {"name": "id", "type": "string"},
            {"name": "at", "type": {"type": "long", "logicalType": "timestamp-millis"}},
            {"name": "card", "type": ["null", "string"], "default": null},
            {"name": "shop", "type": "string"},
            {"name": "amount", "type": "double"}]}
          """);

  /** A payment as it was produced, in the order of arrival. */
  private record Payment(
      int partition,
      long offset,
      String id,
      long time,
      @Nullable String card,
      String shop,
      double amount) {}

  private final Target target;
  private final Project project;
  private final List<Payment> payments = new ArrayList<>();
  private int runs;

  BackfillITCase(@TempDir Path dir) throws Exception {
    target =
        new Target(
            "127.0.0.1:1",
            "http://127.0.0.1:1",
            "127.0.0.1:1",
            "http://127.0.0.1:1",
            null,
            dir.resolve("warehouse").toUri().toString(),
            "jdbc:sqlite:" + dir.resolve("catalog.db") + "?busy_timeout=30000",
            dir.resolve("artifacts").toUri().toString());
    project = Definitions.read(FILES);
  }

  @Test
  void inOrderStreamAndBackfillGiveTheSameRows() throws Exception {
    produce(new Random(11), false);
    whole();
    stream();
    long until = watermark();
    for (String view : List.of("cards", "tiled_cards", "lifetimes")) {
      Set<List<Object>> streamed = log(view, START, until);
      assertThat(streamed).hasSizeGreaterThan(EVENTS);
      // Over a log that has all of it.
      Map<String, Object> compared = backfill(view, START, until);
      assertThat(compared).containsEntry("same", (long) streamed.size());
      assertThat(compared).containsEntry("appended", 0L).containsEntry("different", 0L);
      assertThat(compared).containsEntry("notLogged", 0L);

      drop(view);
      if (view.equals("cards")) {
        long middle = START + 15 * HOUR;
        assertThat(backfill(view, middle, until)).containsEntry("different", 0L);
        assertThat(log(view, 0, Long.MAX_VALUE)).isEqualTo(log(streamed, middle));
      }
      // What comes before is added, and nothing twice.
      assertThat(backfill(view, START, until)).containsEntry("different", 0L);
      assertThat(log(view, 0, Long.MAX_VALUE)).isEqualTo(streamed);
    }
    assertThat(backfill("cards", START, LATER)).containsEntry("appended", 0L);
  }

  @Test
  void aBackfilledRowHoldsWhatItsTimeAndPositionsSay() throws Exception {
    produce(new Random(12), true);
    whole();
    stream();
    drop("cards");
    Map<String, Object> counts = backfill("cards", START, LATER);
    assertThat((Long) counts.get("late")).isPositive();
    assertThat((Long) counts.get("filtered")).isPositive();
    assertThat((Long) counts.get("keyless")).isPositive();
    assertThat(counts).containsEntry("events", (long) EVENTS);
    Set<List<Object>> rows = log("cards", 0, Long.MAX_VALUE);
    assertThat(rows).hasSizeGreaterThan(EVENTS / 2);
    Map<String, List<Payment>> accepted = accepted();
    int wrong = 0;
    for (List<Object> row : rows) {
      if (!naive(accepted.getOrDefault((String) row.get(0), List.of()), row)
          .equals(row.subList(3, 7))) {
        wrong++;
      }
    }
    assertThat(wrong).isZero();
    // After each accepted event there is a row that includes it.
    Set<String> reached = new HashSet<>();
    for (List<Object> row : rows) {
      for (String place : ((String) row.get(2)).split(",", -1)) {
        reached.add(row.get(0) + " " + place);
      }
    }
    accepted.forEach(
        (card, of) ->
            of.forEach(
                p -> assertThat(reached).contains(card + " " + p.partition + ":" + p.offset)));
  }

  @Test
  void correctedRowsHoldAllThatIsKnownOfTheirTime() throws Exception {
    produce(new Random(14), true);
    whole();
    stream();
    StreamExecutionEnvironment env = environment();
    StrictEnvironment.batch(env);
    List<LogRow> rows = new ArrayList<>();
    try (WarehouseTables tables = WarehouseTables.newest(target);
        CloseableIterator<LogRow> found =
            ArchiveCorrections.rows(
                    env,
                    tables,
                    project,
                    view("cards"),
                    List.of("count_10m", "count_1h", "amount_sum_1h", "shop_last_k_1h"),
                    Long.MIN_VALUE,
                    Long.MAX_VALUE,
                    "log")
                .executeAndCollect()) {
      found.forEachRemaining(rows::add);
    }
    Map<String, TreeMap<Long, LogRow>> newest = new HashMap<>();
    for (LogRow row : rows) {
      newest
          .computeIfAbsent(row.entityKey(), k -> new TreeMap<>())
          .merge(row.timeMillis(), row, (a, b) -> LogRow.WRITTEN.compare(a, b) > 0 ? a : b);
    }
    int seen = 0;
    for (Map.Entry<String, List<Payment>> of : accepted().entrySet()) {
      for (Payment p : of.getValue()) {
        LogRow row = Objects.requireNonNull(newest.get(of.getKey())).floorEntry(p.time).getValue();
        List<Object> all = List.of(of.getKey(), p.time, "0:99999,1:99999");
        List<Object> texts = new ArrayList<>();
        for (Object value : row.values()) {
          texts.add(String.valueOf(value).replace("\"", "").replace(",", ", "));
        }
        assertThat(texts).isEqualTo(naive(of.getValue(), all));
        seen++;
      }
    }
    assertThat(seen).isGreaterThan(EVENTS / 2);
  }

  @Test
  void anArchiveThatBeginsTooLateIsRefused() throws Exception {
    produce(new Random(13), false);
    stream();
    long first = payments.stream().mapToLong(Payment::time).min().orElseThrow();
    assertThatThrownBy(() -> backfill("cards", first, LATER))
        .hasMessageContaining("Cannot compute view cards from")
        .hasMessageContaining("the archive of payments begins at");
    assertThatThrownBy(() -> backfill("lifetimes", first + 10 * HOUR, LATER))
        .hasMessageContaining("a feature without a window");
    assertThat(backfill("cards", first + 3 * HOUR, LATER)).containsEntry("different", 0L);
  }

  private void produce(Random random, boolean unordered) {
    long[] offsets = new long[2];
    long time = START;
    for (int i = 0; i < EVENTS; i++) {
      time += 1 + random.nextInt((int) (5 * MINUTE));
      int card = random.nextInt(10);
      // In order, a card keeps to one partition, as records with its key would.
      int partition = unordered ? random.nextInt(2) : card % 2;
      long at = time;
      if (unordered && random.nextInt(5) == 0) {
        at = time - random.nextInt((int) (OUT_OF_ORDER + LATENESS) * 5 / 4);
      }
      if (unordered && i > 20 && random.nextInt(10) == 0) {
        // Sent again by a producer that had no answer.
        Payment before = payments.get(i - 1 - random.nextInt(15));
        payments.add(
            new Payment(
                before.partition,
                offsets[before.partition]++,
                before.id,
                before.time,
                before.card,
                before.shop,
                before.amount));
        continue;
      }
      payments.add(
          new Payment(
              partition,
              offsets[partition]++,
              "p" + i,
              at,
              random.nextInt(50) == 0 ? null : "c" + card,
              "s" + random.nextInt(6),
              (random.nextInt(1100) - 100) / 10.0));
    }
  }

  private void whole() {
    Source source = source();
    try (JdbcCatalog catalog = Warehouse.open(target)) {
      ArchiveBegin.note(
          Warehouse.ensure(
              catalog,
              Warehouse.events("shop", "payments"),
              Warehouse.eventsSchema(source),
              source.eventTime()),
          Map.of(0, 0L, 1, 0L));
    }
  }

  private void stream() throws Exception {
    Inbound[] inbound = new Inbound[payments.size()];
    for (int i = 0; i < inbound.length; i++) {
      Payment p = payments.get(i);
      Object[] values = {p.id, p.time, p.card, p.shop, p.amount};
      inbound[i] =
          new Inbound(
              new Event(p.partition, p.offset, p.time, p.time, p.id, values, null, null), null);
    }
    // One reader, so that each partition is judged in its order as from Kafka.
    StreamExecutionEnvironment env = environment().setParallelism(1);
    FeaturePipelineJob.define(env, project, TableEnds.of(target, "shop", inbound));
    env.execute("stream");
  }

  private Map<String, Object> backfill(String name, long from, long to) throws Exception {
    FeatureView view = view(name);
    StreamExecutionEnvironment env = environment();
    new BackfillGraph(
            env,
            target,
            project,
            RunningViews.only(project, Map.of(name, new ViewIdentity(7, view.id()))).current(name))
        .define(new BackfillRequest(name, from, to, false));
    JobExecutionResult result = env.execute("backfill " + runs++);
    return result.getAllAccumulatorResults();
  }

  private static StreamExecutionEnvironment environment() {
    Configuration conf = new Configuration();
    conf.set(RestartStrategyOptions.RESTART_STRATEGY, "none");
    return StrictEnvironment.strict(StreamExecutionEnvironment.createLocalEnvironment(2, conf));
  }

  /** Entity, T, positions and features of the rows whose T is in a range. */
  private Set<List<Object>> log(String view, long from, long to) throws Exception {
    Set<List<Object>> rows = new HashSet<>();
    TableIdentifier name = Warehouse.features("shop", view);
    try (JdbcCatalog catalog = Warehouse.open(target);
        CloseableIterable<Record> records = IcebergGenerics.read(catalog.loadTable(name)).build()) {
      for (Record record : records) {
        long time = ((OffsetDateTime) record.getField("_time")).toInstant().toEpochMilli();
        if (time >= from && time <= to) {
          List<Object> row = new ArrayList<>(List.of(record.getField("entity_key"), time));
          row.add(record.getField("_source"));
          for (var feature : view(view).features()) {
            row.add(String.valueOf(record.getField(feature.name())));
          }
          assertThat(rows.add(row)).as("%s is in the log twice", row).isTrue();
        }
      }
    }
    return rows;
  }

  private static Set<List<Object>> log(Set<List<Object>> rows, long from) {
    Set<List<Object>> later = new HashSet<>();
    for (List<Object> row : rows) {
      if ((Long) row.get(1) >= from) {
        later.add(row);
      }
    }
    return later;
  }

  private void drop(String view) {
    try (JdbcCatalog catalog = Warehouse.open(target)) {
      assertThat(catalog.dropTable(Warehouse.features("shop", view), true)).isTrue();
      var unusedTable =
          Warehouse.ensure(
              catalog,
              Warehouse.features("shop", view),
              Warehouse.featuresSchema(view(view)),
              "_time");
    }
  }

  /** By the definition of the stream's watermark: every partition has passed it. */
  private long watermark() {
    Map<Integer, Long> largest = new HashMap<>();
    payments.forEach(p -> largest.merge(p.partition, p.time, Math::max));
    return largest.values().stream().mapToLong(Long::longValue).min().orElseThrow()
        - OUT_OF_ORDER
        - 1;
  }

  /** What the definition accepts, by plain reading: filter, key, lateness, repeated ids. */
  private Map<String, List<Payment>> accepted() {
    Map<Integer, Long> largest = new HashMap<>();
    Map<String, List<Payment>> accepted = new HashMap<>();
    List<Payment> read = new ArrayList<>(payments);
    for (Payment p : read) {
      long before = largest.getOrDefault(p.partition, Long.MIN_VALUE / 2);
      largest.merge(p.partition, p.time, Math::max);
      if (p.amount >= 0 && p.card != null && before - p.time <= OUT_OF_ORDER + LATENESS) {
        accepted.computeIfAbsent(p.card, c -> new ArrayList<>()).add(p);
      }
    }
    return accepted;
  }

  /** The four features of a row, by its T and positions. */
  private static List<Object> naive(List<Payment> accepted, List<Object> row) {
    long t = (Long) row.get(1);
    Map<Integer, Long> positions = new HashMap<>();
    for (String place : ((String) row.get(2)).split(",", -1)) {
      String[] parts = place.split(":", -1);
      positions.put(Integer.valueOf(parts[0]), Long.valueOf(parts[1]));
    }
    List<Payment> hour = new ArrayList<>();
    long shortCount = 0;
    for (Payment p : unrepeated(accepted)) {
      if (p.offset <= positions.getOrDefault(p.partition, -1L) && p.time <= t) {
        if (p.time > t - HOUR) {
          hour.add(p);
        }
        shortCount += p.time > t - 10 * MINUTE ? 1 : 0;
      }
    }
    hour.sort(
        (a, b) ->
            a.time != b.time
                ? Long.compare(a.time, b.time)
                : a.partition != b.partition
                    ? Integer.compare(a.partition, b.partition)
                    : Long.compare(a.offset, b.offset));
    List<String> last = new ArrayList<>();
    java.math.BigDecimal sum = java.math.BigDecimal.ZERO;
    for (Payment p : hour) {
      last.add(0, p.shop);
      sum = sum.add(new java.math.BigDecimal(p.amount));
    }
    List<Object> values = new ArrayList<>();
    values.add(String.valueOf(shortCount));
    values.add(String.valueOf(hour.size()));
    values.add(hour.isEmpty() ? "null" : String.valueOf(sum.doubleValue()));
    values.add(hour.isEmpty() ? "null" : String.valueOf(last.subList(0, Math.min(3, last.size()))));
    return values;
  }

  /** Without those whose id was there within the dedup window, in the order of arrival. */
  private static List<Payment> unrepeated(List<Payment> accepted) {
    Map<String, Long> seen = new HashMap<>();
    List<Payment> first = new ArrayList<>();
    for (Payment p : accepted) {
      Long before = seen.get(p.id);
      if (before == null || Math.abs(before - p.time) > DEDUP) {
        seen.put(p.id, p.time);
        first.add(p);
      }
    }
    return first;
  }

  private Source source() {
    return project.source("payments").orElseThrow();
  }

  private FeatureView view(String name) {
    return project.featureView(name).orElseThrow();
  }
}
