package dev.millrace.streaming;

import com.google.protobuf.CodedOutputStream;
import dev.millrace.core.definition.Feature.ValueType;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Values in the bytes of Feast's {@code Value} message and times in those of protobuf's {@code
 * Timestamp}. Which of the message's fields a value has follows from the feature's type, never from
 * the value, because a reader takes the type from it.
 */
final class FeastValues {

  private static final int STRING = 2;
  private static final int INT64 = 4;
  private static final int DOUBLE = 5;
  private static final int BOOL = 7;
  private static final int MAP = 20;

  /** The field of a list is this much above that of its element. */
  private static final int LIST_OF = 10;

  private static final int LIST_VALUES = 1;
  private static final int MAP_ENTRIES = 1;
  private static final int ENTRY_KEY = 1;
  private static final int ENTRY_VALUE = 2;
  private static final int SECONDS = 1;
  private static final int NANOS = 2;

  private static final byte[] UNSET = {};

  /** A message with no field set is what Feast writes for a value that is not there. */
  static byte[] value(ValueType type, @Nullable Object value) {
    return value == null ? UNSET : message(out -> write(type, value, out));
  }

  static byte[] timestamp(long epochMillis) {
    long seconds = Math.floorDiv(epochMillis, 1_000L);
    int nanos = Math.floorMod(epochMillis, 1_000) * 1_000_000;
    return message(
        out -> {
          if (seconds != 0) {
            out.writeInt64(SECONDS, seconds);
          }
          if (nanos != 0) {
            out.writeInt32(NANOS, nanos);
          }
        });
  }

  private static void write(ValueType type, Object value, CodedOutputStream out)
      throws IOException {
    switch (type.kind()) {
      case LONG -> out.writeInt64(INT64, ((Number) value).longValue());
      case DOUBLE -> out.writeDouble(DOUBLE, ((Number) value).doubleValue());
      case STRING -> out.writeString(STRING, (String) value);
      case BOOLEAN -> out.writeBool(BOOL, (Boolean) value);
      case LIST ->
          out.writeByteArray(
              LIST_OF + field(type.elementType()),
              message(list -> writeElements(type.elementType(), (List<?>) value, list)));
      case MAP ->
          out.writeByteArray(
              MAP, message(map -> writeEntries(type.elementType(), (Map<?, ?>) value, map)));
    }
  }

  private static int field(ValueType type) {
    return switch (type.kind()) {
      case LONG -> INT64;
      case DOUBLE -> DOUBLE;
      case STRING -> STRING;
      case BOOLEAN -> BOOL;
      case LIST, MAP ->
          throw new IllegalArgumentException("Cannot write a list of " + type + " for Feast");
    };
  }

  private static void writeElements(ValueType element, List<?> values, CodedOutputStream out)
      throws IOException {
    if (element.kind() == ValueType.Kind.STRING) {
      for (Object value : values) {
        out.writeString(LIST_VALUES, (String) value);
      }
      return;
    }
    if (values.isEmpty()) {
      return;
    }
    out.writeByteArray(
        LIST_VALUES,
        message(
            packed -> {
              for (Object value : values) {
                writeElement(element, value, packed);
              }
            }));
  }

  private static void writeElement(ValueType element, Object value, CodedOutputStream out)
      throws IOException {
    switch (element.kind()) {
      case LONG -> out.writeInt64NoTag(((Number) value).longValue());
      case DOUBLE -> out.writeDoubleNoTag(((Number) value).doubleValue());
      case BOOLEAN -> out.writeBoolNoTag((Boolean) value);
      case STRING, LIST, MAP ->
          throw new IllegalArgumentException("Cannot pack a list of " + element + " for Feast");
    }
  }

  private static void writeEntries(ValueType element, Map<?, ?> values, CodedOutputStream out)
      throws IOException {
    for (Map.Entry<?, ?> entry : values.entrySet()) {
      out.writeByteArray(
          MAP_ENTRIES,
          message(
              one -> {
                one.writeString(ENTRY_KEY, (String) entry.getKey());
                one.writeByteArray(ENTRY_VALUE, value(element, entry.getValue()));
              }));
    }
  }

  /** Writes the fields of one message. */
  private interface Fields {
    void write(CodedOutputStream out) throws IOException;
  }

  private static byte[] message(Fields fields) {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream(16);
    CodedOutputStream out = CodedOutputStream.newInstance(bytes, 64);
    try {
      fields.write(out);
      out.flush();
    } catch (IOException e) {
      throw new UncheckedIOException("Cannot write a value for Feast into memory", e);
    }
    return bytes.toByteArray();
  }

  private FeastValues() {}
}
