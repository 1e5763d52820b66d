package dev.millrace.streaming;

import org.apache.flink.api.common.functions.MapFunction;
import org.apache.flink.table.data.GenericRowData;
import org.apache.flink.table.data.RowData;
import org.apache.iceberg.Schema;

/**
 * Rows in the columns of the table that they go to: it may have more than they, of definitions that
 * were or of others that write to it too, and in another order.
 */
final class TableColumns<T> implements MapFunction<T, RowData> {

  private static final long serialVersionUID = 1L;
  private static final int NOT_HERE = -1;

  private final MapFunction<T, RowData> toRow;
  private final int[] from;

  private TableColumns(MapFunction<T, RowData> toRow, int[] from) {
    this.toRow = toRow;
    this.from = from;
  }

  /**
   * @param rows the columns as {@code toRow} gives them, in its order
   * @param table the columns of the table, each of those among them
   */
  static <T> MapFunction<T, RowData> of(Schema rows, Schema table, MapFunction<T, RowData> toRow) {
    int[] from = new int[table.columns().size()];
    boolean alike = table.columns().size() == rows.columns().size();
    for (int column = 0; column < from.length; column++) {
      from[column] = indexOf(rows, table.columns().get(column).name());
      alike &= from[column] == column;
    }
    return alike ? toRow : new TableColumns<>(toRow, from);
  }

  private static int indexOf(Schema rows, String name) {
    for (int column = 0; column < rows.columns().size(); column++) {
      if (rows.columns().get(column).name().equals(name)) {
        return column;
      }
    }
    return NOT_HERE;
  }

  @Override
  public RowData map(T value) throws Exception {
    GenericRowData row = (GenericRowData) toRow.map(value);
    GenericRowData wide = new GenericRowData(from.length);
    for (int column = 0; column < from.length; column++) {
      wide.setField(column, from[column] == NOT_HERE ? null : row.getField(from[column]));
    }
    wide.setRowKind(row.getRowKind());
    return wide;
  }
}
