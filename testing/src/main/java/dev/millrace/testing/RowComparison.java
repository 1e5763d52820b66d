package dev.millrace.testing;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Compares rows of the flights example with the naive recomputation and counts what it compared.
 */
public final class RowComparison {

  private static final double RELATIVE_ERROR_MAX = 1e-9;
  private static final int SHOWN_MAX = 10;

  private final NaiveFlights naive;
  private final Set<String> seen = new HashSet<>();
  private final List<String> mismatches = new ArrayList<>();
  private long mismatchCount;
  private long rows;
  private long values;
  private long repeated;

  public RowComparison(NaiveFlights naive) {
    this.naive = naive;
  }

  /** Takes a row of the log: there, no row may be twice. */
  public void logged(
      String view, String key, long time, String source, Map<String, @Nullable Object> features) {
    if (!seen.add(view + "|" + key + "|" + time + "|" + source)) {
      repeated++;
    }
    row(view, key, time, source, features);
  }

  /** Takes a row from anywhere. */
  public void row(
      String view, String key, long time, String source, Map<String, @Nullable Object> features) {
    long[] positions = {-1, -1, -1, -1};
    for (String place : source.split(",", -1)) {
      String[] parts = place.split(":", -1);
      positions[Integer.parseInt(parts[0])] = Long.parseLong(parts[1]);
    }
    rows++;
    features.forEach(
        (feature, value) -> {
          values++;
          Double expected = naive.value(view, key, time, positions, feature);
          Double actual = value == null ? null : Double.valueOf(String.valueOf(value));
          if (!same(expected, actual)) {
            mismatchCount++;
            if (mismatches.size() < SHOWN_MAX) {
              mismatches.add(
                  view
                      + " "
                      + key
                      + " T="
                      + time
                      + " "
                      + source
                      + " "
                      + feature
                      + ": is "
                      + actual
                      + ", recomputed "
                      + expected);
            }
          }
        });
  }

  /** Whether two values are the same but for rounding. */
  public static boolean same(@Nullable Double expected, @Nullable Double actual) {
    if (expected == null || actual == null) {
      return expected == null && actual == null;
    }
    return Math.abs(expected - actual)
        <= RELATIVE_ERROR_MAX * Math.max(Math.abs(expected), Math.abs(actual));
  }

  public long rows() {
    return rows;
  }

  public long values() {
    return values;
  }

  public long repeated() {
    return repeated;
  }

  public long mismatchCount() {
    return mismatchCount;
  }

  public List<String> mismatches() {
    return mismatches;
  }
}
