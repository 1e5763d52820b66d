package dev.millrace.core.expression;

import com.google.common.primitives.UnsignedLong;
import dev.cel.common.values.CelByteString;
import dev.cel.common.values.NullValue;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Values on their way into CEL and out of it. */
final class Values {

  private Values() {}

  static Object orCelNull(@Nullable Object value, FieldType.Conversion conversion) {
    return value == null ? NullValue.NULL_VALUE : conversion.apply(value);
  }

  /** A variable that is no field: numbers become what CEL has, maps and lists with them. */
  static Object fromExtra(@Nullable Object value) {
    if (value == null) {
      return NullValue.NULL_VALUE;
    }
    if (value instanceof Integer || value instanceof Short || value instanceof Byte) {
      return ((Number) value).longValue();
    }
    if (value instanceof Float number) {
      return number.doubleValue();
    }
    if (value instanceof byte[] bytes) {
      return CelByteString.of(bytes);
    }
    return value;
  }

  /** Booleans, longs, doubles, strings, byte arrays, lists and maps of them; times as epoch ms. */
  static @Nullable Object plain(Object value) {
    if (value instanceof NullValue) {
      return null;
    }
    if (value instanceof UnsignedLong number) {
      return number.longValue();
    }
    if (value instanceof Instant time) {
      return time.toEpochMilli();
    }
    if (value instanceof Duration length) {
      return length.toMillis();
    }
    if (value instanceof CelByteString bytes) {
      return bytes.toByteArray();
    }
    if (value instanceof List<?> values) {
      List<@Nullable Object> converted = new ArrayList<>(values.size());
      for (Object one : values) {
        converted.add(plain(one));
      }
      return converted;
    }
    if (value instanceof Map<?, ?> values) {
      Map<Object, @Nullable Object> converted = new LinkedHashMap<>();
      values.forEach((key, one) -> converted.put(key, plain(one)));
      return converted;
    }
    return value;
  }

  /** The value as a double, or null where it is no number. */
  static @Nullable Double real(@Nullable Object value) {
    return value instanceof Number number ? Double.valueOf(number.doubleValue()) : null;
  }
}
