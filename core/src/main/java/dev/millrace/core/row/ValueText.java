package dev.millrace.core.row;

import com.fasterxml.jackson.core.io.JsonStringEncoder;
import com.fasterxml.jackson.core.io.NumberOutput;
import java.math.BigDecimal;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * Values as text a person can read and a program reads back to the same bits ({@link ValueReader}).
 *
 * <p>A double is written as the shortest decimal that parses back to it, which JDK 17's {@code
 * Double.toString} does not always give; a trailing {@code .0} is left out. Lists and maps are
 * JSON, with numbers written the same way and a map's keys ascending; what no number of JSON is
 * (infinite, or no number) is a string there.
 */
public final class ValueText {

  private static final double PLAIN_FROM = 1e-7;
  private static final double PLAIN_BELOW = 1e21;

  public static String of(Object value) {
    if (value instanceof Double number) {
      return of((double) number);
    }
    if (value instanceof List || value instanceof Map) {
      StringBuilder json = new StringBuilder();
      json(value, json);
      return json.toString();
    }
    return String.valueOf(value);
  }

  public static String of(double value) {
    if (value == (long) value && Math.abs(value) < 1e15 && (value != 0 || 1 / value > 0)) {
      return Long.toString((long) value);
    }
    String shortest = NumberOutput.toString(value, true).replace(".0E", "E");
    double magnitude = Math.abs(value);
    if (magnitude >= PLAIN_FROM && magnitude < PLAIN_BELOW && shortest.indexOf('E') >= 0) {
      shortest = new BigDecimal(shortest).toPlainString();
    }
    return shortest.endsWith(".0") ? shortest.substring(0, shortest.length() - 2) : shortest;
  }

  private static void json(@Nullable Object value, StringBuilder out) {
    if (value instanceof List<?> list) {
      char before = '[';
      for (Object element : list) {
        out.append(before);
        json(element, out);
        before = ',';
      }
      out.append(before == '[' ? "[]" : "]");
    } else if (value instanceof Map<?, ?> map) {
      char before = '{';
      for (Map.Entry<String, ?> entry : sorted(map).entrySet()) {
        out.append(before);
        quoted(entry.getKey(), out);
        out.append(':');
        json(entry.getValue(), out);
        before = ',';
      }
      out.append(before == '{' ? "{}" : "}");
    } else if (value instanceof Double number && Double.isFinite(number)) {
      out.append(of((double) number));
    } else if (value == null || value instanceof Long || value instanceof Boolean) {
      out.append(value);
    } else {
      quoted(value.toString(), out);
    }
  }

  private static void quoted(String text, StringBuilder out) {
    out.append('"');
    JsonStringEncoder.getInstance().quoteAsString(text, out);
    out.append('"');
  }

  /** A map by its keys, ascending as Java compares strings. */
  public static SortedMap<String, @Nullable Object> sorted(Map<?, ?> map) {
    SortedMap<String, @Nullable Object> sorted = new TreeMap<>();
    map.forEach((key, value) -> sorted.put(String.valueOf(key), value));
    return sorted;
  }

  private ValueText() {}
}
