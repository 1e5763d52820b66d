package dev.millrace.pipeline.training;

import java.io.Serializable;
import java.util.Map;
import org.apache.iceberg.shaded.org.apache.parquet.example.data.Group;
import org.apache.iceberg.shaded.org.apache.parquet.io.api.Binary;
import org.apache.iceberg.shaded.org.apache.parquet.schema.LogicalTypeAnnotation.StringLogicalTypeAnnotation;
import org.apache.iceberg.shaded.org.apache.parquet.schema.MessageType;
import org.apache.iceberg.shaded.org.apache.parquet.schema.MessageTypeParser;
import org.apache.iceberg.shaded.org.apache.parquet.schema.PrimitiveType;
import org.jspecify.annotations.Nullable;

/**
 * The file that a set becomes.
 *
 * @param schemaText its columns, as Parquet writes them
 * @param leading how many columns before the values are the event's id and time
 * @param missing what a value that is null becomes, by its place; none for a column that may be
 *     null
 * @param metadata what the file says about where it comes from
 */
record SetFile(
    String out,
    String schemaText,
    int leading,
    Map<Integer, Double> missing,
    Map<String, String> metadata)
    implements Serializable {

  private static final long MICROS_PER_MILLI = 1000;

  static MessageType parse(String text) {
    return MessageTypeParser.parseMessageType(text);
  }

  MessageType schema() {
    return parse(schemaText);
  }

  /** A value as it goes between operators; null where there is none. */
  static @Nullable Object value(Group record, MessageType schema, int column) {
    if (record.getFieldRepetitionCount(column) == 0) {
      return null;
    }
    PrimitiveType type = schema.getType(column).asPrimitiveType();
    return switch (type.getPrimitiveTypeName()) {
      case INT32 -> record.getInteger(column, 0);
      case INT64 -> record.getLong(column, 0);
      case FLOAT -> record.getFloat(column, 0);
      case DOUBLE -> record.getDouble(column, 0);
      case BOOLEAN -> record.getBoolean(column, 0);
      case BINARY, FIXED_LEN_BYTE_ARRAY, INT96 ->
          type.getLogicalTypeAnnotation() instanceof StringLogicalTypeAnnotation
              ? record.getString(column, 0)
              : record.getBinary(column, 0).getBytes();
    };
  }

  /** Puts a row into a record of the file. */
  void fill(SetRow row, Group record) {
    if (leading > 0) {
      record.add(0, row.id());
      record.add(1, row.timeMillis() * MICROS_PER_MILLI);
    }
    for (int i = 0; i < row.values().length; i++) {
      Object value = row.values()[i];
      Double instead = missing.get(i);
      if (instead != null) {
        record.add(leading + i, number(value, instead));
      } else if (value != null) {
        add(record, leading + i, value);
      }
    }
  }

  private static double number(@Nullable Object value, double instead) {
    double number =
        value instanceof Number n
            ? n.doubleValue()
            : value instanceof Boolean truth ? (truth ? 1 : 0) : Double.NaN;
    return Double.isNaN(number) ? instead : number;
  }

  private static void add(Group record, int column, Object value) {
    if (value instanceof Long number) {
      record.add(column, number);
    } else if (value instanceof Double number) {
      record.add(column, number);
    } else if (value instanceof Integer number) {
      record.add(column, number);
    } else if (value instanceof Float number) {
      record.add(column, number);
    } else if (value instanceof Boolean truth) {
      record.add(column, truth);
    } else if (value instanceof byte[] bytes) {
      record.add(column, Binary.fromConstantByteArray(bytes));
    } else {
      record.add(column, (String) value);
    }
  }
}
