package dev.millrace.trainer;

import static dev.millrace.trainer.WarehouseFixture.time;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.millrace.core.definition.FeatureView;
import dev.millrace.core.definition.Model;
import dev.millrace.core.definition.Model.Label.Repeat;
import dev.millrace.core.row.Positions;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The join against one that looks at every row for every event. */
class TrainingJoinTest {

  private static final long START = Instant.parse("2001-01-01T00:00:00Z").toEpochMilli();
  private static final long MINUTE = 60_000;
  private static final int MINUTES = 48 * 60;
  private static final String[] AIRPORTS = {"JFK", "LAX", "OR~D", "S{F}O"};

  private record Departure(
      long id,
      long at,
      @Nullable String origin,
      String destination,
      @Nullable Integer distance,
      int partition,
      long offset) {}

  private record Arrival(long id, long at, @Nullable Integer delay, int partition, long offset) {}

  private record Row(
      String key,
      long at,
      Positions positions,
      long epoch,
      String id,
      long knownAt,
      @Nullable Object[] values) {}

  private final Random random = new Random(20010101);
  private final List<Departure> departures = new ArrayList<>();
  private final List<Arrival> arrivals = new ArrayList<>();
  private final List<Row> originRows = new ArrayList<>();
  private final List<Row> routeRows = new ArrayList<>();
  private final Path dir;

  TrainingJoinTest(@TempDir Path dir) {
    this.dir = dir;
  }

  @Test
  void everyValueIsThatOfTheNaiveJoin() throws Exception {
    makeEvents();
    makeRows(originRows, WarehouseFixture.ORIGIN, 3000);
    makeRows(routeRows, WarehouseFixture.ROUTE, 3000);
    try (WarehouseFixture warehouse = new WarehouseFixture(dir)) {
      write(warehouse);
      TrainingJoin join =
          new TrainingJoin(warehouse.catalog, WarehouseFixture.project(), message -> {});
      int compared = 0;
      List<@Nullable Instant> asOfs = new ArrayList<>();
      asOfs.add(null);
      asOfs.add(Instant.ofEpochMilli(START + 30 * 60 * MINUTE + 17));
      asOfs.add(Instant.ofEpochMilli(START + 40 * 60 * MINUTE));
      for (Instant asOf : asOfs) {
        for (Repeat repeat : Repeat.values()) {
          for (Double absent : new @Nullable Double[] {null, 0.25}) {
            Model model =
                WarehouseFixture.model(
                    repeat,
                    absent,
                    absent == null ? Double.NaN : -1,
                    absent == null ? Map.of() : Map.of("distance", 500.0),
                    Duration.ofHours(24));
            TrainingSet set = join.join(model, asOf);
            compared += compare(set, model, asOf);
          }
        }
      }
      assertThat(compared).isGreaterThan(20_000);
    }
  }

  @Test
  void whatIsNotThereIsSaid() throws Exception {
    makeEvents();
    makeRows(originRows, WarehouseFixture.ORIGIN, 3000);
    originRows.removeIf(r -> r.id.equals(WarehouseFixture.ORIGIN.id()));
    try (WarehouseFixture warehouse = new WarehouseFixture(dir)) {
      TrainingJoin join =
          new TrainingJoin(warehouse.catalog, WarehouseFixture.project(), message -> {});
      Model model =
          WarehouseFixture.model(Repeat.LAST, null, Double.NaN, Map.of(), Duration.ofHours(24));
      assertThatThrownBy(() -> join.join(model, null))
          .hasMessageContaining("Cannot read table flights.events_departures");
      write(warehouse);
      assertThatThrownBy(() -> join.join(model, null))
          .hasMessageContaining("Cannot join view origin_delays")
          .hasMessageContaining("no row of its definition 0123456789ab")
          .hasMessageContaining("only of [ffffffffffff]");
      assertThatThrownBy(
              () ->
                  join.join(
                      WarehouseFixture.model(
                          null, null, Double.NaN, Map.of(), Duration.ofHours(24)),
                      null))
          .hasMessageContaining("it has no label");
    }
  }

