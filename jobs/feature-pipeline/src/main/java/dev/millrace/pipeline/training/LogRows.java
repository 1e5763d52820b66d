package dev.millrace.pipeline.training;

import dev.millrace.core.row.Positions;
import java.util.List;
import org.apache.flink.api.common.functions.FlatMapFunction;
import org.apache.flink.table.data.RowData;
import org.apache.flink.table.types.logical.RowType;
import org.apache.flink.util.Collector;
import org.jspecify.annotations.Nullable;

/** Rows of a view's table; those of another definition do not count. */
final class LogRows implements FlatMapFunction<RowData, LogRow> {

  private static final long serialVersionUID = 1L;

  private final String id;
  private final int[] own;
  private final List<FeatureColumn> features;

  private LogRows(String id, int[] own, List<FeatureColumn> features) {
    this.id = id;
    this.own = own;
    this.features = features;
  }

  static LogRows of(String id, List<String> names, RowType type) {
    int[] own = {
      type.getFieldIndex("entity_key"),
      type.getFieldIndex("_time"),
      type.getFieldIndex("_source"),
      type.getFieldIndex("_version"),
      type.getFieldIndex("known_at")
    };
    List<FeatureColumn> features =
        names.stream().map(name -> FeatureColumn.of(type, name)).toList();
    return new LogRows(id, own, features);
  }

  @Override
  public void flatMap(RowData row, Collector<LogRow> out) {
    String version = row.getString(own[3]).toString();
    int dash = version.indexOf('-');
    if (!version.startsWith(id, dash + 1)) {
      return;
    }
    @Nullable Object[] values = new Object[features.size()];
    for (int i = 0; i < values.length; i++) {
      values[i] = features.get(i).of(row);
    }
    out.collect(
        new LogRow(
            row.getString(own[0]).toString(),
            row.getTimestamp(own[1], 6).getMillisecond(),
            Long.parseLong(version, 0, dash, 10),
            Positions.parse(row.getString(own[2]).toString()),
            row.getTimestamp(own[4], 6).getMillisecond(),
            values));
  }
}
