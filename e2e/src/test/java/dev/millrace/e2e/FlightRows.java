package dev.millrace.e2e;

import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.platform.Warehouse;
import dev.millrace.testing.NaiveFlights;
import dev.millrace.testing.RowComparison;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.time.Instant;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.apache.iceberg.Table;
import org.apache.iceberg.catalog.TableIdentifier;
import org.apache.iceberg.jdbc.JdbcCatalog;
import org.apache.iceberg.types.Types;
import org.jspecify.annotations.Nullable;
import redis.clients.jedis.Jedis;
import redis.clients.jedis.params.ScanParams;
import redis.clients.jedis.resps.ScanResult;

/** The feature rows of the flights example on a stack, in the tables and in Redis. */
final class FlightRows {

  private static final List<String> VIEWS =
      List.of("origin_delays", "destination_delays", "route_delays");

  private final Stack stack;
  private final Path project;

  FlightRows(Stack stack, Path project) {
    this.stack = stack;
    this.project = project;
  }

  /** What the rows have to be: from the files of the example and the places of the archive. */
  NaiveFlights naive() throws IOException {
    Map<Long, FlightFiles.Place> places = new HashMap<>();
    try (JdbcCatalog catalog = Warehouse.open(stack.target())) {
      Table table = catalog.loadTable(TableIdentifier.of("flights", "events_arrivals"));
      WarehouseRows.each(
          table,
          row -> {
            FlightFiles.Place before =
                places.put(
                    (Long) row.get("flight_id"),
                    new FlightFiles.Place(
                        (Integer) row.get("_partition"), (Long) row.get("_offset")));
            assertThat(before).as("flight archived twice").isNull();
          });
    }
    List<NaiveFlights.Arrival> found = FlightFiles.arrivals(FlightFiles.weeks(project, 2), places);
    assertThat(found.size()).as("archived arrivals found in the files").isEqualTo(places.size());
    return new NaiveFlights(found);
  }

  /** Compares every row of the tables, read from the Parquet files of their current snapshots. */
  void readLog(RowComparison comparison) throws IOException {
    try (JdbcCatalog catalog = Warehouse.open(stack.target())) {
      for (String view : VIEWS) {
        Table table = catalog.loadTable(TableIdentifier.of("flights", "features_" + view));
        List<String> features = features(table);
        WarehouseRows.each(
            table,
            row -> {
              Map<String, @Nullable Object> values = new LinkedHashMap<>();
              features.forEach(f -> values.put(f, row.get(f)));
              comparison.logged(
                  view,
                  String.valueOf(row.get("entity_key")),
                  ((Instant) row.get("_time")).toEpochMilli(),
                  String.valueOf(row.get("_source")),
                  values);
            });
      }
    }
  }

  /** Compares every row that Redis has. */
  void readRedis(RowComparison comparison) throws IOException {
    try (JdbcCatalog catalog = Warehouse.open(stack.target());
        Jedis redis = new Jedis("127.0.0.1", stack.port(6379))) {
      Map<String, List<String>> features = new HashMap<>();
      for (String view : VIEWS) {
        features.put(
            view, features(catalog.loadTable(TableIdentifier.of("flights", "features_" + view))));
      }
      String cursor = ScanParams.SCAN_POINTER_START;
      do {
        ScanResult<String> page =
            redis.scan(cursor, new ScanParams().match("features:*").count(1_000));
        for (String key : page.getResult()) {
          Map<String, String> row = redis.hgetAll(key);
          String view = key.substring(key.indexOf("}:") + 2);
          Map<String, @Nullable Object> values = new LinkedHashMap<>();
          for (String feature : features.getOrDefault(view, List.of())) {
            values.put(feature, row.get(feature));
          }
          comparison.row(
              view,
              key.substring(key.indexOf(':', key.indexOf('{')) + 1, key.indexOf('}')),
              Long.parseLong(String.valueOf(row.get("_time"))),
              String.valueOf(row.get("_source")),
              values);
        }
        cursor = page.getCursor();
      } while (!cursor.equals(ScanParams.SCAN_POINTER_START));
    }
  }

  /** How many rows of a view Redis has. */
  long online(String view) {
    long rows = 0;
    try (Jedis redis = new Jedis("127.0.0.1", stack.port(6379))) {
      String cursor = ScanParams.SCAN_POINTER_START;
      do {
        ScanResult<String> page =
            redis.scan(cursor, new ScanParams().match("features:{*}:" + view).count(1_000));
        rows += page.getResult().size();
        cursor = page.getCursor();
      } while (!cursor.equals(ScanParams.SCAN_POINTER_START));
    }
    return rows;
  }

  /** Takes one row of Redis, changes one value, and counts what the comparison finds. */
  long changedByOne(NaiveFlights naive) {
    try (Jedis redis = new Jedis("127.0.0.1", stack.port(6379))) {
      Map<String, String> row = redis.hgetAll("features:{origin:ATL}:origin_delays");
      RowComparison comparison = new RowComparison(naive);
      comparison.row(
          "origin_delays",
          "ATL",
          Long.parseLong(String.valueOf(row.get("_time"))),
          String.valueOf(row.get("_source")),
          Map.of("count_3h", Long.parseLong(String.valueOf(row.get("count_3h"))) + 1));
      return comparison.mismatchCount();
    }
  }

  private static List<String> features(Table table) {
    return table.schema().columns().stream()
        .map(Types.NestedField::name)
        .filter(n -> !Set.of("entity_key", "_time", "_source", "_version", "known_at").contains(n))
        .toList();
  }

  /** Rows of a table as its current snapshot counts them. */
  long total(String table) {
    try {
      return WarehouseRows.total(stack.target(), TableIdentifier.of("flights", table));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Waits until no table of features has grown for some checkpoints. */
  void awaitStill() {
    Stack.awaitStill(() -> VIEWS.stream().mapToLong(v -> total("features_" + v)).sum());
  }
}
