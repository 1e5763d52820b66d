package dev.millrace.core.feature;

import dev.millrace.core.row.ValueText;
import java.util.Comparator;
import org.jspecify.annotations.Nullable;

/**
 * An object column's values reduced to four types, Long, Double, String and Boolean, so that equal
 * values are equal objects and sort among themselves.
 */
final class PlainValues {

  /** Of values of one type their own order; of two types, which a column never has, any. */
  static final Comparator<Object> ORDER =
      (a, b) -> {
        if (a instanceof String left && b instanceof String right) {
          return left.compareTo(right);
        }
        if (a instanceof Long left && b instanceof Long right) {
          return left.compareTo(right);
        }
        if (a instanceof Double left && b instanceof Double right) {
          return left.compareTo(right);
        }
        if (a instanceof Boolean left && b instanceof Boolean right) {
          return left.compareTo(right);
        }
        return a.getClass().getName().compareTo(b.getClass().getName());
      };

  static @Nullable Object of(@Nullable Object value) {
    if (value == null
        || value instanceof Long
        || value instanceof Double
        || value instanceof String
        || value instanceof Boolean) {
      return value;
    }
    if (value instanceof Float number) {
      return (double) number;
    }
    return value instanceof Number number ? (Object) number.longValue() : value.toString();
  }

  /** The same where zero's two signs are one value, for those that tell values apart. */
  static @Nullable Object distinct(@Nullable Object value) {
    Object plain = of(value);
    return plain instanceof Double number && number == 0 ? (Object) 0.0 : plain;
  }

  /** As a key of a map. */
  static String text(Object value) {
    return ValueText.of(value);
  }

  private PlainValues() {}
}
