package dev.millrace.pipeline;

import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.core.definition.Definitions;
import dev.millrace.core.definition.Feature;
import dev.millrace.core.definition.FeatureView;
import dev.millrace.core.definition.Project;
import dev.millrace.testing.NaiveFlights;
import dev.millrace.testing.NaiveFlights.Arrival;
import dev.millrace.testing.RowComparison;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.Set;
import java.util.TreeSet;
import org.apache.flink.runtime.testutils.MiniClusterResourceConfiguration;
import org.apache.flink.test.junit5.MiniClusterExtension;
import org.apache.iceberg.shaded.org.apache.parquet.column.page.PageReadStore;
import org.apache.iceberg.shaded.org.apache.parquet.conf.PlainParquetConfiguration;
import org.apache.iceberg.shaded.org.apache.parquet.example.data.Group;
import org.apache.iceberg.shaded.org.apache.parquet.example.data.simple.SimpleGroupFactory;
import org.apache.iceberg.shaded.org.apache.parquet.example.data.simple.convert.GroupRecordConverter;
import org.apache.iceberg.shaded.org.apache.parquet.hadoop.ParquetFileReader;
import org.apache.iceberg.shaded.org.apache.parquet.hadoop.ParquetWriter;
import org.apache.iceberg.shaded.org.apache.parquet.hadoop.example.ExampleParquetWriter;
import org.apache.iceberg.shaded.org.apache.parquet.io.ColumnIOFactory;
import org.apache.iceberg.shaded.org.apache.parquet.io.LocalInputFile;
import org.apache.iceberg.shaded.org.apache.parquet.io.LocalOutputFile;
import org.apache.iceberg.shaded.org.apache.parquet.io.RecordReader;
import org.apache.iceberg.shaded.org.apache.parquet.schema.MessageType;
import org.apache.iceberg.shaded.org.apache.parquet.schema.MessageTypeParser;
import org.apache.iceberg.shaded.org.apache.parquet.schema.PrimitiveType.PrimitiveTypeName;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;

/**
 * The flights example read three ways: by the stream, by a stream that fails and goes on from its
 * checkpoints, and by a backfill of the archive.
 *
 * <p>In any order of arrival: every row is what its T and positions say, every accepted event has
 * its row, rows of the same T and positions are the same, and the features as corrected of every
 * accepted event are the same. In order, with partitions in step and events of one millisecond by
 * partition, the three ways have the same set of rows. Where partitions meet otherwise, an entity
 * has rows of other (T, positions) each time, and only the above is equal.
 */
class FlightsThreeWaysITCase {

  @RegisterExtension
  private static final MiniClusterExtension FLINK =
      new MiniClusterExtension(
          new MiniClusterResourceConfiguration.Builder()
              .setNumberTaskManagers(1)
              .setNumberSlotsPerTaskManager(2)
              .build());

  private static final MessageType SPINE =
      MessageTypeParser.parseMessageType(
          "message spine { required int64 flight; required binary origin (UTF8);"
              + " required binary destination (UTF8);"
              + " required int64 event_time (TIMESTAMP(MILLIS,true)); }");

  private static final long[] ALL = {
    Long.MAX_VALUE, Long.MAX_VALUE, Long.MAX_VALUE, Long.MAX_VALUE
  };

  private static final long REFRESH = 300_000;

  /** A row as the log has it; of one entity and time, the sum of its offsets grows. */
  private record Logged(long time, String positions, Map<String, @Nullable Object> features) {
    long sum() {
      return Arrays.stream(positions.split(",", -1))
          .mapToLong(place -> Long.parseLong(place.substring(place.indexOf(':') + 1)) + 1)
          .sum();
    }
  }

  private final Path dir;
  private final FlightsWarehouse streamed;
  private final FlightsWarehouse restarted;
  private final FlightsWarehouse backfilled;

  FlightsThreeWaysITCase(@TempDir Path dir) throws IOException {
    this.dir = dir;
    Project project = Definitions.read(Path.of("../../examples/flights"));
    this.streamed = new FlightsWarehouse(dir.resolve("streamed"), project);
    this.restarted = new FlightsWarehouse(dir.resolve("restarted"), project);
    this.backfilled = new FlightsWarehouse(dir.resolve("backfilled"), project);
  }

  @Test
  void inOrder() throws Exception {
    inOrder(Duration.ofHours(26));
  }

  @Test
  void outOfOrder() throws Exception {
    outOfOrder(Duration.ofHours(26));
  }

  @Test
  @Tag("full")
  void aWeekInOrder() throws Exception {
    inOrder(Duration.ofDays(7));
  }

  @Test
  @Tag("full")
  void aWeekOutOfOrder() throws Exception {
    outOfOrder(Duration.ofDays(7));
  }

