package dev.millrace.client;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.time.Instant;

/**
 * A point of a metric. One with equal key, value, time and step counts once.
 *
 * @param key up to 250 letters, digits and {@code _-./} or blanks
 * @param value may be NaN or infinite
 * @param at to the millisecond
 * @param step in which order points belong; the last step's value is the metric's
 */
public record Metric(String key, double value, Instant at, long step) {

  static Metric of(JsonNode json) {
    return new Metric(
        Fields.text(json, "key"),
        Fields.real(json.path("value")),
        Fields.instant(json, "timestamp"),
        json.path("step").asLong(0));
  }

  void putInto(ObjectNode json) {
    json.put("key", key).put("timestamp", at.toEpochMilli()).put("step", step);
    Fields.putReal(json, "value", value);
  }
}
