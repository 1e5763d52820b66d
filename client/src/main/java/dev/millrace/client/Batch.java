package dev.millrace.client;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * What a run logs at once: all of it or nothing. At most 1,000 metrics, 100 parameters and 100
 * tags, and 1,000 together. It grows with what is added.
 */
public final class Batch {

  private final List<Metric> metrics = new ArrayList<>();
  private final Map<String, String> params = new TreeMap<>();
  private final Map<String, String> tags = new TreeMap<>();

  public Batch metric(String key, double value, Instant at, long step) {
    metrics.add(new Metric(key, value, at, step));
    return this;
  }

  /** A parameter is written once: another value later is refused. */
  public Batch param(String key, String value) {
    params.put(key, value);
    return this;
  }

  public Batch tag(String key, String value) {
    tags.put(key, value);
    return this;
  }

  ObjectNode body(String run) {
    ObjectNode body = Transport.object().put("run_id", run);
    ArrayNode points = body.putArray("metrics");
    metrics.forEach(metric -> metric.putInto(points.addObject()));
    Fields.pairs(body, "params", params);
    Fields.pairs(body, "tags", tags);
    return body;
  }
}
