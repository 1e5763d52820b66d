package dev.millrace.core.tracking;

import com.fasterxml.jackson.annotation.JsonProperty;
import com.fasterxml.jackson.annotation.JsonPropertyOrder;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.ArrayList;
import java.util.List;

/**
 * What is counted of a subject's events. It changes with each of them, so it stands apart from what
 * they say.
 *
 * @param sequence of the newest event
 * @param points of metrics
 * @param metrics by how many names
 * @param keys the newest of the commands that may come again
 */
@JsonPropertyOrder({"sequence", "points", "metrics", "keys"})
public record Tally(
    @JsonProperty("sequence") long sequence,
    @JsonProperty("points") long points,
    @JsonProperty("metrics") int metrics,
    @JsonProperty("keys") List<String> keys) {

  /** The number of an event among its subject's. */
  public static final String SEQUENCE = "sequence";

  static final String NEW_KEYS = "new_keys";
  static final String METRICS = "metrics";
  static final int KEYS_MAX = 100;

  public static final Tally NONE = new Tally(0, 0, 0, List.of());

  public Tally {
    keys = List.copyOf(keys);
  }

  boolean answered(String key) {
    return keys.contains(key);
  }

  /** Whether an event was counted already, or was not written by the registry. */
  public boolean passesOver(TrackingEntry event, ObjectNode details) {
    return event.kind() != TrackingEntry.Kind.EVENT || details.path(SEQUENCE).asLong(0) <= sequence;
  }

  Tally with(TrackingEntry event, ObjectNode details) {
    List<String> next = keys;
    if (event.mayComeAgain()) {
      next = new ArrayList<>(keys);
      next.add(event.idempotencyKey());
      if (next.size() > KEYS_MAX) {
        next = next.subList(next.size() - KEYS_MAX, next.size());
      }
    }
    long more = 0;
    if (event.is(TrackingEntry.Event.LOGGED)) {
      for (JsonNode series : details.path(METRICS)) {
        more += series.size();
      }
    }
    return new Tally(
        details.path(SEQUENCE).asLong(),
        points + more,
        metrics + details.path(NEW_KEYS).asInt(0),
        next);
  }
}
