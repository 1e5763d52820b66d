package dev.millrace.core.row;

import com.fasterxml.jackson.core.io.NumberOutput;
import java.math.BigDecimal;

/**
 * Values as text a person can read and a program reads back to the same bits.
 *
 * <p>A double is written as the shortest decimal that parses back to it, which JDK 17's {@code
 * Double.toString} does not always give; a trailing {@code .0} is left out.
 */
public final class ValueText {

  private static final double PLAIN_FROM = 1e-7;
  private static final double PLAIN_BELOW = 1e21;

  public static String of(Object value) {
    return value instanceof Double number ? of((double) number) : String.valueOf(value);
  }

  public static String of(double value) {
    if (value == (long) value && Math.abs(value) < 1e15 && (value != 0 || 1 / value > 0)) {
      return Long.toString((long) value);
    }
    String shortest = NumberOutput.toString(value, true);
    double magnitude = Math.abs(value);
    if (magnitude >= PLAIN_FROM && magnitude < PLAIN_BELOW && shortest.indexOf('E') >= 0) {
      shortest = new BigDecimal(shortest).toPlainString();
    }
    if (shortest.endsWith(".0")) {
      return shortest.substring(0, shortest.length() - 2);
    }
    return shortest.replace(".0E", "E");
  }

  private ValueText() {}
}
