package dev.millrace.pipeline.training;

import static dev.millrace.pipeline.training.ShopWarehouse.text;
import static dev.millrace.pipeline.training.ShopWarehouse.time;

import dev.millrace.core.row.Positions;
import dev.millrace.platform.Warehouse;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.TreeMap;
import org.apache.flink.table.data.GenericMapData;
import org.apache.flink.table.data.GenericRowData;
import org.apache.flink.table.data.RowData;
import org.jspecify.annotations.Nullable;

/** Payments, orders and reports of a shop as the test knows them, written to its tables. */
final class ShopHistory {

  static final long START = Instant.parse("2026-03-01T00:00:00Z").toEpochMilli();
  static final long HOUR = 3_600_000;

  private static final long MINUTE = 60_000;
  private static final long LATER = 400L * 24 * HOUR;
  private static final int PAYMENTS = 400;

  /** A payment as the test knows it. */
  record Payment(
      String id,
      long time,
      int partition,
      long offset,
      String card,
      @Nullable String shop,
      double amount,
      @Nullable Long scoredAt,
      boolean fraud) {}

  final ShopWarehouse warehouse;
  final List<Payment> payments = new ArrayList<>();
  final Map<String, List<LogRow>> cards = new TreeMap<>();
  final Map<String, List<LogRow>> shops = new TreeMap<>();

  private final Random random = new Random(31);
  private long newestReport;

  ShopHistory(Path dir) throws Exception {
    warehouse = new ShopWarehouse(dir, random);
    simulate();
    writeTables();
  }

  /** The time of the newest report: whose wait ends later has no label yet. */
  long newestReport() {
    return newestReport;
  }

  /** Payments out of order, several of one millisecond; rows as a pipeline would log them. */
  private void simulate() {
    long time = START;
    long known = START + LATER;
    Map<String, Positions> positions = new HashMap<>();
    Map<String, Long> newest = new HashMap<>();
    for (int i = 0; i < PAYMENTS; i++) {
      time += random.nextInt(3) == 0 ? 0 : random.nextInt((int) (10 * MINUTE));
      long at = random.nextInt(5) == 0 ? time - random.nextInt((int) HOUR) : time;
      String card = "c" + random.nextInt(12);
      known += random.nextInt(20);
      boolean scored = random.nextInt(10) > 0;
      Payment payment =
          new Payment(
              "p" + i,
              at,
              i % 2,
              i / 2,
              card,
              random.nextInt(8) == 0 ? null : "s" + random.nextInt(9),
              random.nextInt(1000) / 10.0,
              scored ? known - random.nextInt(30) : null,
              random.nextInt(6) == 0);
      payments.add(payment);
      if (random.nextInt(9) > 0) {
        Positions next =
            positions.getOrDefault(card, Positions.NONE).advance(payment.partition, payment.offset);
        positions.put(card, next);
        long t = Math.max(newest.getOrDefault(card, Long.MIN_VALUE), at);
        newest.put(card, t);
        cards
            .computeIfAbsent(card, c -> new ArrayList<>())
            .add(
                new LogRow(
                    card, t, 3, next, known, new Object[] {(long) i, i % 7 == 0 ? null : i / 2.0}));
      }
      if (i % 3 == 0) {
        // Shops s7 and s8 have no rows.
        String shop = "s" + random.nextInt(7);
        List<LogRow> log = shops.computeIfAbsent(shop, s -> new ArrayList<>());
        long t = Math.max(log.isEmpty() ? 0 : log.get(log.size() - 1).timeMillis(), at);
        log.add(
            new LogRow(shop, t, 3, Positions.NONE.advance(0, i), known, new Object[] {1000L + i}));
      }
    }
  }

  private void writeTables() throws IOException {
    List<RowData> events = new ArrayList<>();
    List<RowData> reports = new ArrayList<>();
    List<RowData> predictions = new ArrayList<>();
    for (Payment p : payments) {
      events.add(event(p));
      if (random.nextInt(20) == 0) {
        // The archive may hold an event twice; the first one counts.
        events.add(
            event(
                new Payment(
                    p.id,
                    p.time,
                    p.partition,
                    p.offset + 5000,
                    p.card,
                    p.shop,
                    77777,
                    null,
                    false)));
      }
      if (p.fraud) {
        reports.add(
            GenericRowData.of(
                text("r" + p.id), time(p.time + HOUR), text(p.id), 0, p.offset, text("OK")));
      } else if (random.nextInt(5) == 0) {
        // Not within its wait.
        newestReport = Math.max(newestReport, p.time + 3 * HOUR);
        reports.add(
            GenericRowData.of(
                text("r" + p.id), time(p.time + 3 * HOUR), text(p.id), 0, p.offset, text("OK")));
      }
      if (p.scoredAt != null) {
        predictions.add(prediction(p));
      }
    }
    long end = payments.stream().mapToLong(Payment::time).max().orElseThrow();
    newestReport = Math.max(newestReport, end + HOUR);
    reports.add(GenericRowData.of(text("end"), time(end + HOUR), text("?"), 0, 9999L, text("OK")));
    warehouse.source("payments", events);
    warehouse.source("orders", List.of());
    warehouse.source("reports", reports);
    warehouse.append(
        Warehouse.predictions("shop", "fraud"),
        Warehouse.predictionsSchema(),
        "event_time",
        predictions);
    warehouse.view("cards", cards);
    warehouse.view("shops", shops);
  }

  /** What comes in after the first sets were joined. */
  void moreRows() throws IOException {
    Payment last = payments.get(PAYMENTS - 1);
    Map<String, List<LogRow>> late = new TreeMap<>();
    for (Map.Entry<String, List<LogRow>> log : shops.entrySet()) {
      late.put(
          log.getKey(),
          List.of(
              new LogRow(
                  log.getKey(),
                  last.time,
                  3,
                  Positions.NONE.advance(0, 9000),
                  START + 2 * LATER,
                  new Object[] {5L})));
    }
    warehouse.view("shops", late);
    warehouse.source(
        "payments",
        List.of(event(new Payment("new", last.time, 0, 8000, "c1", "s1", 1, null, false))));
  }

  /** The last row of a log as it was known then. */
  static @Nullable LogRow last(@Nullable List<LogRow> log, long time, long known) {
    LogRow last = null;
    for (LogRow row : log == null ? List.<LogRow>of() : log) {
      if (row.timeMillis() <= time && row.knownAtMillis() <= known) {
        last = row;
      }
    }
    return last;
  }

  private static RowData event(Payment p) {
    return GenericRowData.of(
        text(p.id),
        time(p.time),
        text(p.card),
        p.shop == null ? null : text(p.shop),
        p.amount,
        p.partition,
        p.offset,
        text("OK"));
  }

  private static RowData prediction(Payment p) {
    GenericRowData row = new GenericRowData(18);
    row.setField(0, text("prediction of " + p.id));
    row.setField(1, text(p.id));
    row.setField(2, new GenericMapData(Map.of()));
    row.setField(3, time(p.time));
    row.setField(4, time(Objects.requireNonNull(p.scoredAt)));
    row.setField(5, text("fraud"));
    row.setField(6, 1);
    row.setField(8, text("CHAMPION"));
    row.setField(12, 0.5);
    row.setField(14, new GenericMapData(Map.of()));
    row.setField(15, new GenericMapData(Map.of()));
    return row;
  }
}
