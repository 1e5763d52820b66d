package dev.millrace.bench.peers;

import dev.millrace.bench.ViewSpec;
import dev.millrace.bench.Workload;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;
import org.apache.flink.streaming.api.datastream.DataStream;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.table.api.DataTypes;
import org.apache.flink.table.api.Schema;
import org.apache.flink.table.api.Table;
import org.apache.flink.table.api.bridge.java.StreamTableEnvironment;
import org.apache.flink.table.data.GenericRowData;
import org.apache.flink.table.data.RowData;
import org.apache.flink.table.data.StringData;
import org.apache.flink.table.runtime.typeutils.InternalTypeInfo;
import org.apache.flink.table.types.logical.DoubleType;
import org.apache.flink.table.types.logical.LogicalType;
import org.apache.flink.table.types.logical.RowType;
import org.apache.flink.table.types.logical.VarCharType;
import org.jspecify.annotations.Nullable;

/**
 * A view as Flink SQL computes it: one OVER query per window, each over the result of the one
 * before, because one query may have one window only.
 *
 * <p>Rows come and go in the planner's own format, so that nothing is converted. A frame of SQL
 * holds both its ends, a window of ours (T-w, T] does not hold its beginning: hence a millisecond
 * less.
 */
public final class FlinkSql {

  private static final RowType EVENT =
      RowType.of(
          new LogicalType[] {VarCharType.STRING_TYPE, new DoubleType(false)},
          new String[] {"k", "x"});

  /** Rows of (k, time, the functions over the first window, over the second, ...). */
  public static DataStream<RowData> rows(
      StreamExecutionEnvironment env, DataStream<Long> numbers, Workload workload, ViewSpec spec) {
    DataStream<RowData> events =
        numbers
            .map(
                n ->
                    (RowData)
                        GenericRowData.of(
                            StringData.fromString(workload.key(n)), workload.value(n)))
            .returns(InternalTypeInfo.of(EVENT))
            .name("events")
            .setParallelism(1);
    StreamTableEnvironment tables = StreamTableEnvironment.create(env);
    tables.createTemporaryView(
        "events",
        events,
        Schema.newBuilder()
            .column("k", DataTypes.STRING())
            .column("x", DataTypes.DOUBLE().notNull())
            .columnByMetadata("t", DataTypes.TIMESTAMP_LTZ(3), "rowtime")
            .watermark("t", "SOURCE_WATERMARK()")
            .build());
    Table rows = tables.sqlQuery(query(spec));
    return tables.toDataStream(
        rows, rows.getResolvedSchema().toSourceRowDataType().bridgedTo(RowData.class));
  }

  /** The whole query. */
  static String query(ViewSpec spec) {
    String from = "events";
    String columns = "k, x, t";
    for (String window : spec.windows()) {
      List<String> added =
          spec.functions().stream().map(f -> sql(f) + " OVER w AS " + f + "_" + window).toList();
      from =
          "(SELECT "
              + columns
              + ", "
              + String.join(", ", added)
              + " FROM "
              + from
              + " WINDOW w AS (PARTITION BY k ORDER BY t RANGE BETWEEN "
              + interval(window)
              + " PRECEDING AND CURRENT ROW))";
      columns =
          columns
              + ", "
              + spec.functions().stream()
                  .map(f -> f + "_" + window)
                  .collect(Collectors.joining(", "));
    }
    return "SELECT " + columns.replaceFirst("k, x, t", "k, t") + " FROM " + from;
  }

  private static String sql(String function) {
    return switch (function) {
      case "count" -> "COUNT(*)";
      case "sum", "min", "max" -> function.toUpperCase(Locale.ROOT) + "(x)";
      case "mean" -> "AVG(x)";
      default -> throw new IllegalArgumentException("Cannot say " + function + " in SQL");
    };
  }

  private static String interval(String window) {
    String iso = window.endsWith("d") ? "P" + window : "PT" + window;
    Duration length = Duration.parse(iso.toUpperCase(Locale.ROOT)).minusMillis(1);
    return String.format(
        Locale.ROOT,
        "INTERVAL '%d %02d:%02d:%02d.%03d' DAY TO SECOND(3)",
        length.toDays(),
        length.toHoursPart(),
        length.toMinutesPart(),
        length.toSecondsPart(),
        length.toMillisPart());
  }

  /** The number at a place of a row. */
  public static @Nullable Object value(RowData row, int place, boolean count) {
    if (row.isNullAt(place)) {
      return null;
    }
    return count ? (Object) row.getLong(place) : (Object) row.getDouble(place);
  }

  private FlinkSql() {}
}
