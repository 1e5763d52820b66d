package dev.millrace.pipeline.batch;

import dev.millrace.core.definition.Definitions;
import dev.millrace.core.definition.Project;
import dev.millrace.platform.Target;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import org.apache.iceberg.DataFile;
import org.apache.iceberg.DataFiles;
import org.apache.iceberg.Schema;
import org.apache.iceberg.Table;
import org.apache.iceberg.catalog.Catalog;
import org.apache.iceberg.catalog.TableIdentifier;
import org.apache.iceberg.data.GenericRecord;
import org.apache.iceberg.data.Record;
import org.apache.iceberg.data.parquet.GenericParquetWriter;
import org.apache.iceberg.io.FileAppender;
import org.apache.iceberg.parquet.Parquet;
import org.apache.iceberg.shaded.org.apache.parquet.conf.PlainParquetConfiguration;
import org.apache.iceberg.shaded.org.apache.parquet.example.data.Group;
import org.apache.iceberg.shaded.org.apache.parquet.example.data.simple.SimpleGroupFactory;
import org.apache.iceberg.shaded.org.apache.parquet.hadoop.ParquetWriter;
import org.apache.iceberg.shaded.org.apache.parquet.hadoop.example.ExampleParquetWriter;
import org.apache.iceberg.shaded.org.apache.parquet.io.LocalOutputFile;
import org.apache.iceberg.shaded.org.apache.parquet.schema.MessageType;
import org.apache.iceberg.shaded.org.apache.parquet.schema.MessageTypeParser;
import org.apache.iceberg.types.Types;
import org.jspecify.annotations.Nullable;

/** Orders in files and in a table, as those who make batches write them. */
public final class Orders {

  public static final long START = Instant.parse("2026-03-01T00:00:00Z").toEpochMilli();

  /** The table's columns; their order is not the schema's. */
  static final Schema TABLE =
      new Schema(
          Types.NestedField.optional(1, "amount", Types.DoubleType.get()),
          Types.NestedField.optional(2, "shop", Types.StringType.get()),
          Types.NestedField.required(3, "at", Types.TimestampType.withZone()),
          Types.NestedField.required(4, "id", Types.StringType.get()),
          Types.NestedField.optional(5, "unused", Types.LongType.get()));

  private static final MessageType FILE =
      MessageTypeParser.parseMessageType(
          """
          message order {
            optional binary shop (STRING);
            required binary id (STRING);
            optional double amount;
            optional int64 unused;
            required int64 at (TIMESTAMP(MILLIS,true));
          }
          """);

  private static final String SCHEMA =
      """
      {"type": "record", "name": "Order", "fields": [
        {"name": "id", "type": "string"},
        {"name": "at", "type": {"type": "long", "logicalType": "timestamp-millis"}},
        {"name": "shop", "type": ["null", "string"]},
        {"name": "amount", "type": "double"},
        {"name": "note", "type": "string", "default": "none"}]}
      """;

  /** One order. */
  public record Order(String id, long time, @Nullable String shop, @Nullable Double amount) {}

  /**
   * @param source the lines of the source that say where it is
   */
  public static Project project(String source) {
    return Definitions.read(
        Map.of(
            "millrace.yaml",
            """
            project: shops
            sources:
              - name: orders
                schema: order.avsc
                event-id: id
                event-time: at
                max-out-of-orderness: 1h
                contract: [{name: amount_is_positive, check: "amount > 0.0"}]
                %s
            entities:
              - {name: shop, keys: [shop]}
            feature-views:
              - name: shop_orders
                entity: shop
                source: orders
                aggregations:
                  - {function: count, windows: [2h]}
                  - {function: sum, column: amount, windows: [2h]}
                  - {function: last, column: note}
            """
                .formatted(source),
            "order.avsc",
            SCHEMA));
  }

