package dev.millrace.cli.events;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.nio.ByteBuffer;
import java.time.DateTimeException;
import java.time.Instant;
import java.time.LocalDate;
import java.time.LocalDateTime;
import java.time.OffsetDateTime;
import java.time.ZoneOffset;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.Base64;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.apache.avro.LogicalType;
import org.apache.avro.Schema;
import org.apache.avro.generic.GenericData;
import org.apache.avro.generic.GenericFixed;
import org.apache.avro.generic.GenericRecord;
import org.jspecify.annotations.Nullable;

/** A value of a file as the value that an Avro schema asks for. */
final class AvroValue {

  private static final JsonMapper JSON = new JsonMapper();
  private static final int SHOWN_CHARACTERS = 60;

  private AvroValue() {}

  /** The schema itself, or the first branch of a union that is not null. */
  static Schema present(Schema schema) {
    if (schema.isUnion()) {
      for (Schema branch : schema.getTypes()) {
        if (branch.getType() != Schema.Type.NULL) {
          return branch;
        }
      }
    }
    return schema;
  }

  /**
   * The value in Avro's generic form.
   *
   * @param value text, number, boolean, instant, date, bytes, list, map, Avro record or null
   */
  static @Nullable Object of(Schema schema, @Nullable Object value) throws UnfitValueException {
    if (schema.isUnion()) {
      return ofUnion(schema, value);
    }
    if (value == null) {
      return switch (schema.getType()) {
        case NULL -> null;
        // An empty cell of a CSV file is null, and text may be empty.
        case STRING -> "";
        default -> throw new UnfitValueException("it is empty, expected " + named(schema));
      };
    }
    try {
      Object plain = value instanceof CharSequence text ? text.toString() : value;
      return switch (schema.getType()) {
        case NULL -> throw unfit(schema, value, null);
        case BOOLEAN -> truth(schema, plain);
        case INT -> Math.toIntExact(whole(schema, plain));
        case LONG -> whole(schema, plain);
        case FLOAT -> (float) real(schema, plain);
        case DOUBLE -> real(schema, plain);
        case STRING -> text(schema, plain);
        case ENUM -> symbol(schema, plain);
        case BYTES -> ByteBuffer.wrap(bytes(schema, plain));
        case FIXED -> fixed(schema, plain);
        case ARRAY -> list(schema, plain);
        case MAP -> map(schema, plain);
        case RECORD -> record(schema, plain);
        case UNION -> throw new IllegalStateException("unions are handled above");
      };
    } catch (DateTimeException | ArithmeticException | IllegalArgumentException e) {
      throw unfit(schema, value, e);
    }
  }

  private static @Nullable Object ofUnion(Schema union, @Nullable Object value)
      throws UnfitValueException {
    if (value == null && union.isNullable()) {
      return null;
    }
    UnfitValueException last = null;
    for (Schema branch : union.getTypes()) {
      if (branch.getType() != Schema.Type.NULL) {
        try {
          return of(branch, value);
        } catch (UnfitValueException e) {
          last = e;
        }
      }
    }
    throw last == null ? unfit(union, value, null) : last;
  }

  private static Boolean truth(Schema schema, Object value) throws UnfitValueException {
    if (value instanceof Boolean truth) {
      return truth;
    }
    String text = value instanceof String s ? s.toLowerCase(Locale.ROOT) : "";
    if (text.equals("true") || text.equals("false")) {
      return text.equals("true");
    }
    throw unfit(schema, value, null);
  }

  private static long whole(Schema schema, Object value) throws UnfitValueException {
    LogicalType logical = schema.getLogicalType();
    String kind = logical == null ? "" : logical.getName();
    if (kind.equals("date")) {
      if (value instanceof LocalDate date) {
        return date.toEpochDay();
      }
      if (value instanceof String text && text.indexOf('-', 1) > 0) {
        return LocalDate.parse(text).toEpochDay();
      }
    }
    if (kind.contains("timestamp-")) {
      Instant time = time(value);
      if (time != null) {
        return switch (kind) {
          case "timestamp-micros", "local-timestamp-micros" ->
              ChronoUnit.MICROS.between(Instant.EPOCH, time);
          case "timestamp-nanos", "local-timestamp-nanos" ->
              ChronoUnit.NANOS.between(Instant.EPOCH, time);
          default -> time.toEpochMilli();
        };
      }
    }
    if (value instanceof Long || value instanceof Integer) {
      return ((Number) value).longValue();
    }
    if (value instanceof BigInteger big) {
      return big.longValueExact();
    }
    if (value instanceof Double || value instanceof Float || value instanceof BigDecimal) {
      return new BigDecimal(value.toString()).longValueExact();
    }
    if (value instanceof String text) {
      return new BigDecimal(text).longValueExact();
    }
    throw unfit(schema, value, null);
  }

