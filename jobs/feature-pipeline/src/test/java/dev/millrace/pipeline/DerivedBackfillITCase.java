package dev.millrace.pipeline;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.millrace.core.definition.Definitions;
import dev.millrace.core.definition.FeatureView;
import dev.millrace.core.definition.Project;
import dev.millrace.core.definition.Source;
import dev.millrace.platform.ArchiveBegin;
import dev.millrace.platform.DefinitionsLog.ViewIdentity;
import dev.millrace.platform.RunningViews;
import dev.millrace.platform.Target;
import dev.millrace.platform.Warehouse;
import dev.millrace.streaming.Event;
import dev.millrace.streaming.Inbound;
import dev.millrace.streaming.StrictEnvironment;
import java.math.BigDecimal;
import java.nio.file.Path;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.configuration.RestartStrategyOptions;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.iceberg.data.IcebergGenerics;
import org.apache.iceberg.data.Record;
import org.apache.iceberg.io.CloseableIterable;
import org.apache.iceberg.jdbc.JdbcCatalog;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Views over views computed again from the archive of the source below them. */
class DerivedBackfillITCase {

  private static final long START = Instant.parse("2026-03-01T00:00:00Z").toEpochMilli();
  private static final long MINUTE = 60_000;
  private static final long HOUR = 60 * MINUTE;
  private static final int EVENTS = 1_200;
  private static final List<String> VIEWS = List.of("shop_pairs", "shop_changes");

  private static final String PROJECT =
      """
      project: shop
      sources:
        - {name: payments, schema: payment.avsc, event-id: id, event-time: at, max-out-of-orderness: 10m}
      entities:
        - {name: pair, keys: [card, shop]}
        - {name: shop, keys: [shop]}
      feature-views:
        - name: shop_changes
          entity: shop
          source: shop_pairs
          ttl: 60d
          aggregations:
            - {function: count, windows: [1h]}
            - {function: first, column: amount_sum_1h_max_2h, windows: [1h]}
        - name: shop_pairs
          entity: shop
          source: pairs
          filter: "count_1h > 1"
          ttl: 60d
          aggregations:
            - {function: count, windows: [2h]}
            - {function: max, column: amount_sum_1h, windows: [2h]}
        - name: pairs
          entity: pair
          source: payments
          ttl: 60d
          aggregations:
            - {function: count, windows: [1h]}
            - {function: sum, column: amount, windows: [1h]}
      """;

  private static final String SCHEMA =
      """
      {"type": "record", "name": "Payment", "fields": [
        {"name": "id", "type": "string"},
        {"name": "at", "type": {"type": "long", "logicalType": "timestamp-millis"}},
        {"name": "card", "type": "string"},
        {"name": "shop", "type": "string"},
        {"name": "amount", "type": "double"}]}
      """;

  /** A payment in the order of arrival; a card's are in one partition. */
  private record Payment(
      int partition, long offset, long time, String card, String shop, double amount) {}

  /** A row as plain loops give it. */
  private record Row(String key, long time, int partition, long offset, List<Object> values) {
    List<Object> logged() {
      List<Object> logged = new ArrayList<>(List.of(key, time, partition + ":" + offset));
      values.forEach(v -> logged.add(String.valueOf(v)));
      return logged;
    }
  }

  private final Target target;
  private final Project project;
  private final List<Payment> payments = new ArrayList<>();
  private int runs;

  DerivedBackfillITCase(@TempDir Path dir) {
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
    project = Definitions.read(Map.of("millrace.yaml", PROJECT, "payment.avsc", SCHEMA));
  }

  @Test
  void streamBackfillAndPlainLoopsGiveTheSameRows() throws Exception {
    produce(new Random(21));
    whole();
    stream();
    long until = watermark();
    List<Row> pairs = pairs();
    List<Row> ofPairs = shopPairs(pairs);
    Map<String, List<Row>> naive =
        Map.of("shop_pairs", ofPairs, "shop_changes", shopChanges(ofPairs));
    for (String view : VIEWS) {
      Set<List<Object>> streamed = log(view, START, until);
      // The rows of events; others, of T alone, come when windows move on.
      assertThat(streamed)
          .containsAll(
              Objects.requireNonNull(naive.get(view)).stream()
                  .filter(r -> r.time <= until)
                  .map(Row::logged)
                  .toList())
          .hasSizeGreaterThan(EVENTS / 4);
      Map<String, Object> compared = backfill(view, START, until);
      assertThat(compared)
          .containsEntry("same", (long) streamed.size())
          .containsEntry("appended", 0L)
          .containsEntry("different", 0L)
          .containsEntry("notLogged", 0L);

      drop(view);
      // From the middle on first: the positions need no count since the beginning.
      long middle = START + 15 * HOUR;
      assertThat(backfill(view, middle, until)).containsEntry("different", 0L);
      assertThat(log(view, 0, Long.MAX_VALUE)).isEqualTo(from(streamed, middle));
      assertThat(backfill(view, START, until)).containsEntry("different", 0L);
      assertThat(log(view, 0, Long.MAX_VALUE)).isEqualTo(streamed);
    }
  }

