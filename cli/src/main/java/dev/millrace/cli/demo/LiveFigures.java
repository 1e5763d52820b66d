package dev.millrace.cli.demo;

import dev.millrace.cli.demo.PredictionWatch.Seen;
import java.util.Map;
import java.util.TreeMap;

/**
 * What the live part measured.
 *
 * @param departures events that were sent to be scored
 * @param byRole their predictions by role
 * @param freshness how often each verdict was given, over all views of these predictions
 * @param latencies from when an event was due to be sent until its prediction was read
 * @param sentLateMaxMillis the most that the sender itself was late; part of the latencies
 */
record LiveFigures(
    long departures,
    Map<String, Long> byRole,
    Map<String, Long> freshness,
    Latencies latencies,
    double sentLateMaxMillis) {

  /**
   * Joins what was sent with what was seen.
   *
   * @param dueNanos by event, when each was due
   */
  static LiveFigures of(
      Map<String, Long> dueNanos, Map<String, Seen> seen, double sentLateMaxMillis) {
    Map<String, Long> byRole = new TreeMap<>();
    Map<String, Long> freshness = new TreeMap<>();
    long[] nanos = new long[dueNanos.size()];
    int at = 0;
    for (Map.Entry<String, Long> due : dueNanos.entrySet()) {
      Seen prediction = seen.get(due.getKey());
      if (prediction == null) {
        throw new IllegalArgumentException(
            "Cannot measure event " + due.getKey() + ": it has no prediction");
      }
      nanos[at++] = prediction.nanos() - due.getValue();
      byRole.merge(prediction.role(), 1L, Long::sum);
      prediction.freshness().values().forEach(f -> freshness.merge(f, 1L, Long::sum));
    }
    return new LiveFigures(
        dueNanos.size(), byRole, freshness, new Latencies(nanos), sentLateMaxMillis);
  }

  /** The share of one verdict among all. */
  double freshnessShare(String verdict) {
    long all = freshness.values().stream().mapToLong(Long::longValue).sum();
    return all == 0 ? 0 : (double) freshness.getOrDefault(verdict, 0L) / all;
  }
}
