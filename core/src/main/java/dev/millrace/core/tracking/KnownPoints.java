package dev.millrace.core.tracking;

/** Which points a run has already. */
public interface KnownPoints {

  /** Whether the run has any point of this metric. */
  boolean hasMetric(String key);

  /** Whether this very point is there. */
  boolean hasPoint(String key, MetricPoint point);
}