  /** What the stream still holds back, because earlier rows may come, is not computed. */
  @Test
  void rowsThatWaitInTheStreamAreLeftOut() throws Exception {
    produce(new Random(22));
    whole();
    stream();
    long until = watermark();
    drop("shop_pairs");
    assertThat(backfill("shop_pairs", START, START + 365 * 24 * HOUR))
        .containsEntry("different", 0L);
    Set<List<Object>> rows = log("shop_pairs", 0, Long.MAX_VALUE);
    assertThat(rows).isNotEmpty().allMatch(r -> (Long) r.get(1) <= until);
  }

  @Test
  void lateRowsBelowAreRefused() {
    Project late =
        Definitions.read(
            Map.of(
                "millrace.yaml",
                PROJECT.replace(
                    "source: payments\n", "source: payments\n    allowed-lateness: 5m\n"),
                "payment.avsc",
                SCHEMA));
    assertThatThrownBy(
            () -> ArchiveReplay.chain(late, late.featureView("shop_changes").orElseThrow()))
        .hasMessageContaining(
            "Cannot compute view shop_changes: view pairs below it has allowed-lateness");
    assertThat(ArchiveReplay.chain(late, late.featureView("pairs").orElseThrow())).hasSize(1);
  }

  private void produce(Random random) {
    long[] offsets = new long[2];
    long time = START;
    for (int i = 0; i < EVENTS; i++) {
      time += 1 + random.nextInt((int) (3 * MINUTE));
      int card = random.nextInt(4);
      int partition = card % 2;
      long at = random.nextInt(5) == 0 ? time - random.nextInt((int) (9 * MINUTE)) : time;
      payments.add(
          new Payment(
              partition,
              offsets[partition]++,
              at,
              "c" + card,
              "s~" + random.nextInt(3),
              random.nextInt(1_000) / 10.0));
    }
  }

  private List<Row> pairs() {
    Map<String, List<Payment>> byPair = new HashMap<>();
    List<Row> rows = new ArrayList<>();
    for (Payment p : payments) {
      List<Payment> all = byPair.computeIfAbsent(p.card + " " + p.shop, k -> new ArrayList<>());
      all.add(p);
      long at = all.stream().mapToLong(Payment::time).max().orElseThrow();
      List<Payment> window = all.stream().filter(o -> o.time > at - HOUR).toList();
      double sum =
          window.stream()
              .map(o -> new BigDecimal(o.amount))
              .reduce(BigDecimal.ZERO, BigDecimal::add)
              .doubleValue();
      rows.add(new Row(p.shop, at, p.partition, p.offset, List.of((long) window.size(), sum)));
    }
    return rows;
  }

  private static List<Row> shopPairs(List<Row> pairs) {
    List<Row> rows = new ArrayList<>();
    byShop(pairs.stream().filter(r -> (Long) r.values.get(0) > 1).toList())
        .forEach(
            (shop, events) ->
                events.forEach(
                    at -> {
                      List<Row> window =
                          events.stream()
                              .filter(r -> r.offset <= at.offset && r.time > at.time - 2 * HOUR)
                              .toList();
                      double most =
                          window.stream()
                              .mapToDouble(r -> (Double) r.values.get(1))
                              .max()
                              .orElseThrow();
                      rows.add(
                          new Row(
                              shop, at.time, 0, at.offset, List.of((long) window.size(), most)));
                    }));
    return rows;
  }