  private int compare(TrainingSet set, Model model, @Nullable Instant asOf) {
    Map<Long, Departure> events = new HashMap<>();
    long newestDeparture = departures.stream().mapToLong(Departure::at).max().orElseThrow();
    long newestArrival = arrivals.stream().mapToLong(Arrival::at).max().orElseThrow();
    long wait = Duration.ofHours(2).toMillis();
    long end = asOf == null ? Math.min(newestDeparture, newestArrival - wait) : asOf.toEpochMilli();
    long known = asOf == null ? Math.max(newestDeparture, newestArrival) : asOf.toEpochMilli();
    long start = end - Duration.ofHours(24).toMillis();
    for (Departure event : departures) {
      if (event.at > start && event.at <= end) {
        events.merge(
            event.id,
            event,
            (a, b) ->
                a.partition < b.partition || (a.partition == b.partition && a.offset < b.offset)
                    ? a
                    : b);
      }
    }
    Model.Label label = Objects.requireNonNull(model.label());
    Map<Long, Double> labels = new HashMap<>();
    for (Departure event : events.values()) {
      Comparator<Arrival> order =
          Comparator.comparing(Arrival::at)
              .thenComparing(Arrival::partition)
              .thenComparing(Arrival::offset);
      List<Arrival> mine =
          arrivals.stream()
              .filter(a -> a.id == event.id && a.delay != null)
              .filter(a -> a.at > event.at && a.at <= event.at + wait && a.at <= known)
              .sorted(order)
              .toList();
      boolean over = event.at + wait <= known;
      if (label.absentValue() != null && !over) {
        continue;
      }
      if (!mine.isEmpty()) {
        Arrival one = mine.get(label.repeat() == Repeat.FIRST ? 0 : mine.size() - 1);
        labels.put(event.id, Objects.requireNonNull(one.delay) > 15 ? 1.0 : 0.0);
      } else if (label.absentValue() != null) {
        labels.put(event.id, label.absentValue());
      }
    }
    List<Departure> expected =
        events.values().stream()
            .filter(e -> labels.containsKey(e.id))
            .sorted(Comparator.comparing(Departure::at).thenComparing(e -> String.valueOf(e.id)))
            .toList();
    assertThat(set.size()).isEqualTo(expected.size()).isGreaterThan(100);
    assertThat(set.origin().events()).isEqualTo(events.size());
    assertThat(set.inputs())
        .containsExactly(
            "origin_delays:count_1h",
            "distance",
            "route_delays:delay_last",
            "origin_delays:delay_mean_1h",
            "hour");
    for (int i = 0; i < expected.size(); i++) {
      Departure event = expected.get(i);
      assertThat(set.eventIds()[i]).isEqualTo(String.valueOf(event.id));
      assertThat(set.timesMillis()[i]).isEqualTo(event.at);
      assertThat(set.labels()[i]).isEqualTo(labels.get(event.id));
      Row origin = held(originRows, key(event.origin), event.at, WarehouseFixture.ORIGIN);
      Row route =
          held(
              routeRows,
              event.origin == null ? null : key(event.origin) + "~" + key(event.destination),
              event.at,
              WarehouseFixture.ROUTE);
      Object[] values = {
        origin == null ? null : origin.values[0],
        event.distance,
        route == null ? null : route.values[0],
        origin == null ? null : origin.values[1],
        (event.at - START) / (60 * MINUTE) % 24
      };
      for (int c = 0; c < values.length; c++) {
        double missing = model.missing().getOrDefault(set.inputs().get(c), model.missingDefault());
        Object value = values[c];
        assertThat(set.columns()[c][i])
            .as("%s of event %s", set.inputs().get(c), event)
            .isEqualTo(Double.valueOf(value == null ? missing : ((Number) value).doubleValue()));
      }
    }
    return expected.size() * (set.inputs().size() + 1);
  }

  private static @Nullable Row held(
      List<Row> rows, @Nullable String key, long at, FeatureView view) {
    List<Row> before =
        rows.stream()
            .filter(r -> r.key.equals(key) && r.at <= at && r.id.equals(view.id()))
            .toList();
    long newest = before.stream().mapToLong(Row::at).max().orElse(Long.MIN_VALUE);
    if (newest == Long.MIN_VALUE || at - newest > view.ttl().toMillis()) {
      return null;
    }
    List<Row> newestRows = before.stream().filter(r -> r.at == newest).toList();
    long epoch = newestRows.stream().mapToLong(Row::epoch).max().orElseThrow();
    return newestRows.stream()
        .filter(r -> r.epoch == epoch)
        .max(Comparator.comparing(TrainingJoinTest::positionSum).thenComparing(Row::knownAt))
        .orElseThrow();
  }

