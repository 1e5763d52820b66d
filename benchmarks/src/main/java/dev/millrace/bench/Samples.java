package dev.millrace.bench;

import java.util.Arrays;

/** Repeated measurements of one thing. */
record Samples(double[] values) {

  Samples {
    if (values.length == 0) {
      throw new IllegalArgumentException("Cannot tell a median of nothing");
    }
    values = values.clone();
    Arrays.sort(values);
  }

  static Samples of(double... values) {
    return new Samples(values);
  }

  double median() {
    int half = values.length / 2;
    return values.length % 2 == 1 ? values[half] : (values[half - 1] + values[half]) / 2;
  }

  double least() {
    return values[0];
  }

  double largest() {
    return values[values.length - 1];
  }

  /** The smallest value that at least this share of all does not exceed. */
  double quantile(double share) {
    int rank = (int) Math.ceil(share * values.length);
    return values[Math.max(0, Math.min(values.length, rank) - 1)];
  }
}