  private static List<Row> shopChanges(List<Row> shopPairs) {
    List<Row> rows = new ArrayList<>();
    byShop(shopPairs)
        .forEach(
            (shop, events) ->
                events.forEach(
                    at -> {
                      List<Row> window =
                          events.stream()
                              .filter(r -> r.offset <= at.offset && r.time > at.time - HOUR)
                              .toList();
                      rows.add(
                          new Row(
                              shop,
                              at.time,
                              0,
                              at.offset,
                              List.of((long) window.size(), window.get(0).values.get(1))));
                    }));
    return rows;
  }

  /** By T, partition and offset, each at the position that follows from its place. */
  private static Map<String, List<Row>> byShop(List<Row> rows) {
    List<Row> ordered = new ArrayList<>(rows);
    ordered.sort(
        Comparator.comparingLong(Row::time)
            .thenComparingInt(Row::partition)
            .thenComparingLong(Row::offset));
    Map<String, List<Row>> byShop = new TreeMap<>();
    for (Row row : ordered) {
      String key = row.key.replace("~", "%7E");
      List<Row> before = byShop.computeIfAbsent(key, k -> new ArrayList<>());
      long last = before.isEmpty() ? -1 : before.get(before.size() - 1).offset;
      before.add(new Row(row.key, row.time, 0, Math.max(last + 1, row.time * 1000), row.values));
    }
    return byShop;
  }

  private void whole() {
    Source source = project.source("payments").orElseThrow();
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
      Object[] values = {"p" + i, p.time, p.card, p.shop, p.amount};
      inbound[i] =
          new Inbound(
              new Event(p.partition, p.offset, p.time, p.time, "p" + i, values, null, null), null);
    }
    // One reader, so that each partition is judged in its order as from Kafka.
    StreamExecutionEnvironment env = environment().setParallelism(1);
    FeaturePipelineJob.define(env, project, TableEnds.of(target, "shop", inbound));
    env.execute("stream");
  }

  private Map<String, Object> backfill(String name, long from, long to) throws Exception {
    FeatureView view = project.featureView(name).orElseThrow();
    StreamExecutionEnvironment env = environment();
    new BackfillGraph(
            env,
            target,
            project,
            RunningViews.only(project, Map.of(view.name(), new ViewIdentity(7, view.id())))
                .current(view.name()))
        .define(new BackfillRequest(name, from, to, false));
    return env.execute("backfill " + runs++).getAllAccumulatorResults();
  }

  private static StreamExecutionEnvironment environment() {
    Configuration conf = new Configuration();
    conf.set(RestartStrategyOptions.RESTART_STRATEGY, "none");
    return StrictEnvironment.strict(StreamExecutionEnvironment.createLocalEnvironment(2, conf));
  }

  private Set<List<Object>> log(String view, long from, long to) throws Exception {
    Set<List<Object>> rows = new HashSet<>();
    try (JdbcCatalog catalog = Warehouse.open(target);
        CloseableIterable<Record> records =
            IcebergGenerics.read(catalog.loadTable(Warehouse.features("shop", view))).build()) {
      for (Record record : records) {
        long time = ((OffsetDateTime) record.getField("_time")).toInstant().toEpochMilli();
        if (time >= from && time <= to) {
          List<Object> row = new ArrayList<>();
          row.add(String.valueOf(record.getField("entity_key")));
          row.add(time);
          row.add(String.valueOf(record.getField("_source")));
          for (var feature : project.featureView(view).orElseThrow().features()) {
            row.add(String.valueOf(record.getField(feature.name())));
          }
          assertThat(rows.add(row)).as("%s is in the log twice", row).isTrue();
        }
      }
    }
    return rows;
  }

  private static Set<List<Object>> from(Set<List<Object>> rows, long fromMillis) {
    Set<List<Object>> later = new HashSet<>(rows);
    later.removeIf(r -> (Long) r.get(1) < fromMillis);
    return later;
  }

  private void drop(String view) {
    try (JdbcCatalog catalog = Warehouse.open(target)) {
      assertThat(catalog.dropTable(Warehouse.features("shop", view), true)).isTrue();
      var unusedTable =
          Warehouse.ensure(
              catalog,
              Warehouse.features("shop", view),
              Warehouse.featuresSchema(project.featureView(view).orElseThrow()),
              "_time");
    }
  }

  /** Every partition has passed it. */
  private long watermark() {
    Map<Integer, Long> largest = new HashMap<>();
    payments.forEach(p -> largest.merge(p.partition, p.time, Math::max));
    return largest.values().stream().mapToLong(Long::longValue).min().orElseThrow()
        - 10 * MINUTE
        - 1;
  }
}