  /** Of rows as they are written, the later one has the larger sum. */
  private static long positionSum(Row row) {
    long sum = 0;
    for (int i = 0; i < row.positions.size(); i++) {
      sum += row.positions.offset(i) + 1;
    }
    return sum;
  }

  private void makeEvents() {
    for (int id = 0; id < 1200; id++) {
      long at = START + random.nextInt(MINUTES) * MINUTE;
      Departure event =
          new Departure(
              id,
              at,
              random.nextInt(20) == 0 ? null : AIRPORTS[random.nextInt(4)],
              AIRPORTS[random.nextInt(4)],
              random.nextInt(10) == 0 ? null : random.nextInt(3000),
              random.nextInt(2),
              departures.size());
      departures.add(event);
      if (random.nextInt(10) == 0) {
        // The same id once more, later or earlier in the log, with other values.
        departures.add(
            new Departure(
                id,
                at + random.nextInt(3) * MINUTE,
                "JFK",
                "LAX",
                1,
                random.nextInt(2),
                departures.size()));
      }
      int labels = random.nextInt(4);
      for (int k = 0; k < labels; k++) {
        arrivals.add(
            new Arrival(
                id,
                at + (random.nextInt(160) - 10) * MINUTE,
                random.nextInt(8) == 0 ? null : random.nextInt(40) - 5,
                random.nextInt(2),
                arrivals.size()));
      }
    }
  }

  private void makeRows(List<Row> rows, FeatureView view, int count) {
    for (int i = 0; i < count; i++) {
      String key = key(AIRPORTS[random.nextInt(4)]);
      if (view.entity().keys().size() == 2) {
        key += "~" + key(AIRPORTS[random.nextInt(4)]);
      }
      // Few times for each key, so that many rows share one; and a gap longer than the ttl.
      long step = random.nextInt(20);
      long at = START + (step > 10 ? step * 120 + 500 : step * 40) * MINUTE;
      Positions positions = Positions.NONE;
      for (int partition = 0; partition < 2; partition++) {
        if (random.nextInt(4) > 0) {
          positions = positions.advance(partition, random.nextInt(6));
        }
      }
      @Nullable Object[] values = new @Nullable Object[view.features().size()];
      if (values.length == 2) {
        values[0] = (long) random.nextInt(50);
        values[1] = random.nextInt(5) == 0 ? null : random.nextGaussian();
      } else {
        values[0] = random.nextInt(5) == 0 ? null : random.nextGaussian();
      }
      rows.add(
          new Row(
              key,
              at,
              positions,
              1 + random.nextInt(2),
              random.nextInt(6) == 0 ? "ffffffffffff" : view.id(),
              START + i,
              values));
    }
  }

  private void write(WarehouseFixture warehouse) throws Exception {
    List<@Nullable Object[]> rows = new ArrayList<>();
    for (Departure e : departures) {
      rows.add(
          new @Nullable Object[] {
            e.id, time(e.at), e.origin, e.destination, e.distance, e.partition, e.offset, "OK"
          });
    }
    // Two files, so that the order of the log is not the order of the files.
    warehouse.departures(rows.subList(rows.size() / 2, rows.size()));
    warehouse.departures(rows.subList(0, rows.size() / 2));
    rows.clear();
    for (Arrival a : arrivals) {
      rows.add(
          new @Nullable Object[] {
            a.id, time(a.at), "JFK", "LAX", a.delay, a.partition, a.offset, "LATE origin_delays"
          });
    }
    warehouse.arrivals(rows);
    writeRows(warehouse, WarehouseFixture.ORIGIN, originRows);
    writeRows(warehouse, WarehouseFixture.ROUTE, routeRows);
  }

  private static void writeRows(WarehouseFixture warehouse, FeatureView view, List<Row> featureRows)
      throws Exception {
    List<@Nullable Object[]> rows = new ArrayList<>();
    for (Row r : featureRows) {
      @Nullable Object[] row = new @Nullable Object[5 + r.values.length];
      row[0] = r.key;
      row[1] = time(r.at);
      row[2] = r.positions.toString();
      row[3] = r.epoch + "-" + r.id;
      row[4] = time(r.knownAt);
      System.arraycopy(r.values, 0, row, 5, r.values.length);
      rows.add(row);
    }
    warehouse.rows(view, rows);
  }

  private static String key(@Nullable String airport) {
    return airport == null
        ? ""
        : airport.replace("~", "%7E").replace("{", "%7B").replace("}", "%7D");
  }
}