  /** An ISO-8601 time; one without an offset counts as UTC. Null where the value is a number. */
  private static @Nullable Instant time(Object value) {
    if (value instanceof Instant instant) {
      return instant;
    }
    if (value instanceof LocalDate date) {
      return date.atStartOfDay(ZoneOffset.UTC).toInstant();
    }
    if (!(value instanceof String text) || text.indexOf('-', 1) < 0) {
      return null;
    }
    String iso = text.indexOf(' ') == 10 ? text.replace(' ', 'T') : text;
    int clock = iso.indexOf('T');
    if (clock < 0) {
      return LocalDate.parse(iso).atStartOfDay(ZoneOffset.UTC).toInstant();
    }
    boolean offset =
        iso.endsWith("Z") || iso.indexOf('+', clock) > 0 || iso.indexOf('-', clock) > 0;
    return offset
        ? OffsetDateTime.parse(iso).toInstant()
        : LocalDateTime.parse(iso).toInstant(ZoneOffset.UTC);
  }

  private static double real(Schema schema, Object value) throws UnfitValueException {
    if (value instanceof Number number) {
      return number.doubleValue();
    }
    if (value instanceof String text) {
      return Double.parseDouble(text);
    }
    throw unfit(schema, value, null);
  }

  private static String text(Schema schema, Object value) throws UnfitValueException {
    if (value instanceof String
        || value instanceof Number
        || value instanceof Boolean
        || value instanceof Instant
        || value instanceof LocalDate) {
      return value.toString();
    }
    if (value instanceof GenericData.EnumSymbol symbol) {
      return symbol.toString();
    }
    throw unfit(schema, value, null);
  }

  private static Object symbol(Schema schema, Object value) throws UnfitValueException {
    String symbol = text(schema, value);
    if (!schema.hasEnumSymbol(symbol)) {
      throw unfit(schema, value, null);
    }
    return new GenericData.EnumSymbol(schema, symbol);
  }

  private static byte[] bytes(Schema schema, Object value) throws UnfitValueException {
    if (value instanceof byte[] bytes) {
      return bytes;
    }
    if (value instanceof ByteBuffer buffer) {
      byte[] bytes = new byte[buffer.remaining()];
      buffer.duplicate().get(bytes);
      return bytes;
    }
    if (value instanceof GenericFixed fixed) {
      return fixed.bytes();
    }
    if (value instanceof String text) {
      return Base64.getDecoder().decode(text);
    }
    throw unfit(schema, value, null);
  }

  private static Object fixed(Schema schema, Object value) throws UnfitValueException {
    byte[] bytes = bytes(schema, value);
    if (bytes.length != schema.getFixedSize()) {
      throw unfit(schema, value, null);
    }
    return new GenericData.Fixed(schema, bytes);
  }

  private static Object list(Schema schema, Object value) throws UnfitValueException {
    Object parsed = value instanceof String text ? json(schema, text) : value;
    if (!(parsed instanceof List<?> elements)) {
      throw unfit(schema, value, null);
    }
    List<@Nullable Object> list = new ArrayList<>(elements.size());
    for (Object element : elements) {
      list.add(of(schema.getElementType(), element));
    }
    return list;
  }

  private static Object map(Schema schema, Object value) throws UnfitValueException {
    Object parsed = value instanceof String text ? json(schema, text) : value;
    if (!(parsed instanceof Map<?, ?> entries)) {
      throw unfit(schema, value, null);
    }
    Map<String, @Nullable Object> map = new HashMap<>();
    for (Map.Entry<?, ?> entry : entries.entrySet()) {
      map.put(String.valueOf(entry.getKey()), of(schema.getValueType(), entry.getValue()));
    }
    return map;
  }

  private static Object record(Schema schema, Object value) throws UnfitValueException {
    Object parsed = value instanceof String text ? json(schema, text) : value;
    GenericRecord record = new GenericData.Record(schema);
    for (Schema.Field field : schema.getFields()) {
      boolean there;
      Object element;
      if (parsed instanceof Map<?, ?> entries) {
        there = entries.containsKey(field.name());
        element = entries.get(field.name());
      } else if (parsed instanceof GenericRecord from) {
        there = from.getSchema().getField(field.name()) != null;
        element = there ? from.get(field.name()) : null;
      } else {
        throw unfit(schema, value, null);
      }
      if (!there && !field.hasDefaultValue()) {
        throw new UnfitValueException(field.name() + " is missing and has no default");
      }
      record.put(
          field.pos(),
          there ? of(field.schema(), element) : GenericData.get().getDefaultValue(field));
    }
    return record;
  }

  private static Object json(Schema schema, String text) throws UnfitValueException {
    try {
      return JSON.readValue(text, Object.class);
    } catch (JsonProcessingException e) {
      throw unfit(schema, text, e);
    }
  }

  private static UnfitValueException unfit(
      Schema schema, @Nullable Object value, @Nullable Throwable cause) {
    String shown = String.valueOf(value);
    if (shown.length() > SHOWN_CHARACTERS) {
      shown = shown.substring(0, SHOWN_CHARACTERS) + "…";
    }
    return new UnfitValueException("it is '" + shown + "', expected " + named(schema), cause);
  }

  private static String named(Schema schema) {
    LogicalType logical = schema.getLogicalType();
    if (logical != null && logical.getName().contains("timestamp")) {
      return "epoch milliseconds or an ISO-8601 time";
    }
    return switch (schema.getType()) {
      case ENUM -> "one of " + schema.getEnumSymbols();
      case RECORD, FIXED -> schema.getType().getName() + " " + schema.getName();
      default -> logical == null ? schema.getType().getName() : logical.getName();
    };
  }
}
