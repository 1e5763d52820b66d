package dev.millrace.core.tracking;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import java.util.Comparator;

/** One value of a metric; the value may be NaN or infinite. */
public record MetricPoint(double value, long timestampMillis, long step) {

  /** The order of a history. */
  public static final Comparator<MetricPoint> HISTORY =
      Comparator.comparingLong(MetricPoint::timestampMillis)
          .thenComparingLong(MetricPoint::step)
          .thenComparingDouble(MetricPoint::rank);

  /** The last of these is the metric's value. */
  public static final Comparator<MetricPoint> LATEST =
      Comparator.comparingLong(MetricPoint::step)
          .thenComparingLong(MetricPoint::timestampMillis)
          .thenComparingDouble(MetricPoint::rank);

  public MetricPoint {
    // There is one zero.
    value = value == 0 ? 0.0 : value;
  }

  /** By which values are ordered: MLflow's servers take NaN for 0. */
  private double rank() {
    return Double.isNaN(value) ? 0.0 : value;
  }

  void write(ArrayNode to) {
    to.add(value).add(timestampMillis).add(step);
  }

  /** Reads a point as the details of events have it: {@code [value, timestamp, step]}. */
  public static MetricPoint of(JsonNode array) {
    return read(array, 0);
  }

  /** Reads {@code value, timestamp, step} of an array. */
  static MetricPoint read(JsonNode array, int from) {
    return new MetricPoint(
        value(array.path(from)), array.path(from + 1).asLong(), array.path(from + 2).asLong());
  }

  private static double value(JsonNode node) {
    // What is no JSON number is written as a text: NaN, Infinity, -Infinity.
    return node.isNumber() ? node.doubleValue() : Double.parseDouble(node.asText());
  }
}
