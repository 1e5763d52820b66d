package dev.millrace.trainer;

import static dev.millrace.trainer.WarehouseFixture.time;
import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.core.definition.Model;
import dev.millrace.core.definition.Model.Input;
import dev.millrace.core.definition.Model.Label;
import dev.millrace.core.definition.Model.Label.Repeat;
import dev.millrace.core.row.Positions;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A view on the model's own source, against the rule read word for word. */
class OwnViewJoinTest {

  private static final long START = Instant.parse("2001-01-01T00:00:00Z").toEpochMilli();
  private static final long SECOND = 1_000;
  private static final String[] AIRPORTS = {"JFK", "LAX", "ORD"};
  private static final int EVENTS = 3_000;

  private record Arrival(long id, long at, String origin, int partition, long offset) {}

  private record Row(long at, Positions positions, long epoch, long number) {}

  private final Path dir;
  private final Random random = new Random(42);

  OwnViewJoinTest(@TempDir Path dir) {
    this.dir = dir;
  }

  @Test
  void eachEventSeesTheRowThatTheStreamShowsIt() throws Exception {
    List<Arrival> events = new ArrayList<>();
    Map<String, List<Row>> log = new HashMap<>();
    makeLog(events, log);
    try (WarehouseFixture warehouse = new WarehouseFixture(dir)) {
      write(warehouse, events, log);
      TrainingSet set =
          new TrainingJoin(warehouse.catalog, WarehouseFixture.project(), message -> {})
              .join(model(), START - 1, START + Duration.ofHours(12).toMillis());
      assertThat(set.size()).isEqualTo(EVENTS);
      Map<String, Arrival> byId = new HashMap<>();
      events.forEach(e -> byId.put(String.valueOf(e.id), e));
      int ownTimes = 0;
      for (int i = 0; i < set.size(); i++) {
        Arrival event = Objects.requireNonNull(byId.get(set.eventIds()[i]));
        List<Row> rows = Objects.requireNonNull(log.get(event.origin));
        Row seen = naive(rows, event);
        assertThat(set.columns()[0][i])
            .as("%s among %s", event, rows.size())
            .isEqualTo(seen == null ? Double.NaN : (double) seen.number);
        Row newest = newest(rows, event.at);
        ownTimes += Objects.equals(seen, newest) ? 0 : 1;
      }
      // Otherwise the newest row of its time would have done as well.
      assertThat(ownTimes).isGreaterThan(200);
    }
  }

  /** Few times, so that many are equal; some out of order; some refused by the view's filter. */
  private void makeLog(List<Arrival> events, Map<String, List<Row>> log) {
    Map<String, Positions> positions = new HashMap<>();
    Map<String, Long> largest = new HashMap<>();
    long[] offsets = new long[2];
    long now = START;
    long number = 0;
    for (int id = 0; id < EVENTS; id++) {
      now += random.nextInt(4) == 0 ? SECOND * random.nextInt(30) : 0;
      String origin = AIRPORTS[random.nextInt(3)];
      List<Row> rows = log.computeIfAbsent(origin, o -> new ArrayList<>());
      // The topic was made anew in the middle; a little later its offsets begin again.
      long epoch = id < EVENTS / 3 ? 1 : 2;
      if (id == EVENTS / 3) {
        positions.clear();
        largest.clear();
        offsets = new long[2];
        now += Duration.ofMinutes(1).toMillis();
      }
      Positions before = positions.get(origin);
      if (before != null && random.nextInt(5) == 0) {
        long at = Math.max(largest.getOrDefault(origin, START), now - random.nextInt(5) * SECOND);
        largest.put(origin, at);
        rows.add(new Row(at, before, epoch, number++));
      }
      int partition = random.nextInt(2);
      long at = random.nextInt(6) == 0 ? now - random.nextInt(20) * SECOND : now;
      Arrival event = new Arrival(id, Math.max(START, at), origin, partition, offsets[partition]++);
      events.add(event);
      if (random.nextInt(8) > 0) {
        long rowAt = Math.max(largest.getOrDefault(origin, START), event.at);
        largest.put(origin, rowAt);
        Positions advanced =
            positions.getOrDefault(origin, Positions.NONE).advance(event.partition, event.offset);
        positions.put(origin, advanced);
        rows.add(new Row(rowAt, advanced, epoch, number++));
      }
    }
  }

  private static @Nullable Row naive(List<Row> rows, Arrival event) {
    // Of an event of the old topic no row of the new one knows anything, nor the other way round;
    // the archive does not tell them apart, but no row of the old one comes after the new began.
    Row found = null;
    for (Row row : rows) {
      if (row.at <= event.at) {
        found = row;
      }
      if (row.epoch == 2 && row.positions.covers(event.partition, event.offset)) {
        return found;
      }
    }
    return found;
  }

  private static @Nullable Row newest(List<Row> rows, long at) {
    Row found = null;
    for (Row row : rows) {
      if (row.at <= at) {
        found = row;
      }
    }
    return found;
  }

  private void write(WarehouseFixture warehouse, List<Arrival> events, Map<String, List<Row>> log)
      throws Exception {
    List<@Nullable Object[]> arrivals = new ArrayList<>();
    List<@Nullable Object[]> departures = new ArrayList<>();
    for (Arrival e : events) {
      arrivals.add(
          new @Nullable Object[] {
            e.id, time(e.at), e.origin, "LAX", 3, e.partition, e.offset, "OK"
          });
      departures.add(
          new @Nullable Object[] {e.id, time(e.at + SECOND), e.origin, "LAX", 100, 0, e.id, "OK"});
    }
    Collections.shuffle(arrivals, random);
    warehouse.arrivals(arrivals);
    warehouse.departures(departures);
    List<@Nullable Object[]> rows = new ArrayList<>();
    log.forEach(
        (origin, entity) -> {
          for (Row r : entity) {
            rows.add(
                new @Nullable Object[] {
                  origin,
                  time(r.at),
                  r.positions.toString(),
                  r.epoch + "-" + WarehouseFixture.ORIGIN.id(),
                  time(START + r.number),
                  r.number,
                  0.0
                });
          }
        });
    Collections.shuffle(rows, random);
    warehouse.rows(WarehouseFixture.ORIGIN, rows.subList(0, rows.size() / 2));
    warehouse.rows(WarehouseFixture.ORIGIN, rows.subList(rows.size() / 2, rows.size()));
  }

  private static Model model() {
    Model plain =
        WarehouseFixture.model(Repeat.LAST, null, Double.NaN, Map.of(), Duration.ofHours(24));
    return new Model(
        "own",
        "arrivals",
        Model.FeatureReads.AS_OF,
        List.of(
            new Input.OfView(
                "origin_delays:count_1h", "origin_delays", "count_1h", List.of("origin"))),
        Double.NaN,
        Map.of(),
        plain.maxFeatureWait(),
        plain.execution(),
        List.of(),
        null,
        plain.delivery(),
        new Label(
            "departures",
            "flight_id",
            "distance > 50 ? 1.0 : 0.0",
            Duration.ofHours(2),
            null,
            Repeat.LAST),
        plain.training());
  }
}
