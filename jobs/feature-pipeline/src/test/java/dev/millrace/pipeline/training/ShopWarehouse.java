package dev.millrace.pipeline.training;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import dev.millrace.core.definition.Definitions;
import dev.millrace.core.definition.FeatureView;
import dev.millrace.core.definition.Project;
import dev.millrace.core.definition.Source;
import dev.millrace.platform.Target;
import dev.millrace.platform.Warehouse;
import dev.millrace.streaming.StrictEnvironment;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.apache.flink.api.common.RuntimeExecutionMode;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.configuration.RestartStrategyOptions;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
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
import org.apache.iceberg.shaded.org.apache.parquet.example.data.Group;
import org.apache.iceberg.shaded.org.apache.parquet.example.data.simple.convert.GroupRecordConverter;
import org.apache.iceberg.shaded.org.apache.parquet.hadoop.ParquetFileReader;
import org.apache.iceberg.shaded.org.apache.parquet.io.ColumnIOFactory;
import org.apache.iceberg.shaded.org.apache.parquet.io.LocalInputFile;
import org.apache.iceberg.shaded.org.apache.parquet.io.RecordReader;
import org.apache.iceberg.shaded.org.apache.parquet.schema.MessageType;
import org.jspecify.annotations.Nullable;

/** The tables of a shop, and the training sets that the job joins of them. */
final class ShopWarehouse {

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

  private final Target target;
  private final Project project;
  private final Random random;

  /**
   * @param random of the order in which rows are written
   */
  ShopWarehouse(Path dir, Random random) throws Exception {
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
    this.random = random;
  }

  JsonNode join(SetRequest request) throws Exception {
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

  void source(String name, List<RowData> rows) throws IOException {
    Source source = project.source(name).orElseThrow();
    append(Warehouse.events("shop", name), Warehouse.eventsSchema(source), "at", rows);
  }

  void view(String name, Map<String, List<LogRow>> logs) throws IOException {
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
  void append(
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

  static StringData text(String text) {
    return StringData.fromString(text);
  }

  static TimestampData time(long millis) {
    return TimestampData.fromEpochMillis(millis);
  }

  static List<List<@Nullable Object>> read(Path file) throws IOException {
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
