package dev.millrace.trainer;

import static dev.millrace.trainer.WarehouseFixture.time;
import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.core.definition.Model;
import dev.millrace.core.definition.Model.Label.Repeat;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class WarehouseLagTest {

  private static final long END = Instant.parse("2001-01-02T00:00:00Z").toEpochMilli();
  private static final long MINUTE = 60_000;
  private static final Model MODEL =
      WarehouseFixture.model(Repeat.LAST, null, Double.NaN, Map.of(), Duration.ofHours(24));

  private final Path dir;
  private long nowMillis;
  private final Map<Long, Runnable> atMillis = new TreeMap<>();
  private final List<String> said = new ArrayList<>();

  WarehouseLagTest(@TempDir Path dir) {
    this.dir = dir;
  }

  private interface Writing {
    void run() throws IOException;
  }

  @Test
  void itWaitsForEventsLabelsAndRows() throws Exception {
    try (WarehouseFixture warehouse = new WarehouseFixture(dir)) {
      at(3_000, () -> departures(warehouse, END));
      // Events may be ten minutes out of order.
      at(9_000, () -> departures(warehouse, END + 10 * MINUTE));
      at(40_000, () -> arrivals(warehouse, END + 60 * MINUTE));
      at(95_000, () -> arrivals(warehouse, END + 120 * MINUTE));
      at(98_000, () -> rows(warehouse, END));
      assertThat(waitedMillis(warehouse)).isEqualTo(98_000);
      assertThat(said).hasSize(2).allMatch(s -> s.startsWith("waiting for"));
      // All is there: no wait at all.
      assertThat(waitedMillis(warehouse)).isZero();
    }
  }

  @Test
  void aStreamThatHasEndedIsNotWaitedFor() throws Exception {
    try (WarehouseFixture warehouse = new WarehouseFixture(dir)) {
      at(1_000, () -> departures(warehouse, END - MINUTE));
      at(2_000, () -> arrivals(warehouse, END - MINUTE));
      at(2_500, () -> rows(warehouse, END - MINUTE));
      at(30_000, () -> arrivals(warehouse, END));
      long patienceMillis =
          WarehouseLag.PATIENCE_WITH_EVENTS.toMillis() + WarehouseLag.PATIENCE_WITH_ROWS.toMillis();
      assertThat(waitedMillis(warehouse))
          .isBetween(30_000 + patienceMillis, 32_000 + patienceMillis);
      assertThat(said).filteredOn(s -> s.startsWith("going on without")).hasSize(2);
    }
  }

  private long waitedMillis(WarehouseFixture warehouse) throws InterruptedException {
    long from = nowMillis;
    new WarehouseLag(
            warehouse.catalog,
            millis -> {
              nowMillis += millis;
              List<Long> due = atMillis.keySet().stream().filter(t -> t <= nowMillis).toList();
              for (long time : due) {
                Runnable work = atMillis.remove(time);
                if (work != null) {
                  work.run();
                }
              }
            },
            () -> Duration.ofMillis(nowMillis).toNanos(),
            said::add)
        .await(WarehouseFixture.project(), MODEL, END);
    return nowMillis - from;
  }

  private void at(long millis, Writing writing) {
    atMillis.put(
        millis,
        () -> {
          try {
            writing.run();
          } catch (IOException e) {
            throw new UncheckedIOException(e);
          }
        });
  }

  private static void departures(WarehouseFixture warehouse, long at) throws IOException {
    warehouse.departures(
        row(new @Nullable Object[] {1L, time(at), "JFK", "LAX", 100, 0, at, "OK"}));
  }

  private static void arrivals(WarehouseFixture warehouse, long at) throws IOException {
    warehouse.arrivals(row(new @Nullable Object[] {1L, time(at), "JFK", "LAX", 3, 0, at, "OK"}));
  }

  private static void rows(WarehouseFixture warehouse, long at) throws IOException {
    warehouse.rows(
        WarehouseFixture.ORIGIN,
        row(new @Nullable Object[] {"JFK", time(at), "0:1", "1-0123456789ab", time(at), 1L, 2.0}));
    warehouse.rows(
        WarehouseFixture.ROUTE,
        row(new @Nullable Object[] {"JFK~LAX", time(at), "0:1", "1-ba9876543210", time(at), 2.0}));
  }

  private static List<@Nullable Object[]> row(@Nullable Object[] values) {
    List<@Nullable Object[]> rows = new ArrayList<>();
    rows.add(values);
    return rows;
  }
}
