package dev.millrace.pipeline.training;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import dev.millrace.core.definition.Definitions;
import dev.millrace.core.definition.FeatureView;
import dev.millrace.core.definition.Project;
import dev.millrace.core.definition.Source;
import dev.millrace.core.row.Positions;
import dev.millrace.platform.Target;
import dev.millrace.platform.Warehouse;
import dev.millrace.streaming.StrictEnvironment;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.TreeMap;
import org.apache.flink.api.common.RuntimeExecutionMode;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.configuration.RestartStrategyOptions;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.table.data.GenericMapData;
import org.apache.flink.table.data.GenericRowData;
import org.apache.flink.table.data.RowData;
import org.apache.flink.table.data.StringData;
import org.apache.flink.table.data.TimestampData;
import org.apache.iceberg.AppendFiles;
import org.apache.iceberg.DataFile;
import org.apache.iceberg.FileFormat;
import org.apache.iceberg.SerializableTable;
import org.apache.iceberg.Table;
import org.apache.iceberg.catalog.TableIdentifier;
import org.apache.iceberg.flink.FlinkSchemaUtil;
import org.apache.iceberg.flink.sink.RowDataTaskWriterFactory;
import org.apache.iceberg.io.TaskWriter;
import org.apache.iceberg.jdbc.JdbcCatalog;
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
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Whole sets in batch mode over real tables, against a naive join. */
class TrainingSetITCase {

  private static final long START = Instant.parse("2026-03-01T00:00:00Z").toEpochMilli();
  private static final long MINUTE = 60_000;
  private static final long HOUR = 60 * MINUTE;
  private static final long LATER = 400L * 24 * HOUR;
  private static final int PAYMENTS = 400;

  private static final Map<String, String> FILES =
      Map.of(
          "millrace.yaml",
          """
          project: shop
          sources:
            - {name: payments, schema: payment.avsc, event-id: id, event-time: at}
            - {name: orders, schema: order.avsc, event-id: id, event-time: at}
            - {name: reports, schema: report.avsc, event-id: report, event-time: at}
          entities:
            - {name: card, keys: [card]}
            - {name: shop, keys: [shop]}
          feature-views:
            - name: cards
              entity: card
              source: payments
              aggregations:
                - {function: count, windows: [1h]}
                - {function: mean, column: amount, windows: [1h]}
            - name: shops
              entity: shop
              source: orders
              aggregations:
                - {function: count, windows: [1h]}
          models:
            - name: fraud
              source: payments
              inputs:
                - cards:*
                - shops:count_1h
                - {name: amount, value: "amount"}
              missing: {default: -1, amount: 0}
              fallback: "0.1"
              label: {source: reports, on: payment, value: "1.0", wait: 2h, absent: 0}
          """,
          "payment.avsc",
          """
          {"type": "record", "name": "Payment", "fields": [
            {"name": "id", "type": "string"},
            {"name": "at", "type": {"type": "long", "logicalType": "timestamp-millis"}},
            {"name": "card", "type": "string"},
            {"name": "shop", "type": ["null", "string"], "default": null},
            {"name": "amount", "type": "double"}]}
          """,
          "order.avsc",
          """
          {"type": "record", "name": "Order", "fields": [
            {"name": "id", "type": "string"},
            {"name": "at", "type": {"type": "long", "logicalType": "timestamp-millis"}},
            {"name": "shop", "type": "string"}]}
          """,
          "report.avsc",
          """
          {"type": "record", "name": "Report", "fields": [
            {"name": "report", "type": "string"},
            {"name": "at", "type": {"type": "long", "logicalType": "timestamp-millis"}},
            {"name": "payment", "type": "string"}]}
          """);

  /** A payment as the test knows it. */
  private record Payment(
      String id,
      long time,
      int partition,
      long offset,
      String card,
      @Nullable String shop,
      double amount,
      @Nullable Long scoredAt,
      boolean fraud) {}

  private final Path dir;
  private final Target target;
  private final Project project;
  private final Random random = new Random(31);
  private final List<Payment> payments = new ArrayList<>();
  private final Map<String, List<LogRow>> cards = new TreeMap<>();
  private final Map<String, List<LogRow>> shops = new TreeMap<>();
  private long newestReport;

  TrainingSetITCase(@TempDir Path dir) throws Exception {
    this.dir = dir;
    this.target =
        new Target(
            "127.0.0.1:1",
            "http://127.0.0.1:1",
            "127.0.0.1:1",
            "http://127.0.0.1:1",
            null,
            dir.resolve("warehouse").toUri().toString(),
            "jdbc:sqlite:" + dir.resolve("catalog.db") + "?busy_timeout=30000",
            dir.resolve("artifacts").toUri().toString());
    this.project = Definitions.read(FILES);
  }