  private void inOrder(Duration length) throws Exception {
    FlightsInput input = FlightsInput.inOrder(length);
    assertThat(input.late()).isZero();
    readThreeWays(input, 1);
    long rows = 0;
    for (FeatureView view : streamed.views()) {
      Map<String, String> log = log(streamed, view, Long.MAX_VALUE);
      assertThat(difference(log, log(restarted, view, Long.MAX_VALUE))).isEmpty();
      // A backfill knows the time that the watermark has reached; a stream's end is for ever.
      long until = input.watermark();
      assertThat(difference(log(streamed, view, until), log(backfilled, view, until))).isEmpty();
      rows += log.size();
    }
    System.out.printf(Locale.ROOT, "in order: the same %d rows three ways%n", rows);
  }

  private void outOfOrder(Duration length) throws Exception {
    FlightsInput input = FlightsInput.outOfOrder(length, new Random(20));
    assertThat(input.late()).isGreaterThan(input.events().size() / 200);
    readThreeWays(input, 2);
    long same = 0;
    for (FeatureView view : streamed.views()) {
      Map<String, String> log = log(streamed, view, Long.MAX_VALUE);
      for (FlightsWarehouse other : List.of(restarted, backfilled)) {
        for (Map.Entry<String, String> row : log(other, view, Long.MAX_VALUE).entrySet()) {
          String there = log.get(row.getKey());
          if (there != null) {
            assertThat(row.getValue()).as(row.getKey()).isEqualTo(there);
            same++;
          }
        }
      }
    }
    System.out.printf(Locale.ROOT, "out of order: %d rows at the same place are the same%n", same);
    assertThat(same).isGreaterThan(input.events().size());
  }

  private void readThreeWays(FlightsInput input, int judges) throws Exception {
    streamed.stream(input, judges);
    long readAgain = restarted.streamWithFailures(input, judges);
    assertThat(readAgain).as("events read again after a failure").isPositive();
    assertThat(restarted.archive()).isEqualTo(streamed.archive());
    assertThat(streamed.archive()).isEqualTo(archive(input));
    backfilled.archiveOf(streamed);
    for (FeatureView view : backfilled.views()) {
      Map<String, Object> counts = backfilled.backfill(view);
      assertThat(counts).containsEntry("events", (long) input.events().size());
      assertThat(counts).containsEntry("late", (long) input.late());
    }
    NaiveFlights naive = new NaiveFlights(input.accepted());
    long rows = 0;
    long values = 0;
    for (FlightsWarehouse warehouse : List.of(streamed, restarted, backfilled)) {
      RowComparison comparison = compared(warehouse, naive, input.accepted());
      rows += comparison.rows();
      values += comparison.values();
    }
    System.out.printf(
        Locale.ROOT,
        "flights: %d arrivals, %d late, %d read again; %d rows of 3 logs, %d values recomputed;"
            + " as corrected %d values three times%n",
        input.events().size(),
        input.late(),
        readAgain,
        rows,
        values,
        corrected(naive, input.accepted()));
  }

  /** What the archive says by the definition. */
  private Set<String> archive(FlightsInput input) {
    Map<String, Arrival> accepted = new HashMap<>();
    input.accepted().forEach(a -> accepted.put(String.valueOf(a.flight()), a));
    Set<String> events = new HashSet<>();
    input
        .events()
        .forEach(
            event ->
                events.add(
                    "%s %d:%d %s"
                        .formatted(
                            event.id(),
                            event.partition(),
                            event.offset(),
                            accepted.containsKey(event.id())
                                ? "OK"
                                : "LATE origin_delays,destination_delays,route_delays")));
    return events;
  }

  /**
   * Every row of a log is what its T and positions say, every accepted event has one, and each
   * holds until the next one comes: no refresh is missing.
   */
  private static RowComparison compared(
      FlightsWarehouse warehouse, NaiveFlights naive, List<Arrival> accepted) throws IOException {
    RowComparison comparison = new RowComparison(naive);
    RowComparison between = new RowComparison(naive);
    for (FeatureView view : warehouse.views()) {
      Set<String> reached = new HashSet<>();
      Map<String, List<Logged>> logs = new HashMap<>();
      warehouse.log(
          view,
          (key, time, positions, features) -> {
            logs.computeIfAbsent(key, k -> new ArrayList<>())
                .add(new Logged(time, positions, features));
            comparison.logged(view.name(), key, time, positions, features);
            for (String place : positions.split(",", -1)) {
              reached.add(key + " " + place);
            }
          });
      assertThat(accepted)
          .allMatch(
              arrival ->
                  reached.contains(
                      key(view, arrival) + " " + arrival.partition() + ":" + arrival.offset()));
      logs.forEach((key, log) -> compareBetween(view, key, log, between));
    }
    assertThat(between.mismatches()).as("refreshes that are missing").isEmpty();
    assertThat(comparison.mismatches()).isEmpty();
    assertThat(comparison.repeated()).isZero();
    assertThat(comparison.rows()).isGreaterThan(3L * accepted.size());
    return comparison;
  }

