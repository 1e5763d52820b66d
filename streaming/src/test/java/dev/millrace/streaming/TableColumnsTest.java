package dev.millrace.streaming;

import static org.assertj.core.api.Assertions.assertThat;

import org.apache.flink.api.common.functions.MapFunction;
import org.apache.flink.table.data.GenericRowData;
import org.apache.flink.table.data.RowData;
import org.apache.iceberg.Schema;
import org.apache.iceberg.types.Types;
import org.junit.jupiter.api.Test;

/** Rows of a definition in a table that has seen others. */
class TableColumnsTest {

  private static final Schema ROWS =
      new Schema(
          Types.NestedField.required(1, "key", Types.StringType.get()),
          Types.NestedField.optional(2, "b", Types.LongType.get()),
          Types.NestedField.optional(3, "c", Types.LongType.get()));

  private static final MapFunction<Long, RowData> TO_ROW =
      value -> GenericRowData.of("key", value, -value);

  @Test
  void columnsFindTheirPlacesByName() throws Exception {
    Schema table =
        new Schema(
            Types.NestedField.required(1, "key", Types.StringType.get()),
            Types.NestedField.optional(2, "a", Types.LongType.get()),
            Types.NestedField.optional(4, "c", Types.LongType.get()),
            Types.NestedField.optional(5, "b", Types.LongType.get()),
            Types.NestedField.optional(6, "d", Types.LongType.get()));
    assertThat(TableColumns.of(ROWS, table, TO_ROW).map(7L))
        .isEqualTo(GenericRowData.of("key", null, -7L, 7L, null));
  }

  @Test
  void rowsThatFitAreLeftAlone() {
    assertThat(TableColumns.of(ROWS, ROWS, TO_ROW)).isSameAs(TO_ROW);
  }
}