  /** A stack of which only the catalog is there. */
  public static Target target(Path folder) {
    return new Target(
        "127.0.0.1:1",
        "http://127.0.0.1:1",
        "127.0.0.1:1",
        "http://127.0.0.1:1",
        null,
        folder.resolve("warehouse").toUri().toString(),
        "jdbc:sqlite:" + folder.resolve("catalog.db") + "?busy_timeout=30000",
        folder.resolve("artifacts").toUri().toString());
  }

  /** Orders from the given minute on, their times in any order within six hours. */
  public static List<Order> random(Random random, String prefix, long fromMinute, int count) {
    List<Order> orders = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      orders.add(
          new Order(
              String.format(Locale.ROOT, "%s-%04d", prefix, i),
              START + (fromMinute + random.nextInt(360)) * 60_000L,
              "s" + random.nextInt(5),
              1.0 + random.nextInt(100)));
    }
    return orders;
  }

  /** Writes a file as another program would: without Iceberg's ids, and whole at once. */
  public static Path write(Path file, List<Order> orders, long modifiedMillis) throws IOException {
    Path part = file.resolveSibling("_" + file.getFileName());
    try (ParquetWriter<Group> writer =
        ExampleParquetWriter.builder(new LocalOutputFile(part))
            .withConf(new PlainParquetConfiguration())
            .withType(FILE)
            .build()) {
      for (Order order : orders) {
        Group row = new SimpleGroupFactory(FILE).newGroup();
        row.append("id", order.id).append("at", order.time);
        if (order.shop != null) {
          row.append("shop", order.shop);
        }
        if (order.amount != null) {
          row.append("amount", order.amount);
        }
        writer.write(row);
      }
    }
    Files.setLastModifiedTime(part, FileTime.fromMillis(modifiedMillis));
    return Files.move(part, file);
  }

  /** A new file of the table, which no snapshot has yet. */
  static DataFile dataFile(Table table, String name, List<Order> orders) throws IOException {
    var output = table.io().newOutputFile(table.location() + "/data/" + name + ".parquet");
    FileAppender<Record> appender =
        Parquet.write(output)
            .schema(table.schema())
            .createWriterFunc(type -> GenericParquetWriter.create(table.schema(), type))
            .build();
    try (appender) {
      for (Order order : orders) {
        GenericRecord record = GenericRecord.create(table.schema());
        record.setField("id", order.id);
        record.setField("at", Instant.ofEpochMilli(order.time).atOffset(ZoneOffset.UTC));
        record.setField("shop", order.shop);
        record.setField("amount", order.amount);
        appender.add(record);
      }
    }
    return DataFiles.builder(table.spec())
        .withInputFile(output.toInputFile())
        .withMetrics(appender.metrics())
        .withFormat("PARQUET")
        .build();
  }

  /** The table, without a row. */
  public static Table table(Catalog catalog, TableIdentifier name) {
    return catalog.createTable(name, TABLE);
  }

  public static void append(Table table, String name, List<Order> orders) throws IOException {
    table.newAppend().appendFile(dataFile(table, name, orders)).commit();
  }

  /** For each order the row after it: shop, T, count and sum of two hours, by plain loops. */
  public static Map<String, List<String>> rows(List<List<Order>> deliveries) {
    Map<String, List<Order>> byShop = new TreeMap<>();
    Map<String, List<String>> rows = new TreeMap<>();
    for (List<Order> delivery : deliveries) {
      List<Order> sorted = new ArrayList<>(delivery);
      sorted.sort(Comparator.comparingLong(Order::time));
      for (Order order : sorted) {
        String shop = String.valueOf(order.shop);
        List<Order> all = byShop.computeIfAbsent(shop, k -> new ArrayList<>());
        all.add(order);
        long at = all.stream().mapToLong(Order::time).max().orElseThrow();
        List<Order> window = all.stream().filter(o -> o.time > at - 2 * 3_600_000).toList();
        double sum = window.stream().mapToDouble(o -> o.amount == null ? 0 : o.amount).sum();
        rows.computeIfAbsent(shop, k -> new ArrayList<>())
            .add(at + " " + window.size() + " " + sum + " none");
      }
    }
    return rows;
  }

  private Orders() {}
}
