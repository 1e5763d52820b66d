package dev.millrace.inference;

import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.core.definition.Model;
import dev.millrace.core.definition.Project;
import dev.millrace.inference.BatchRuns.History;
import dev.millrace.platform.Target;
import dev.millrace.platform.Warehouse;
import dev.millrace.streaming.Event;
import dev.millrace.streaming.IcebergEnds;
import dev.millrace.streaming.Serializers;
import dev.millrace.streaming.StrictEnvironment;
import dev.millrace.streaming.WarehouseTables;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.apache.flink.api.common.JobExecutionResult;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.table.data.GenericRowData;
import org.apache.flink.table.data.RowData;
import org.apache.flink.table.data.StringData;
import org.apache.flink.table.data.TimestampData;
import org.apache.iceberg.Files;
import org.apache.iceberg.Schema;
import org.apache.iceberg.data.IcebergGenerics;
import org.apache.iceberg.data.Record;
import org.apache.iceberg.data.parquet.GenericParquetReaders;
import org.apache.iceberg.io.CloseableIterable;
import org.apache.iceberg.jdbc.JdbcCatalog;
import org.apache.iceberg.parquet.Parquet;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A batch run between tables, and into a file, against the same run in memory. */
class ScoreWarehouseITCase {

  private final Path folder;
  private final BatchRuns runs;

  ScoreWarehouseITCase(@TempDir Path folder) {
    this.folder = folder;
    this.runs = new BatchRuns(folder);
  }

  @Test
  void theWarehouseGivesAndTakesTheSame() throws Exception {
    History history = new History(11);
    FrozenDeployments deployments = FrozenDeployments.standing(runs.log());
    Model model = BatchRuns.model("0.25");
    JobExecutionResult unusedInMemory = runs.batch(model, history, deployments, range(null));
    Map<String, Prediction> expected = BatchRuns.byId("batched");

    Target target = target();
    fill(target, history);
    for (String out : Arrays.asList(null, folder.resolve("out/scores.parquet").toString())) {
      StreamExecutionEnvironment env = BatchRuns.environment();
      try (WarehouseTables tables = WarehouseTables.newest(target)) {
        ScoreRequest request = range(out);
        ScoreGraph.define(
            env,
            BatchRuns.plan(model),
            deployments,
            request,
            new ScoreEnds(Flights.project(model), target, request, tables));
      }
      JobExecutionResult counted = env.execute("score");
      assertThat(counted.<Long>getAccumulatorResult(ScoreCounts.ROWS)).isEqualTo(expected.size());
    }
    List<Record> table = new ArrayList<>();
    try (JdbcCatalog catalog = Warehouse.open(target);
        CloseableIterable<Record> rows =
            IcebergGenerics.read(catalog.loadTable(Warehouse.scores("flights", "delay_risk")))
                .build()) {
      rows.forEach(table::add);
    }
    List<Record> file = new ArrayList<>();
    Schema schema = Warehouse.scoresSchema();
    try (CloseableIterable<Record> rows =
        Parquet.read(Files.localInput(folder.resolve("out/scores.parquet").toFile()))
            .project(schema)
            .createReaderFunc(type -> GenericParquetReaders.buildReader(schema, type))
            .build()) {
      rows.forEach(file::add);
    }
    assertSame(table, expected);
    assertSame(file, expected);
    try (Stream<Path> files = java.nio.file.Files.list(folder.resolve("out"))) {
      assertThat(files).containsExactly(folder.resolve("out/scores.parquet"));
    }
  }

  private static void assertSame(List<Record> rows, Map<String, Prediction> expected) {
    Map<String, Prediction> left = new TreeMap<>(expected);
    for (Record row : rows) {
      Prediction p = left.remove(String.valueOf(row.getField("prediction_id")));
      assertThat(p).isNotNull();
      assertThat(row.getField("event_id")).isEqualTo(p.eventId());
      assertThat(row.getField("score")).isEqualTo(p.score());
      assertThat(row.getField("version")).isEqualTo(p.version());
      assertThat(row.getField("role")).isEqualTo(p.role().name());
      assertThat(row.getField("inputs")).isEqualTo(p.inputs());
      assertThat(row.getField("freshness")).isEqualTo(p.freshness());
      assertThat(row.getField("decision")).isEqualTo(p.decision());
      assertThat(row.getField("run")).isEqualTo("r1");
    }
    assertThat(left).isEmpty();
  }

  private static ScoreRequest range(@Nullable String out) {
    return new ScoreRequest(
        "delay_risk",
        Flights.timeMillis(250),
        Flights.timeMillis(BatchRuns.EVENTS - 300),
        null,
        false,
        out,
        "r1");
  }

  private Target target() {
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

  /** What the feature pipeline would have written, and rows of another definition. */
  private static void fill(Target target, History history) throws Exception {
    Project project = Flights.project(BatchRuns.model(null));
    StreamExecutionEnvironment env = BatchRuns.environment();
    StrictEnvironment.batch(env);
    IcebergEnds.append(
        env.fromData(history.events, Serializers.INBOUND).uid("all-events"),
        target,
        Warehouse.events("flights", "departures"),
        Warehouse.eventsSchema(project.source("departures").orElseThrow()),
        inbound -> eventRow(Objects.requireNonNull(inbound.event())),
        "events");
    List<LoggedRow> rows = new ArrayList<>(history.logged);
    for (int i = 0; i < 50; i++) {
      // Later than all others, if they counted.
      LoggedRow row = rows.get(i);
      rows.add(new LoggedRow(row.entityKey(), -1, row.knownAtMillis(), row.row()));
    }
    IcebergEnds.append(
        env.fromData(rows, LoggedRow.TYPE).uid("all-rows"),
        target,
        Warehouse.features("flights", "origin_departures"),
        Warehouse.featuresSchema(project.featureView("origin_departures").orElseThrow()),
        ScoreWarehouseITCase::featureRow,
        "rows");
    env.execute("fill");
  }

  private static RowData eventRow(Event event) {
    return GenericRowData.of(
        StringData.fromString(event.id()),
        TimestampData.fromEpochMillis(event.eventTimeMillis()),
        event.values()[2] == null ? null : StringData.fromString((String) event.values()[2]),
        event.values()[3],
        event.partition(),
        event.offset(),
        StringData.fromString("OK"));
  }

  private static RowData featureRow(LoggedRow logged) {
    Double count = (Double) logged.row().values()[0];
    return GenericRowData.of(
        StringData.fromString(logged.entityKey()),
        TimestampData.fromEpochMillis(logged.row().timeMillis()),
        StringData.fromString(logged.row().positions().toString()),
        StringData.fromString(logged.epoch() < 0 ? "9-cccccccccccc" : Flights.DEPARTURES_VERSION),
        TimestampData.fromEpochMillis(logged.knownAtMillis()),
        count == null ? null : (Long) count.longValue());
  }
}
