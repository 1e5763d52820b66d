package dev.millrace.pipeline;

import dev.millrace.core.row.FeatureRow;
import dev.millrace.streaming.Event;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.apache.avro.LogicalType;
import org.apache.avro.LogicalTypes;
import org.apache.avro.Schema;
import org.apache.flink.api.common.functions.MapFunction;
import org.apache.flink.table.data.GenericArrayData;
import org.apache.flink.table.data.GenericMapData;
import org.apache.flink.table.data.GenericRowData;
import org.apache.flink.table.data.RowData;
import org.apache.flink.table.data.StringData;
import org.apache.flink.table.data.TimestampData;
import org.jspecify.annotations.Nullable;

/** Rows and events as rows of their Iceberg tables, columns in the order of the tables' schemas. */
final class TableRows {

  /** {@code entity_key, _time, _source, _version, known_at} and the features. */
  static final class OfFeatures implements MapFunction<FeatureRow, RowData> {
    private static final long serialVersionUID = 1L;
    private final String version;

    OfFeatures(String version) {
      this.version = version;
    }

    @Override
    public RowData map(FeatureRow row) {
      GenericRowData data = new GenericRowData(5 + row.values().length);
      data.setField(0, StringData.fromString(row.entityKey()));
      data.setField(1, TimestampData.fromEpochMillis(row.timeMillis()));
      data.setField(2, StringData.fromString(row.positions().toString()));
      data.setField(3, StringData.fromString(version));
      data.setField(4, TimestampData.fromEpochMillis(row.knownAtMillis()));
      for (int i = 0; i < row.values().length; i++) {
        data.setField(5 + i, cell(row.values()[i]));
      }
      return data;
    }

    private static @Nullable Object cell(@Nullable Object value) {
      if (value instanceof String text) {
        return StringData.fromString(text);
      }
      if (value instanceof List<?> list) {
        return new GenericArrayData(list.stream().map(v -> cell(v)).toArray());
      }
      if (value instanceof Map<?, ?> map) {
        // Keeps the order of the keys, so that equal rows make equal files.
        Map<Object, @Nullable Object> cells = new LinkedHashMap<>();
        map.forEach((key, v) -> cells.put(StringData.fromString(String.valueOf(key)), cell(v)));
        return new GenericMapData(cells);
      }
      return value;
    }
  }

  /** The event's fields, then {@code _partition, _offset, _verdict}. */
  static final class OfEvents implements MapFunction<ArchivedEvent, RowData> {
    private static final long serialVersionUID = 1L;
    private final Schema schema;

    OfEvents(Schema schema) {
      this.schema = schema;
    }

    @Override
    public RowData map(ArchivedEvent archived) {
      Event event = archived.event();
      List<Schema.Field> fields = schema.getFields();
      GenericRowData data = new GenericRowData(fields.size() + 3);
      for (int i = 0; i < fields.size(); i++) {
        data.setField(i, column(fields.get(i).schema(), event.values()[i]));
      }
      data.setField(fields.size(), event.partition());
      data.setField(fields.size() + 1, event.offset());
      data.setField(fields.size() + 2, StringData.fromString(archived.verdict()));
      return data;
    }

    private static @Nullable Object column(Schema schema, @Nullable Object value) {
      if (value == null) {
        return null;
      }
      if (schema.getType() == Schema.Type.UNION) {
        for (Schema branch : schema.getTypes()) {
          if (branch.getType() != Schema.Type.NULL) {
            return column(branch, value);
          }
        }
      }
      LogicalType logical = schema.getLogicalType();
      if (logical instanceof LogicalTypes.TimestampMillis) {
        return TimestampData.fromEpochMillis((Long) value);
      }
      if (logical instanceof LogicalTypes.TimestampMicros) {
        long micros = (Long) value;
        return TimestampData.fromEpochMillis(
            Math.floorDiv(micros, 1000), Math.floorMod(micros, 1000) * 1000);
      }
      return switch (schema.getType()) {
        case STRING, ENUM, ARRAY, MAP, RECORD -> StringData.fromString(String.valueOf(value));
        default -> value;
      };
    }
  }

  private TableRows() {}
}
