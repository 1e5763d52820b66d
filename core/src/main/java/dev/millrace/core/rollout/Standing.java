package dev.millrace.core.rollout;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import dev.millrace.core.model.LifecycleEntry;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * Who serves a model: what the details of a {@code DEPLOYMENT_…} event say.
 *
 * @param effectiveMillis the event time from which it holds; null: from wherever each subtask read
 */
public record Standing(
    @Nullable String deploymentId,
    @Nullable Integer champion,
    @Nullable Integer canary,
    double share,
    List<Integer> shadows,
    @Nullable Long effectiveMillis) {

  private static final JsonMapper JSON = new JsonMapper();

  public Standing {
    shadows = List.copyOf(shadows);
  }

  /** Whether a version has any part in it. */
  public boolean has(int version) {
    return serves(version) || shadows.contains(version);
  }

  /** Whether events are answered by a version. */
  public boolean serves(int version) {
    return (champion != null && champion == version) || (canary != null && canary == version);
  }

  /** Whether it is the same people in the same places. */
  boolean sameRoles(
      @Nullable Integer otherChampion, @Nullable Integer otherCanary, double otherShare) {
    return Objects.equals(champion, otherChampion)
        && Objects.equals(canary, otherCanary)
        && (canary == null || Math.abs(share - otherShare) < 1e-9);
  }

  public static Standing of(LifecycleEntry event) {
    JsonNode details = details(event);
    List<Integer> shadows = new ArrayList<>();
    for (JsonNode shadow : details.path("shadows")) {
      Integer version = version(shadow);
      if (version != null) {
        shadows.add(version);
      }
    }
    return new Standing(
        text(details, "deployment_id"),
        version(details.path("champion")),
        version(details.path("canary")),
        details.has("share")
            ? details.path("share").asDouble()
            : details.path("canary_share").asDouble(),
        shadows,
        effective(details));
  }

  /** Null also where nobody had scored anything: the registry says the beginning of time then. */
  private static @Nullable Long effective(JsonNode details) {
    Long time = whole(details, "effective_time");
    return time == null || time == Long.MIN_VALUE ? null : time;
  }

  /** An event's details; an empty object where they are none. */
  public static JsonNode details(LifecycleEntry event) {
    try {
      JsonNode details = JSON.readTree(event.details());
      return details.isObject() ? details : JSON.createObjectNode();
    } catch (JsonProcessingException e) {
      return JSON.createObjectNode();
    }
  }

  public static @Nullable String text(JsonNode details, String key) {
    JsonNode value = details.path(key);
    return value.isTextual() && !value.asText().isEmpty() ? value.asText() : null;
  }

  public static @Nullable Long whole(JsonNode details, String key) {
    JsonNode value = details.path(key);
    return value.isNumber() ? Long.valueOf(value.asLong()) : null;
  }

  private static @Nullable Integer version(JsonNode node) {
    JsonNode number = node.isObject() ? node.path("version") : node;
    return number.isNumber() ? Integer.valueOf(number.asInt()) : null;
  }
}