  @Test
  void setsOfModelsAndSpinesAreWhatANaiveJoinGives() throws Exception {
    simulate();
    writeTables();
    Map<Knowledge, String> hashes = new HashMap<>();
    Map<String, Long> snapshots = new HashMap<>();
    for (Knowledge knowledge : Knowledge.values()) {
      Path out = dir.resolve("fraud-" + knowledge + ".parquet");
      JsonNode report = join(model(knowledge, out, Map.of()));
      List<List<@Nullable Object>> expected = naive(knowledge);
      assertThat(read(out)).isEqualTo(expected);
      assertThat(report.path("rows").asInt()).isEqualTo(expected.size());
      assertThat(report.path("nulls").path("shops_count_1h").asDouble())
          .as(report.toString())
          .isBetween(0.05, 1.0);
      hashes.put(knowledge, report.path("sha256").asText());
      JsonNode ids =
          new JsonMapper().readTree(report.path("from").path("millrace.snapshots").asText());
      ids.properties().forEach(e -> snapshots.put(e.getKey(), e.getValue().asLong()));
    }
    assertThat(hashes.values()).doesNotHaveDuplicates();
    assertThat(snapshots).hasSize(5);

    spine();
    moreRows();
    Path again = dir.resolve("again.parquet");
    assertThat(join(model(Knowledge.STREAM, again, snapshots)).path("sha256").asText())
        .isEqualTo(hashes.get(Knowledge.STREAM));
    assertThat(Files.mismatch(again, dir.resolve("fraud-STREAM.parquet"))).isEqualTo(-1);
    assertThat(join(model(Knowledge.STREAM, again, Map.of())).path("sha256").asText())
        .isNotEqualTo(hashes.get(Knowledge.STREAM));
  }

  private static SetRequest model(Knowledge knowledge, Path out, Map<String, Long> snapshots) {
    SetRequest request =
        new SetRequest("fraud", null, List.of(), knowledge, null, out.toString(), snapshots);
    // What the job's main makes of the arguments it is started with.
    return SetRequest.parse(request.arguments().toArray(new String[0]), new ArrayList<>());
  }

  private JsonNode join(SetRequest request) throws Exception {
    Configuration conf = new Configuration();
    conf.set(RestartStrategyOptions.RESTART_STRATEGY, "none");
    StreamExecutionEnvironment env =
        StrictEnvironment.strict(StreamExecutionEnvironment.createLocalEnvironment(2, conf));
    env.setRuntimeMode(RuntimeExecutionMode.BATCH);
    // The tables here are made up, so what they say is taken for corrected.
    SetGraph.define(
        env,
        target,
        project,
        request,
        (in, tables, of, view, features, after, until, uid) ->
            SetGraph.log(
                in,
                tables,
                Warehouse.features(of.name(), view.name()),
                view.id(),
                features,
                after,
                until,
                uid));
    env.execute("training-set");
    return new JsonMapper().readTree(Files.readString(Path.of(request.out() + ".json")));
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
    source("payments", events);
    source("orders", List.of());
    source("reports", reports);
    append(
        Warehouse.predictions("shop", "fraud"),
        Warehouse.predictionsSchema(),
        "event_time",
        predictions);
    view("cards", cards);
    view("shops", shops);
  }

  private void moreRows() throws IOException {
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
    view("shops", late);
    source(
        "payments",
        List.of(event(new Payment("new", last.time, 0, 8000, "c1", "s1", 1, null, false))));
  }

  private void spine() throws Exception {
    MessageType schema =
        MessageTypeParser.parseMessageType(
            "message spine { required binary shop (UTF8); required int64 event_time"
                + " (TIMESTAMP(MILLIS,true)); optional double weight; }");
    Path file = dir.resolve("spine.parquet");
    List<List<@Nullable Object>> expected = new ArrayList<>();
    try (ParquetWriter<Group> writer =
        ExampleParquetWriter.builder(new LocalOutputFile(file))
            .withConf(new PlainParquetConfiguration())
            .withRowGroupSize(2000L)
            .withType(schema)
            .build()) {
      for (int i = 0; i < 300; i++) {
        // Ascending, so that the order of the set is that of the file; two of ten are the same.
        long at = START + i / 10 * HOUR + Math.max(1, i % 10);
        String shop = "s" + (i % 10 == 1 ? 0 : i % 10 % 9);
        Group row = new SimpleGroupFactory(schema).newGroup();
        row.add(0, shop);
        row.add(1, at);
        List<@Nullable Object> values = new ArrayList<>(List.of(shop, at));
        if (i % 3 == 0) {
          row.add(2, (double) i);
          values.add((double) i);
        } else {
          values.add(null);
        }
        writer.write(row);
        LogRow seen = last(shops.get(shop), at, Long.MAX_VALUE);
        values.add(seen == null ? null : seen.values()[0]);
        expected.add(values);
      }
    }
    Path out = dir.resolve("of-spine.parquet");
    JsonNode report =
        join(
            new SetRequest(
                null,
                file.toString(),
                List.of("shops:*"),
                Knowledge.CORRECTED,
                null,
                out.toString(),
                Map.of()));
    assertThat(read(out)).isEqualTo(expected);
    assertThat(report.path("duplicates").asInt()).isEqualTo(30);
  }

