package dev.millrace.core.expression;

import dev.cel.common.types.CelType;
import dev.cel.common.types.ListType;
import dev.cel.common.types.MapType;
import dev.cel.common.types.SimpleType;
import dev.cel.common.values.CelByteString;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apache.avro.Schema;
import org.jspecify.annotations.Nullable;

/** How the values of one Avro field look inside an expression. */
record FieldType(CelType type, Conversion conversion) {

  /** From an event's value, never null, to what CEL computes with. */
  interface Conversion {
    Object apply(Object value);
  }

  private static final Conversion SAME = value -> value;
  private static final Conversion TEXT = Object::toString;
  private static final Conversion WHOLE = value -> ((Number) value).longValue();
  private static final Conversion REAL = value -> ((Number) value).doubleValue();
  private static final long SECONDS_OF_DAY = 86_400;

  /** Null where expressions cannot use such a field. */
  static @Nullable FieldType of(Schema schema) {
    Schema plain = withoutNull(schema);
    if (plain == null) {
      return null;
    }
    String logical =
        plain.getLogicalType() == null ? "" : String.valueOf(plain.getLogicalType().getName());
    switch (plain.getType()) {
      case BOOLEAN:
        return new FieldType(SimpleType.BOOL, SAME);
      case INT:
        return logical.equals("date")
            ? timestamp(days -> Instant.ofEpochSecond(days * SECONDS_OF_DAY))
            : new FieldType(SimpleType.INT, WHOLE);
      case LONG:
        return switch (logical) {
          case "timestamp-millis", "local-timestamp-millis" -> timestamp(Instant::ofEpochMilli);
          case "timestamp-micros", "local-timestamp-micros" ->
              timestamp(micros -> instant(micros, 1_000_000));
          case "timestamp-nanos", "local-timestamp-nanos" ->
              timestamp(nanos -> instant(nanos, 1_000_000_000));
          default -> new FieldType(SimpleType.INT, WHOLE);
        };
      case FLOAT:
      case DOUBLE:
        return new FieldType(SimpleType.DOUBLE, REAL);
      case STRING:
      case ENUM:
        return new FieldType(SimpleType.STRING, TEXT);
      case BYTES:
      case FIXED:
        return logical.isEmpty()
            ? new FieldType(SimpleType.BYTES, value -> CelByteString.of((byte[]) value))
            : null;
      case ARRAY:
        return array(of(plain.getElementType()));
      case MAP:
        return map(of(plain.getValueType()));
      default:
        return null;
    }
  }

  /** The schema itself, or a union's only branch beside null; null where there are several. */
  static @Nullable Schema withoutNull(Schema schema) {
    if (!schema.isUnion()) {
      return schema.getType() == Schema.Type.NULL ? null : schema;
    }
    Schema found = null;
    for (Schema branch : schema.getTypes()) {
      if (branch.getType() == Schema.Type.NULL) {
        continue;
      }
      if (found != null) {
        return null;
      }
      found = branch;
    }
    return found;
  }

  private interface Epoch {
    Instant instant(long value);
  }

  private static FieldType timestamp(Epoch epoch) {
    return new FieldType(
        SimpleType.TIMESTAMP, value -> epoch.instant(((Number) value).longValue()));
  }

  private static Instant instant(long value, long perSecond) {
    return Instant.ofEpochSecond(
        Math.floorDiv(value, perSecond),
        Math.floorMod(value, perSecond) * (1_000_000_000 / perSecond));
  }

  private static @Nullable FieldType array(@Nullable FieldType element) {
    if (element == null) {
      return null;
    }
    return new FieldType(
        ListType.create(element.type()),
        value -> {
          List<?> values = (List<?>) value;
          List<Object> converted = new ArrayList<>(values.size());
          for (Object one : values) {
            converted.add(Values.orCelNull(one, element.conversion()));
          }
          return converted;
        });
  }

  private static @Nullable FieldType map(@Nullable FieldType element) {
    if (element == null) {
      return null;
    }
    return new FieldType(
        MapType.create(SimpleType.STRING, element.type()),
        value -> {
          Map<Object, Object> converted = new HashMap<>();
          ((Map<?, ?>) value)
              .forEach(
                  (key, one) ->
                      converted.put(
                          String.valueOf(key), Values.orCelNull(one, element.conversion())));
          return converted;
        });
  }
}
