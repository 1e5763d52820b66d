package dev.millrace.pipeline.batch;

import dev.millrace.streaming.SourcePlan;
import java.io.IOException;
import java.math.BigDecimal;
import java.nio.ByteBuffer;
import java.time.Instant;
import java.time.LocalDate;
import java.time.LocalDateTime;
import java.time.OffsetDateTime;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import org.apache.avro.LogicalTypes;
import org.apache.avro.Schema;
import org.apache.avro.generic.GenericData;
import org.apache.iceberg.data.Record;
import org.jspecify.annotations.Nullable;

/** From a file's columns to the values of a source's fields, by their names. */
final class ColumnValues {

  /** A value that its field cannot hold. */
  static final class UnfitException extends Exception {
    private static final long serialVersionUID = 1L;

    UnfitException(String message) {
      super(message);
    }
  }

  private final Schema schema;

  /** By field: where its value is in a record, or -1 where the file has no such column. */
  private int[] places = {};

  ColumnValues(SourcePlan plan) {
    this.schema = plan.schema();
  }

  /**
   * Those of a file's columns that are fields.
   *
   * @throws IOException where one is missing and the schema has no default for it
   */
  List<String> present(List<String> columns) throws IOException {
    List<String> present = new ArrayList<>();
    for (Schema.Field field : schema.getFields()) {
      if (columns.contains(field.name())) {
        present.add(field.name());
      } else if (!field.hasDefaultValue()) {
        throw new IOException(
            "it has no column " + field.name() + ", and the schema has no default for it");
      }
    }
    return present;
  }

  /** Takes records of these columns from now on. */
  void of(org.apache.iceberg.Schema columns) {
    List<Schema.Field> fields = schema.getFields();
    places = new int[fields.size()];
    for (int f = 0; f < places.length; f++) {
      places[f] = -1;
      for (int c = 0; c < columns.columns().size(); c++) {
        if (columns.columns().get(c).name().equals(fields.get(f).name())) {
          places[f] = c;
        }
      }
    }
  }

  @Nullable Object[] values(Record record) throws UnfitException {
    @Nullable Object[] values = new Object[places.length];
    for (int f = 0; f < values.length; f++) {
      Schema.Field field = schema.getFields().get(f);
      Object value =
          places[f] < 0 ? GenericData.get().getDefaultValue(field) : record.get(places[f]);
      values[f] = value(field, value);
    }
    return values;
  }

  private static @Nullable Object value(Schema.Field field, @Nullable Object value)
      throws UnfitException {
    Schema plain = field.schema();
    boolean optional = plain.getType() == Schema.Type.NULL;
    if (plain.isUnion()) {
      Schema branch = plain;
      for (Schema of : plain.getTypes()) {
        optional |= of.getType() == Schema.Type.NULL;
        branch = of.getType() == Schema.Type.NULL ? branch : of;
      }
      plain = branch;
    }
    if (value == null) {
      if (!optional) {
        throw new UnfitException(field.name() + " is null");
      }
      return null;
    }
    Object fitting;
    try {
      fitting = fitting(plain, value);
    } catch (ArithmeticException e) {
      // A number or a time beyond what the field's type holds.
      fitting = null;
    }
    if (fitting == null) {
      throw new UnfitException(
          field.name()
              + " is "
              + value
              + " ("
              + value.getClass().getSimpleName()
              + "), and the schema says "
              + plain.getType().getName());
    }
    return fitting;
  }

  private static @Nullable Object fitting(Schema schema, Object value) {
    return switch (schema.getType()) {
      case BOOLEAN -> value instanceof Boolean ? value : null;
      case INT -> small(value);
      case LONG -> time(schema, value);
      case FLOAT -> value instanceof Number number ? (Object) number.floatValue() : null;
      case DOUBLE -> value instanceof Number number ? (Object) number.doubleValue() : null;
      case STRING ->
          value instanceof CharSequence || value instanceof UUID ? value.toString() : null;
      case ENUM -> schema.getEnumSymbols().contains(value.toString()) ? value.toString() : null;
      case BYTES, FIXED -> bytes(value);
      default -> null;
    };
  }

  private static @Nullable Integer small(Object value) {
    Long number = whole(value, Integer.MIN_VALUE, Integer.MAX_VALUE);
    return number == null ? null : (Integer) number.intValue();
  }

  private static @Nullable Long whole(Object value, long least, long most) {
    Long number =
        value instanceof LocalDate day
            ? (Long) day.toEpochDay()
            : value instanceof Integer || value instanceof Long
                ? (Long) ((Number) value).longValue()
                : value instanceof BigDecimal decimal && decimal.stripTrailingZeros().scale() <= 0
                    ? (Long) decimal.longValueExact()
                    : null;
    return number == null || number < least || number > most ? null : number;
  }

  /** Times as epoch numbers of the field's unit; a plain number is one already. */
  private static @Nullable Long time(Schema schema, Object value) {
    Instant instant =
        value instanceof OffsetDateTime zoned
            ? zoned.toInstant()
            : value instanceof LocalDateTime local
                ? local.toInstant(ZoneOffset.UTC)
                : value instanceof LocalDate day && schema.getLogicalType() != null
                    ? day.atStartOfDay().toInstant(ZoneOffset.UTC)
                    : null;
    if (instant == null) {
      return whole(value, Long.MIN_VALUE, Long.MAX_VALUE);
    }
    if (schema.getLogicalType() instanceof LogicalTypes.TimestampMicros) {
      return Math.addExact(
          Math.multiplyExact(instant.getEpochSecond(), 1_000_000), instant.getNano() / 1_000);
    }
    return instant.toEpochMilli();
  }

  private static byte @Nullable [] bytes(Object value) {
    if (value instanceof byte[] bytes) {
      return bytes.clone();
    }
    if (value instanceof ByteBuffer buffer) {
      byte[] bytes = new byte[buffer.remaining()];
      buffer.duplicate().get(bytes);
      return bytes;
    }
    return null;
  }
}
