package dev.millrace.pipeline.training;

import dev.millrace.core.row.ValueText;
import java.io.Serializable;
import java.util.ArrayList;
import java.util.List;
import java.util.SortedMap;
import java.util.TreeMap;
import org.apache.flink.table.data.ArrayData;
import org.apache.flink.table.data.MapData;
import org.apache.flink.table.data.RowData;
import org.apache.flink.table.data.StringData;
import org.apache.flink.table.types.logical.ArrayType;
import org.apache.flink.table.types.logical.LogicalType;
import org.apache.flink.table.types.logical.MapType;
import org.apache.flink.table.types.logical.RowType;
import org.jspecify.annotations.Nullable;

/** A feature out of a table's rows: lists and maps become text, as in Redis. */
record FeatureColumn(RowData.FieldGetter getter, LogicalType type) implements Serializable {

  static FeatureColumn of(RowType rows, String name) {
    int at = rows.getFieldIndex(name);
    LogicalType type = rows.getTypeAt(at);
    return new FeatureColumn(RowData.createFieldGetter(type, at), type);
  }

  @Nullable Object of(RowData row) {
    Object value = getter.getFieldOrNull(row);
    if (value instanceof StringData text) {
      return text.toString();
    }
    if (value instanceof ArrayData array) {
      return ValueText.of(list(array, ((ArrayType) type).getElementType()));
    }
    if (value instanceof MapData map) {
      MapType of = (MapType) type;
      List<@Nullable Object> keys = list(map.keyArray(), of.getKeyType());
      List<@Nullable Object> values = list(map.valueArray(), of.getValueType());
      SortedMap<String, @Nullable Object> sorted = new TreeMap<>();
      for (int i = 0; i < keys.size(); i++) {
        sorted.put(String.valueOf(keys.get(i)), values.get(i));
      }
      return ValueText.of(sorted);
    }
    return value;
  }

  private static List<@Nullable Object> list(ArrayData array, LogicalType type) {
    ArrayData.ElementGetter element = ArrayData.createElementGetter(type);
    List<@Nullable Object> list = new ArrayList<>(array.size());
    for (int i = 0; i < array.size(); i++) {
      Object value = element.getElementOrNull(array, i);
      list.add(value instanceof StringData text ? text.toString() : value);
    }
    return list;
  }
}
