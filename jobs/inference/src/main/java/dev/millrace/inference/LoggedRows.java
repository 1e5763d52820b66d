package dev.millrace.inference;

import dev.millrace.core.row.Positions;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import org.apache.flink.api.common.functions.FlatMapFunction;
import org.apache.flink.table.data.RowData;
import org.apache.flink.table.types.logical.RowType;
import org.apache.flink.util.Collector;
import org.jspecify.annotations.Nullable;

/** Rows out of a view's table: what a model needs of them. Those of another definition are none. */
final class LoggedRows implements FlatMapFunction<RowData, LoggedRow> {

  private static final long serialVersionUID = 1L;
  private static final int MICROS = 6;
  private static final int NO_FEATURE = -1;

  private final ViewRead view;
  private final String definitionId;
  private final int key;
  private final int time;
  private final int source;
  private final int version;
  private final int knownAt;
  private final RowData.FieldGetter[] features;
  private final int witness;

  /**
   * Rows of a table.
   *
   * @param type of {@link #columns}
   */
  LoggedRows(ViewRead view, RowType type) {
    this.view = view;
    this.definitionId = view.version().substring(view.version().indexOf('-') + 1);
    this.key = type.getFieldIndex("entity_key");
    this.time = type.getFieldIndex("_time");
    this.source = type.getFieldIndex("_source");
    this.version = type.getFieldIndex("_version");
    this.knownAt = type.getFieldIndex("known_at");
    List<String> names = view.fields().subList(ViewRead.HEADER, view.fields().size());
    this.features = new RowData.FieldGetter[names.size()];
    for (int i = 0; i < features.length; i++) {
      int at = type.getFieldIndex(names.get(i));
      features[i] = RowData.createFieldGetter(type.getTypeAt(at), at);
    }
    String tells = view.witness().feature();
    this.witness = tells == null ? NO_FEATURE : names.indexOf(tells);
  }

  /** What is read of the table. */
  static Set<String> columns(ViewRead view) {
    Set<String> columns = new LinkedHashSet<>(List.of("entity_key", "known_at"));
    columns.addAll(view.fields());
    return columns;
  }

  @Override
  public void flatMap(RowData row, Collector<LoggedRow> out) {
    String writer = row.getString(version).toString();
    int dash = writer.indexOf('-');
    if (!writer.startsWith(definitionId, dash + 1)) {
      return;
    }
    @Nullable Object[] values = new Object[features.length];
    Object told = null;
    for (int i = 0; i < values.length; i++) {
      Object value = features[i].getFieldOrNull(row);
      values[i] = view.isText(i + ViewRead.HEADER) ? text(value) : number(value);
      if (i == witness) {
        told = value;
      }
    }
    out.collect(
        new LoggedRow(
            row.getString(key).toString(),
            Long.parseLong(writer, 0, dash, 10),
            row.getTimestamp(knownAt, MICROS).getMillisecond(),
            new ViewRow(
                row.getTimestamp(time, MICROS).getMillisecond(),
                Positions.parse(row.getString(source).toString()),
                view.witness().allEmpty(told == null ? null : told.toString()),
                values)));
  }

  private static @Nullable String text(@Nullable Object value) {
    return value == null ? null : value.toString();
  }

  private static @Nullable Double number(@Nullable Object value) {
    if (value instanceof Number number) {
      return number.doubleValue();
    }
    if (value instanceof Boolean truth) {
      return truth ? 1.0 : 0.0;
    }
    return null;
  }
}
