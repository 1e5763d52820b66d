package dev.millrace.drift.audit;

import dev.millrace.core.definition.Entity;
import dev.millrace.core.definition.Feature;
import dev.millrace.core.definition.Feature.Function;
import dev.millrace.core.definition.Feature.ValueType;
import dev.millrace.core.definition.FeatureView;
import dev.millrace.core.definition.Source;
import dev.millrace.core.row.EntityKeys;
import dev.millrace.core.row.Positions;
import dev.millrace.platform.Target;
import dev.millrace.platform.Warehouse;
import dev.millrace.streaming.IcebergEnds;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.SortedMap;
import java.util.TreeMap;
import org.apache.avro.LogicalTypes;
import org.apache.avro.Schema;
import org.apache.avro.SchemaBuilder;
import org.apache.flink.table.data.GenericRowData;
import org.apache.flink.table.data.RowData;
import org.apache.flink.table.data.StringData;
import org.apache.flink.table.data.TimestampData;
import org.apache.iceberg.AppendFiles;
import org.apache.iceberg.DataFile;
import org.apache.iceberg.FileFormat;
import org.apache.iceberg.SerializableTable;
import org.apache.iceberg.Table;
import org.apache.iceberg.flink.FlinkSchemaUtil;
import org.apache.iceberg.flink.TableLoader;
import org.apache.iceberg.flink.sink.RowDataTaskWriterFactory;
import org.apache.iceberg.io.TaskWriter;
import org.apache.iceberg.jdbc.JdbcCatalog;
import org.jspecify.annotations.Nullable;

/**
 * Payments of a shop over three partitions, out of order, late and repeated: their archive in a
 * real table, and the rows that two views have after each of them, by loops over lists that share
 * nothing with what is tested. Amounts are whole, so that sums in any order are exact.
 */
final class Shop {

  static final long MINUTE = 60_000;
  static final long HOUR = 60 * MINUTE;
  static final long START = 1_704_067_200_000L;
  static final String VERSION = "4-0123456789ab";
  static final long DEDUP = 10 * MINUTE;

  private static final long DISORDER = 5 * MINUTE;
  private static final int PARTITIONS = 3;

  static final Schema SCHEMA =
      SchemaBuilder.record("payment")
          .fields()
          .requiredString("id")
          .name("at")
          .type(LogicalTypes.timestampMillis().addToSchema(Schema.create(Schema.Type.LONG)))
          .noDefault()
          .requiredString("card")
          .requiredInt("shop")
          .optionalDouble("amount")
          .requiredBoolean("approved")
          .endRecord();

  static final Source SOURCE =
      new Source(
          "payments",
          "payments",
          Source.Kind.KAFKA,
          Source.Format.AVRO,
          SCHEMA,
          "id",
          "at",
          Duration.ofMillis(DISORDER),
          Duration.ofHours(1),
          Duration.ofMillis(DEDUP),
          true,
          List.of(),
          null);

  /** One record of the log. */
  record Payment(
      int partition,
      long offset,
      String id,
      long at,
      String card,
      int shop,
      @Nullable Double amount,
      boolean approved,
      String verdict) {

    String key() {
      return String.valueOf(EntityKeys.join(List.of(card, shop)));
    }
  }

  /** How a view is served, by loops. */
  private static final class Served {
    private final FeatureView view;
    private final List<Payment> counted = new ArrayList<>();
    private Positions positions = Positions.NONE;
    private long time = Long.MIN_VALUE;

    Served(FeatureView view) {
      this.view = view;
    }

    void take(Payment payment) {
      positions = positions.advance(payment.partition, payment.offset);
      Payment before = null;
      for (Payment other : counted) {
        if (other.id.equals(payment.id)) {
          before = other;
        }
      }
      if (before == null || Math.abs(before.at - payment.at) > DEDUP) {
        counted.add(payment);
        time = Math.max(time, payment.at);
      }
    }

    /** T of a refresh, which events that are not after it leave as it is. */
    void refresh(long atMillis) {
      time = Math.max(time, atMillis / MINUTE * MINUTE);
    }

