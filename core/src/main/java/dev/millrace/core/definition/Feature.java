package dev.millrace.core.definition;

import java.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * One value of a row.
 *
 * @param column the source's field that is aggregated; null for {@code count}
 * @param window the length w of the window (T-w, T]; null where the feature has none
 * @param type the type of its values
 */
public record Feature(
    String name,
    Function function,
    @Nullable String column,
    @Nullable Duration window,
    ValueType type) {

  /** The aggregations that can be computed today. */
  public enum Function {
    COUNT,
    SUM,
    MEAN,
    MIN,
    MAX,
    STDDEV,
    APPROX_COUNT_DISTINCT,
    LAST;

    /** Whether it takes numbers alone, and so reads a column as doubles. */
    public boolean needsNumbers() {
      return switch (this) {
        case SUM, MEAN, MIN, MAX, STDDEV -> true;
        case COUNT, APPROX_COUNT_DISTINCT, LAST -> false;
      };
    }
  }

  public enum ValueType {
    LONG,
    DOUBLE,
    STRING,
    BOOLEAN
  }
}
