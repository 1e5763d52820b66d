package dev.millrace.client;

import com.fasterxml.jackson.databind.JsonNode;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Who serves, and why.
 *
 * @param canary null where there is none
 * @param share of the units that the canary gets, from 0 to 1
 * @param effectiveTimeMillis the event time from which it holds; null while it is being prepared,
 *     the smallest long where it holds for all events
 * @param actor who decided it
 */
public record Deployment(
    String model,
    String id,
    State state,
    Served champion,
    @Nullable Served canary,
    double share,
    List<Served> shadows,
    @Nullable Long effectiveTimeMillis,
    String actor,
    String reason,
    Instant decidedAt) {

  /** How far it is. */
  public enum State {
    PREPARING,
    EFFECTIVE,
    REVOKED,
    /** One that a newer registry knows. */
    OTHER
  }

  /**
   * A version that takes part.
   *
   * @param uri where its artifact is
   * @param sha256 of its file, in hex
   */
  public record Served(int version, String uri, String sha256) {
    static Served of(JsonNode json) {
      return new Served(
          json.path("version").asInt(), Fields.text(json, "uri"), Fields.text(json, "sha256"));
    }
  }

  public Deployment {
    shadows = List.copyOf(shadows);
  }

  /** Whether events get this version's scores: it is the champion or the canary. */
  public boolean serves(int version) {
    return champion.version() == version
        || Optional.ofNullable(canary).filter(c -> c.version() == version).isPresent();
  }

  static Deployment of(String model, JsonNode json) {
    JsonNode effective = json.path("effective_time");
    return new Deployment(
        model,
        Fields.text(json, "deployment_id"),
        Fields.constant(State.class, Fields.text(json, "state"), State.OTHER),
        Served.of(json.path("champion")),
        json.path("canary").isObject() ? Served.of(json.path("canary")) : null,
        json.path("share").asDouble(0),
        Fields.list(json, "shadows", Served::of),
        effective.isNumber() ? (Long) effective.longValue() : null,
        Fields.text(json, "actor"),
        Fields.text(json, "reason"),
        Fields.instant(json, "decided_at"));
  }
}
