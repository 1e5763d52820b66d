package dev.millrace.core.tracking;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.millrace.core.lifecycle.LifecycleJson;
import dev.millrace.core.tracking.TrackingEntry.Event;
import java.util.Collections;
import java.util.Map;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;

/** The metrics of a run, with all their points: a fold of its events. For many readers at once. */
public final class RunMetrics {

  public static final RunMetrics NONE = new RunMetrics(new TreeMap<>());

  private final SortedMap<String, MetricSeries> series;

  private RunMetrics(SortedMap<String, MetricSeries> series) {
    this.series = series;
  }

  /** By name. */
  public SortedMap<String, MetricSeries> series() {
    return Collections.unmodifiableSortedMap(series);
  }

  public Optional<MetricSeries> series(String key) {
    return Optional.ofNullable(series.get(key));
  }

  /**
   * Takes an event that {@link RunState} has taken too: who calls sees to it that none is twice.
   */
  public RunMetrics apply(TrackingEntry event) {
    if (!event.is(Event.LOGGED)) {
      return this;
    }
    ObjectNode details = LifecycleJson.details(event.details());
    SortedMap<String, MetricSeries> next = null;
    for (Map.Entry<String, JsonNode> told : details.path(Tally.METRICS).properties()) {
      if (next == null) {
        next = new TreeMap<>(series);
      }
      MetricSeries grown = next.getOrDefault(told.getKey(), MetricSeries.NONE);
      for (JsonNode point : told.getValue()) {
        grown = grown.with(MetricPoint.of(point));
      }
      next.put(told.getKey(), grown);
    }
    return next == null ? this : new RunMetrics(next);
  }
}