  private List<List<@Nullable Object>> naive(Knowledge knowledge) {
    List<Payment> taken = new ArrayList<>();
    for (Payment p : payments) {
      boolean mature = p.time + 2 * HOUR <= newestReport;
      if (mature && (knowledge != Knowledge.SERVED || p.scoredAt != null)) {
        taken.add(p);
      }
    }
    taken.sort((a, b) -> a.time != b.time ? Long.compare(a.time, b.time) : a.id.compareTo(b.id));
    List<List<@Nullable Object>> rows = new ArrayList<>();
    for (Payment p : taken) {
      long known =
          knowledge == Knowledge.SERVED ? Objects.requireNonNull(p.scoredAt) : Long.MAX_VALUE;
      LogRow card =
          knowledge == Knowledge.CORRECTED
              ? last(cards.get(p.card), p.time, known)
              : seen(cards.get(p.card), p, known);
      LogRow shop = p.shop == null ? null : last(shops.get(p.shop), p.time, known);
      List<@Nullable Object> row = new ArrayList<>(List.of(p.id, p.time * 1000));
      row.add(number(card, 0));
      row.add(number(card, 1));
      row.add(number(shop, 0));
      row.add(p.amount);
      row.add(p.fraud ? 1.0 : 0.0);
      rows.add(row);
    }
    return rows;
  }

  private static double number(@Nullable LogRow row, int feature) {
    Object value = row == null ? null : row.values()[feature];
    return value == null ? -1 : ((Number) value).doubleValue();
  }

  private static @Nullable LogRow last(@Nullable List<LogRow> log, long time, long known) {
    LogRow last = null;
    for (LogRow row : log == null ? List.<LogRow>of() : log) {
      if (row.timeMillis() <= time && row.knownAtMillis() <= known) {
        last = row;
      }
    }
    return last;
  }

  private static @Nullable LogRow seen(@Nullable List<LogRow> log, Payment p, long known) {
    LogRow seen = null;
    for (LogRow row : log == null ? List.<LogRow>of() : log) {
      if (row.knownAtMillis() > known) {
        continue;
      }
      if (row.timeMillis() <= p.time) {
        seen = row;
      }
      if (row.positions().covers(p.partition, p.offset)) {
        break;
      }
    }
    return seen;
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

  private static StringData text(String text) {
    return StringData.fromString(text);
  }

  private static TimestampData time(long millis) {
    return TimestampData.fromEpochMillis(millis);
  }

  private void source(String name, List<RowData> rows) throws IOException {
    Source source = project.source(name).orElseThrow();
    append(Warehouse.events("shop", name), Warehouse.eventsSchema(source), "at", rows);
  }

  private void view(String name, Map<String, List<LogRow>> logs) throws IOException {
    FeatureView view = project.featureView(name).orElseThrow();
    List<RowData> rows = new ArrayList<>();
    for (List<LogRow> log : logs.values()) {
      for (LogRow row : log) {
        GenericRowData data = new GenericRowData(5 + row.values().length);
        data.setField(0, text(row.entityKey()));
        data.setField(1, time(row.timeMillis()));
        data.setField(2, text(row.positions().toString()));
        data.setField(3, text(row.epoch() + "-" + view.id()));
        data.setField(4, time(row.knownAtMillis()));
        for (int i = 0; i < row.values().length; i++) {
          data.setField(5 + i, row.values()[i]);
        }
        rows.add(data);
      }
    }
    append(Warehouse.features("shop", name), Warehouse.featuresSchema(view), "_time", rows);
  }

  /** In any order, in several files. */
  private void append(
      TableIdentifier name, org.apache.iceberg.Schema schema, String dayOf, List<RowData> rows)
      throws IOException {
    List<RowData> shuffled = new ArrayList<>(rows);
    java.util.Collections.shuffle(shuffled, random);
    try (JdbcCatalog catalog = Warehouse.open(target)) {
      Table table = Warehouse.ensure(catalog, name, schema, dayOf);
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
      for (int part = 0; part < 3; part++) {
        writers.initialize(part, 0);
        try (TaskWriter<RowData> writer = writers.create()) {
          for (int i = part; i < shuffled.size(); i += 3) {
            writer.write(shuffled.get(i));
          }
          AppendFiles append = table.newAppend();
          for (DataFile file : writer.dataFiles()) {
            append.appendFile(file);
          }
          append.commit();
        }
      }
    }
  }

  private static List<List<@Nullable Object>> read(Path file) throws IOException {
    List<List<@Nullable Object>> rows = new ArrayList<>();
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
          List<@Nullable Object> row = new ArrayList<>();
          for (int column = 0; column < schema.getFieldCount(); column++) {
            row.add(SetFile.value(record, schema, column));
          }
          rows.add(row);
        }
        pages = reader.readNextRowGroup();
      }
    }
    return rows;
  }
}
