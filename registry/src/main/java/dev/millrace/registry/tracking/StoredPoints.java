package dev.millrace.registry.tracking;

import com.fasterxml.jackson.databind.JsonNode;
import dev.millrace.core.lifecycle.LifecycleJson;
import dev.millrace.core.tracking.KnownPoints;
import dev.millrace.core.tracking.MetricPoint;
import dev.millrace.core.tracking.TrackingEntry;
import java.util.Map;
import org.apache.kafka.streams.state.KeyValueStore;

/** The points of a run in a store: keys alone, one for each metric and one for each point. */
record StoredPoints(String run, KeyValueStore<String, byte[]> store) implements KnownPoints {

  // No name of a metric has it.
  private static final char BETWEEN = '\u0000';
  private static final byte[] NOTHING = {};

  @Override
  public boolean hasMetric(String key) {
    return store.get(name(key)) != null;
  }

  @Override
  public boolean hasPoint(String key, MetricPoint point) {
    return store.get(name(key, point)) != null;
  }

  /** Adds those of an event. */
  void add(TrackingEntry event) {
    JsonNode metrics = LifecycleJson.details(event.details()).path("metrics");
    for (Map.Entry<String, JsonNode> series : metrics.properties()) {
      store.put(name(series.getKey()), NOTHING);
      for (JsonNode point : series.getValue()) {
        store.put(name(series.getKey(), MetricPoint.of(point)), NOTHING);
      }
    }
  }

  private String name(String key) {
    return run + BETWEEN + key;
  }

  private String name(String key, MetricPoint point) {
    return name(key)
        + BETWEEN
        + point.step()
        + BETWEEN
        + point.timestampMillis()
        + BETWEEN
        // Every NaN is the same.
        + Long.toHexString(Double.doubleToLongBits(point.value()));
  }
}