    AuditCase row(String id, String key) {
      SortedMap<String, @Nullable Double> values = new TreeMap<>();
      for (Feature feature : view.features()) {
        values.put(feature.name(), value(feature));
      }
      return new AuditCase(id, "risk", view.name(), key, time, positions, VERSION, 7, values);
    }

    private @Nullable Double value(Feature feature) {
      List<Payment> in = counted.stream().filter(p -> inWindow(feature, p.at)).toList();
      List<Payment> valued = in.stream().filter(p -> p.amount != null).toList();
      double[] amounts =
          valued.stream().mapToDouble(p -> p.amount == null ? 0 : p.amount).toArray();
      double sum = 0;
      double max = Double.NEGATIVE_INFINITY;
      for (double amount : amounts) {
        sum += amount;
        max = Math.max(max, amount);
      }
      if (feature.function() == Function.COUNT) {
        return (double) in.size();
      }
      if (valued.isEmpty()) {
        return null;
      }
      return switch (feature.function()) {
        case SUM -> sum;
        case MEAN -> sum / amounts.length;
        case MAX -> max;
        case LAST -> last(valued);
        default -> throw new AssertionError(feature.function());
      };
    }

    private static @Nullable Double last(List<Payment> payments) {
      Payment last = payments.get(0);
      for (Payment other : payments) {
        boolean later =
            other.at != last.at
                ? other.at > last.at
                : other.partition != last.partition
                    ? other.partition > last.partition
                    : other.offset > last.offset;
        last = later ? other : last;
      }
      return last.amount;
    }

    private boolean inWindow(Feature feature, long at) {
      if (feature.window() == null) {
        return true;
      }
      long from = time - feature.window().toMillis() + 1;
      if (view.accuracy() == FeatureView.Accuracy.TILED) {
        // An hour's hop: the highest power of two not above 56,250 ms.
        return at / 32_768 >= from / 32_768;
      }
      return at >= from;
    }
  }

  final Target target;
  final List<Payment> log = new ArrayList<>();
  final List<AuditCase> rows = new ArrayList<>();

  Shop(Path dir) {
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
  }

  static FeatureView exact() {
    return view(
        "exact",
        FeatureView.Accuracy.EXACT,
        Duration.ofMinutes(5),
        feature("count_1h", Function.COUNT, Duration.ofHours(1)),
        feature("amount_sum_1h", Function.SUM, Duration.ofHours(1)),
        feature("amount_mean_1h", Function.MEAN, Duration.ofHours(1)),
        feature("amount_max_15m", Function.MAX, Duration.ofMinutes(15)));
  }

  static FeatureView tiled() {
    return view(
        "tiled",
        FeatureView.Accuracy.TILED,
        Duration.ZERO,
        feature("count_1h", Function.COUNT, Duration.ofHours(1)),
        feature("amount_sum_1h", Function.SUM, Duration.ofHours(1)),
        feature("amount_last", Function.LAST, null));
  }

  private static Feature feature(String name, Function function, @Nullable Duration window) {
    boolean count = function == Function.COUNT;
    return new Feature(
        name, function, count ? null : "amount", window, count ? ValueType.LONG : ValueType.DOUBLE);
  }

  private static FeatureView view(
      String name, FeatureView.Accuracy accuracy, Duration lateness, Feature... features) {
    return new FeatureView(
        name,
        new Entity("card", List.of("card", "shop")),
        "payments",
        List.of("card", "shop"),
        "approved",
        accuracy,
        Duration.ofMinutes(1),
        lateness,
        Duration.ofDays(7),
        List.of(features),
        "0123456789ab");
  }

