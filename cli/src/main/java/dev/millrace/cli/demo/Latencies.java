package dev.millrace.cli.demo;

import java.util.Arrays;

/** Waiting times of single events, in order; percentiles are values that occurred. */
final class Latencies {

  private static final double NANOS_PER_MILLI = 1e6;

  private final long[] sortedNanos;

  Latencies(long[] nanos) {
    this.sortedNanos = nanos.clone();
    Arrays.sort(sortedNanos);
  }

  int count() {
    return sortedNanos.length;
  }

  /** The least value that at least this share of all does not exceed; NaN of nothing. */
  double percentileMillis(double share) {
    if (sortedNanos.length == 0) {
      return Double.NaN;
    }
    int rank = (int) Math.ceil(share * sortedNanos.length);
    return sortedNanos[Math.max(0, rank - 1)] / NANOS_PER_MILLI;
  }

  double maxMillis() {
    return percentileMillis(1);
  }
}