  /** Takes each row for the last refresh before the next one. */
  private static void compareBetween(
      FeatureView view, String key, List<Logged> log, RowComparison between) {
    log.sort(Comparator.comparingLong(Logged::time).thenComparingLong(Logged::sum));
    for (int i = 1; i < log.size(); i++) {
      Logged row = log.get(i - 1);
      long last = Math.floorDiv(log.get(i).time - 1, REFRESH) * REFRESH;
      if (last > row.time) {
        between.row(view.name(), key, last, row.positions, row.features);
      }
    }
  }

  private static String key(FeatureView view, Arrival arrival) {
    return switch (view.name()) {
      case "origin_delays" -> arrival.origin();
      case "destination_delays" -> arrival.destination();
      default -> arrival.origin() + "~" + arrival.destination();
    };
  }

  /** Rows that are in one log alone, or otherwise. */
  private static List<String> difference(Map<String, String> one, Map<String, String> other) {
    Set<Map.Entry<String, String>> rows = new HashSet<>(one.entrySet());
    rows.removeAll(other.entrySet());
    Set<Map.Entry<String, String>> others = new HashSet<>(other.entrySet());
    others.removeAll(one.entrySet());
    rows.addAll(others);
    return rows.stream().map(String::valueOf).sorted().limit(10).toList();
  }

  /** Values by key, T and positions. */
  private static Map<String, String> log(FlightsWarehouse warehouse, FeatureView view, long until)
      throws IOException {
    Map<String, String> rows = new HashMap<>();
    warehouse.log(
        view,
        (key, time, positions, features) -> {
          if (time <= until) {
            rows.put(key + " " + time + " " + positions, features.values().toString());
          }
        });
    return rows;
  }

  /** The features of each accepted event at its time, from each archive and by plain loops. */
  private long corrected(NaiveFlights naive, List<Arrival> accepted) throws Exception {
    Path spine = dir.resolve("spine.parquet");
    try (ParquetWriter<Group> writer =
        ExampleParquetWriter.builder(new LocalOutputFile(spine))
            .withConf(new PlainParquetConfiguration())
            .withType(SPINE)
            .build()) {
      for (Arrival arrival : accepted) {
        writer.write(
            new SimpleGroupFactory(SPINE)
                .newGroup()
                .append("flight", arrival.flight())
                .append("origin", arrival.origin())
                .append("destination", arrival.destination())
                .append("event_time", arrival.arrivedAt()));
      }
    }
    Map<Long, Arrival> byFlight = new HashMap<>();
    accepted.forEach(arrival -> byFlight.put(arrival.flight(), arrival));
    List<String> first = new ArrayList<>();
    long values = 0;
    for (FlightsWarehouse warehouse : List.of(streamed, restarted, backfilled)) {
      Path out = dir.resolve("corrected.parquet");
      warehouse.corrected(spine, out);
      List<String> rows = new ArrayList<>();
      Set<String> wrong = new TreeSet<>();
      values = read(out, naive, byFlight, rows, wrong);
      assertThat(wrong).isEmpty();
      assertThat(rows).hasSameSizeAs(accepted);
      if (first.isEmpty()) {
        first.addAll(rows);
      }
      assertThat(rows).isEqualTo(first);
    }
    return values;
  }

  private long read(
      Path file,
      NaiveFlights naive,
      Map<Long, Arrival> byFlight,
      List<String> rows,
      Set<String> wrong)
      throws IOException {
    long values = 0;
    try (ParquetFileReader reader = ParquetFileReader.open(new LocalInputFile(file))) {
      MessageType schema = reader.getFileMetaData().getSchema();
      PageReadStore pages = reader.readNextRowGroup();
      while (pages != null) {
        RecordReader<Group> records =
            new ColumnIOFactory()
                .getColumnIO(schema)
                .getRecordReader(pages, new GroupRecordConverter(schema));
        for (long i = 0; i < pages.getRowCount(); i++) {
          Group record = records.read();
          Arrival arrival = Objects.requireNonNull(byFlight.get(record.getLong("flight", 0)));
          List<Object> row = new ArrayList<>(List.of(arrival.flight()));
          for (FeatureView view : streamed.views()) {
            for (Feature feature : view.features()) {
              int column = schema.getFieldIndex(view.name() + ":" + feature.name());
              Double value = number(record, schema, column);
              Double expected =
                  naive.value(
                      view.name(), key(view, arrival), arrival.arrivedAt(), ALL, feature.name());
              if (!RowComparison.same(expected, value) && wrong.size() < 10) {
                wrong.add(
                    "%s %s: is %s, recomputed %s"
                        .formatted(arrival, feature.name(), value, expected));
              }
              row.add(String.valueOf(value));
              values++;
            }
          }
          rows.add(row.toString());
        }
        pages = reader.readNextRowGroup();
      }
    }
    return values;
  }

  private static @Nullable Double number(Group record, MessageType schema, int column) {
    if (record.getFieldRepetitionCount(column) == 0) {
      return null;
    }
    return schema.getType(column).asPrimitiveType().getPrimitiveTypeName()
            == PrimitiveTypeName.INT64
        ? Double.valueOf((double) record.getLong(column, 0))
        : Double.valueOf(record.getDouble(column, 0));
  }
}