  /** Payments of some cards over half a day, and the rows after each. */
  void trade(Random random, int payments) {
    List<FeatureView> views = List.of(exact(), tiled());
    Map<String, Served> served = new LinkedHashMap<>();
    long[] offsets = new long[PARTITIONS];
    Map<Integer, Long> largest = new HashMap<>();
    long now = START;
    for (int i = 0; i < payments; i++) {
      now += random.nextInt(80_000);
      long at = now;
      if (random.nextInt(5) == 0) {
        at -= random.nextInt((int) (14 * MINUTE));
      }
      if (random.nextInt(6) == 0) {
        at = at / MINUTE * MINUTE;
      }
      int partition = random.nextInt(PARTITIONS);
      String card = new String[] {"a~b", "c%7E", "é"}[random.nextInt(3)];
      Payment repeated =
          random.nextInt(6) == 0 && !log.isEmpty() ? log.get(random.nextInt(log.size())) : null;
      Double amount = random.nextInt(9) == 0 ? null : (Double) (double) (random.nextInt(500) - 50);
      Payment payment =
          repeated != null
              ? new Payment(
                  repeated.partition,
                  offsets[repeated.partition]++,
                  repeated.id,
                  repeated.at,
                  repeated.card,
                  repeated.shop,
                  repeated.amount,
                  repeated.approved,
                  "")
              : new Payment(
                  partition,
                  offsets[partition]++,
                  "p" + i,
                  at,
                  card,
                  random.nextInt(2),
                  amount,
                  random.nextInt(10) > 0,
                  "");
      take(payment, views, served, largest, "%016x".formatted(i));
      if (random.nextInt(4) == 0) {
        for (Served of : served.values()) {
          of.refresh(now - 10 * MINUTE + random.nextInt((int) (15 * MINUTE)));
        }
      }
    }
  }

  /** The judge's rule: behind the largest time of the partition by more than the view takes. */
  private void take(
      Payment payment,
      List<FeatureView> views,
      Map<String, Served> served,
      Map<Integer, Long> largest,
      String id) {
    Long before = largest.get(payment.partition);
    largest.merge(payment.partition, payment.at, Math::max);
    List<String> late = new ArrayList<>();
    for (FeatureView view : views) {
      long lag = DISORDER + view.allowedLateness().toMillis();
      if (payment.approved && before != null && before - payment.at > lag) {
        late.add(view.name());
      } else if (payment.approved) {
        Served of = served.computeIfAbsent(view.name() + payment.key(), k -> new Served(view));
        of.take(payment);
        rows.add(of.row(id, payment.key()));
      }
    }
    log.add(
        new Payment(
            payment.partition,
            payment.offset,
            payment.id,
            payment.at,
            payment.card,
            payment.shop,
            payment.amount,
            payment.approved,
            late.isEmpty() ? "OK" : "LATE " + String.join(",", late)));
  }

  /** Adds records to the archive, in some commits of several files. */
  void archive(List<Payment> payments) throws IOException {
    try (JdbcCatalog catalog = Warehouse.open(target)) {
      Table table =
          Warehouse.ensure(
              catalog, Warehouse.events("shop", "payments"), Warehouse.eventsSchema(SOURCE), "at");
      int size = Math.max(1, payments.size() / 4 + 1);
      for (int from = 0; from < payments.size(); from += size) {
        append(table, payments.subList(from, Math.min(payments.size(), from + size)));
        table.refresh();
      }
    }
  }

  private static void append(Table table, List<Payment> payments) throws IOException {
    Table copy = SerializableTable.copyOf(table);
    RowDataTaskWriterFactory writers =
        new RowDataTaskWriterFactory(
            () -> copy,
            FlinkSchemaUtil.convert(table.schema()),
            Long.MAX_VALUE,
            FileFormat.PARQUET,
            table.properties(),
            null,
            false,
            table.schema(),
            table.spec());
    writers.initialize(0, 0);
    try (TaskWriter<RowData> writer = writers.create()) {
      for (Payment payment : payments) {
        writer.write(
            GenericRowData.of(
                StringData.fromString(payment.id),
                TimestampData.fromEpochMillis(payment.at),
                StringData.fromString(payment.card),
                payment.shop,
                payment.amount,
                payment.approved,
                payment.partition,
                payment.offset,
                StringData.fromString(payment.verdict)));
      }
      AppendFiles append = table.newAppend();
      for (DataFile file : writer.dataFiles()) {
        append.appendFile(file);
      }
      append.commit();
    }
  }

  TableLoader loader() {
    return IcebergEnds.loader(target, Warehouse.events("shop", "payments"));
  }

  static AuditOptions options() {
    return new AuditOptions(1, 60, 10_000, Duration.ofMinutes(10), 100_000);
  }
}
