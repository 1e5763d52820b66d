package dev.millrace.bench;

import java.io.Serializable;

/**
 * Events that are a function of their number, so that both sides of a comparison read the same
 * ones: in the order of event time, keys uniform.
 *
 * @param keys how many entities there are
 * @param eventsPerKeyHour how many events of one entity an hour of event time has on average
 * @param fillEvents how many events come first, to fill the windows
 * @param fillSpanMillis the event time that these take; zero for the same pace as afterwards
 * @param parallelism of the operator behind the shuffle
 */
public record Workload(
    int keys, double eventsPerKeyHour, long fillEvents, long fillSpanMillis, int parallelism)
    implements Serializable {

  private static final long HOUR_MILLIS = 3_600_000;

  /** In 2023; no window begins at the epoch. */
  private static final long START_MILLIS = 1_700_000_000_000L;

  /** Values are multiples of an eighth: their sums are exact in any order. */
  private static final double EIGHTH = 0.125;

  public String key(long number) {
    return "k" + Math.floorMod(mixed(number), keys);
  }

  public double value(long number) {
    return Math.floorMod(mixed(~number), 8_000) * EIGHTH;
  }

  public long timeMillis(long number) {
    double stepMillis = HOUR_MILLIS / (eventsPerKeyHour * keys);
    if (fillSpanMillis == 0) {
      return START_MILLIS + (long) (number * stepMillis);
    }
    double fillStepMillis = (double) fillSpanMillis / fillEvents;
    return START_MILLIS
        + (long) (Math.min(number, fillEvents) * fillStepMillis)
        + (long) (Math.max(0, number - fillEvents) * stepMillis);
  }

  /** The finalizer of SplitMix64. */
  static long mixed(long number) {
    long z = number * 0x9E3779B97F4A7C15L;
    z = (z ^ (z >>> 30)) * 0xBF58476D1CE4E5B9L;
    z = (z ^ (z >>> 27)) * 0x94D049BB133111EBL;
    return z ^ (z >>> 31);
  }
}
