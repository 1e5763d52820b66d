package dev.millrace.scoring;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/**
 * How long batches of a model take, by what computes them and by their size.
 *
 * @param measured for each provider from the smallest batch on
 */
public record LatencyTable(List<Measured> measured) {

  /**
   * What is not faster by this much is not worth another device, whose scores would differ in their
   * last bits.
   */
  private static final double WORTH = 0.9;

  private static final double NANOS_PER_MILLI = 1e6;

  /** Some batches of a size: the median of their times. */
  public record Measured(ExecutionProvider provider, int rows, long nanos) {
    double nanosPerRow() {
      return (double) nanos / rows;
    }
  }

  /** What to compute a model on, and the largest batch for it. */
  public record Choice(ExecutionProvider provider, int rows) {}

  public LatencyTable {
    measured = List.copyOf(measured);
  }

  /**
   * Times batches of 1, 2, 4, … rows, each of other rows than the last: with the same rows again
   * the branches of trees would be predicted. Where the time does not suffice, the largest are left
   * out.
   */
  public static LatencyTable measure(
      OnnxModel model, int maxRows, Duration time, LongSupplier nanoClock) {
    return new LatencyMeasurement(nanoClock, time).of(model, maxRows);
  }

  public LatencyTable with(LatencyTable other) {
    List<Measured> both = new ArrayList<>(measured);
    both.addAll(other.measured);
    return new LatencyTable(both);
  }

  /**
   * The provider that scores a row in the least time, in the largest batches that take no longer
   * than is allowed.
   *
   * @param allowedNanos the largest long where there is no objective
   * @param maxRows the largest batch where there is none
   * @return null where not even the smallest batch is fast enough
   */
  public @Nullable Choice choose(long allowedNanos, int maxRows) {
    Measured best = null;
    for (ExecutionProvider provider : ExecutionProvider.values()) {
      Measured largest = null;
      for (Measured one : measured) {
        if (one.provider == provider
            && one.nanos <= allowedNanos
            && (largest == null || one.rows > largest.rows)) {
          largest = one;
        }
      }
      if (largest != null && (best == null || largest.nanosPerRow() < WORTH * best.nanosPerRow())) {
        best = largest;
      }
    }
    if (best == null) {
      return null;
    }
    return new Choice(best.provider, allowedNanos == Long.MAX_VALUE ? maxRows : best.rows);
  }

  /** The fastest of the smallest batches, for a version that has to score though it is too slow. */
  public Choice fastestRow() {
    int fewest = measured.stream().mapToInt(Measured::rows).min().orElse(0);
    Measured best = null;
    for (Measured one : measured) {
      if (one.rows == fewest && (best == null || one.nanos < best.nanos)) {
        best = one;
      }
    }
    if (best == null) {
      throw new IllegalStateException("Cannot choose from an empty table");
    }
    return new Choice(best.provider, best.rows);
  }

  /** Such as {@code cpu: 1 row 0.012 ms, 2 rows 0.020 ms; cuda: 1 row 0.310 ms}. */
  @Override
  public String toString() {
    StringBuilder text = new StringBuilder();
    ExecutionProvider last = null;
    for (Measured one : measured) {
      if (one.provider != last) {
        text.append(last == null ? "" : "; ")
            .append(one.provider.name().toLowerCase(Locale.ROOT))
            .append(": ");
      } else {
        text.append(", ");
      }
      last = one.provider;
      text.append(one.rows)
          .append(one.rows == 1 ? " row " : " rows ")
          .append(String.format(Locale.ROOT, "%.3f ms", one.nanos / NANOS_PER_MILLI));
    }
    return text.toString();
  }
}
