package dev.millrace.core.tracking;

import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/**
 * The points of a metric in three arrays, 24 bytes a point and at most half as much again to grow
 * into. A series never changes for who holds it; the longer one shares its arrays, because it
 * writes behind its end only. So only the newest may be made longer, by one thread.
 */
public final class MetricSeries {

  public static final MetricSeries NONE =
      new MetricSeries(new double[0], new long[0], new long[0], 0, 0, true);

  private static final int SMALLEST = 4;

  private final double[] values;
  private final long[] timestampsMillis;
  private final long[] steps;
  private final int size;
  private final int latest;
  private final boolean inOrder;

  private MetricSeries(
      double[] values,
      long[] timestampsMillis,
      long[] steps,
      int size,
      int latest,
      boolean inOrder) {
    this.values = values;
    this.timestampsMillis = timestampsMillis;
    this.steps = steps;
    this.size = size;
    this.latest = latest;
    this.inOrder = inOrder;
  }

  public int size() {
    return size;
  }

  private MetricPoint point(int index) {
    return new MetricPoint(values[index], timestampsMillis[index], steps[index]);
  }

  /** The value of the metric: its last point by step, then time, then value. */
  public MetricPoint latest() {
    if (size == 0) {
      throw new IllegalStateException("Cannot tell the latest of no points");
    }
    return point(latest);
  }

  /** All points by time, then step, then value. */
  public Stream<MetricPoint> history() {
    Stream<MetricPoint> logged = IntStream.range(0, size).mapToObj(this::point);
    return inOrder ? logged : logged.sorted(MetricPoint.HISTORY);
  }

  /** A page of the history. */
  public List<MetricPoint> page(int from, int max) {
    return history().skip(from).limit(max).toList();
  }

  MetricSeries with(MetricPoint point) {
    int capacity = values.length;
    int next = Math.max(SMALLEST, capacity + (capacity >> 1));
    boolean full = size == capacity;
    double[] toValues = full ? Arrays.copyOf(values, next) : values;
    long[] toTimestamps = full ? Arrays.copyOf(timestampsMillis, next) : timestampsMillis;
    long[] toSteps = full ? Arrays.copyOf(steps, next) : steps;
    toValues[size] = point.value();
    toTimestamps[size] = point.timestampMillis();
    toSteps[size] = point.step();
    return new MetricSeries(
        toValues,
        toTimestamps,
        toSteps,
        size + 1,
        size == 0 || MetricPoint.LATEST.compare(point, latest()) > 0 ? size : latest,
        inOrder && (size == 0 || MetricPoint.HISTORY.compare(point(size - 1), point) <= 0));
  }
}
