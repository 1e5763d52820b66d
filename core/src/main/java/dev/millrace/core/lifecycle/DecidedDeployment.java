package dev.millrace.core.lifecycle;

import com.fasterxml.jackson.annotation.JsonProperty;
import com.fasterxml.jackson.annotation.JsonPropertyOrder;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.millrace.core.model.DeployedVersion;
import dev.millrace.core.model.Deployment;
import dev.millrace.core.model.LifecycleEntry;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * A deployment as the registry decided it last.
 *
 * @param effectiveTimeMillis the event time from which it serves; null until it does
 * @param share of the units that the canary gets, from 0 to 1
 * @param actor who decided it; once it is revoked, who revoked it
 * @param reason why, likewise
 * @param idempotencyKey of the command that made it
 * @param preparedAtMillis when that was
 * @param decidedAtMillis when its state last changed
 */
@JsonPropertyOrder({
  "deployment_id",
  "state",
  "champion",
  "canary",
  "share",
  "shadows",
  "effective_time",
  "actor",
  "reason",
  "idempotency_key",
  "prepared_at",
  "decided_at"
})
public record DecidedDeployment(
    @JsonProperty("deployment_id") String deploymentId,
    @JsonProperty("state") Deployment.State state,
    @JsonProperty("champion") Named champion,
    @JsonProperty("canary") @Nullable Named canary,
    @JsonProperty("share") double share,
    @JsonProperty("shadows") List<Named> shadows,
    @JsonProperty("effective_time") @Nullable Long effectiveTimeMillis,
    @JsonProperty("actor") String actor,
    @JsonProperty("reason") String reason,
    @JsonProperty("idempotency_key") String idempotencyKey,
    @JsonProperty("prepared_at") long preparedAtMillis,
    @JsonProperty("decided_at") long decidedAtMillis) {

  public DecidedDeployment {
    shadows = List.copyOf(shadows);
  }

  /** A version with what is needed to load it. */
  @JsonPropertyOrder({"version", "uri", "sha256", "profile_uri", "profile_sha256", "views"})
  public record Named(
      @JsonProperty("version") int version,
      @JsonProperty("uri") String uri,
      @JsonProperty("sha256") String sha256,
      @JsonProperty("profile_uri") @Nullable String profileUri,
      @JsonProperty("profile_sha256") @Nullable String profileSha256,
      @JsonProperty("views") Map<String, String> views) {

    public Named {
      views = LifecycleJson.orNone(views);
    }

    static Named of(RegisteredVersion version) {
      return new Named(
          version.version(),
          version.uri(),
          version.sha256(),
          version.profileUri(),
          version.profileSha256(),
          version.views());
    }

    DeployedVersion deployed() {
      return new DeployedVersion(version, uri, sha256, profileUri, profileSha256, views);
    }

    private ObjectNode json() {
      ObjectNode json = LifecycleJson.object();
      ObjectNode pinned = LifecycleJson.object();
      new TreeMap<>(views).forEach(pinned::put);
      json.put("version", version)
          .put("uri", uri)
          .put("sha256", sha256)
          .put("profile_uri", profileUri)
          .put("profile_sha256", profileSha256)
          .set("views", pinned);
      return json;
    }

    private static Named of(JsonNode json) {
      return new Named(
          json.path("version").intValue(),
          json.path("uri").asText(),
          json.path("sha256").asText(),
          LifecycleJson.text(json, "profile_uri"),
          LifecycleJson.text(json, "profile_sha256"),
          LifecycleJson.texts(json.path("views")));
    }
  }

  DecidedDeployment effectiveFrom(long timeMillis) {
    return in(Deployment.State.EFFECTIVE, timeMillis);
  }

  DecidedDeployment revoked() {
    return in(Deployment.State.REVOKED, effectiveTimeMillis);
  }

  private DecidedDeployment in(Deployment.State next, @Nullable Long effectiveMillis) {
    return new DecidedDeployment(
        deploymentId,
        next,
        champion,
        canary,
        share,
        shadows,
        effectiveMillis,
        actor,
        reason,
        idempotencyKey,
        preparedAtMillis,
        decidedAtMillis);
  }

  /** Whether it has been made effective and not taken back. */
  public boolean stands() {
    return state == Deployment.State.EFFECTIVE;
  }

  /** Whether this version answers events in it: a shadow answers nobody. */
  public boolean serves(int version) {
    Named second = canary;
    return champion.version() == version || (second != null && second.version() == version);
  }

  /** Every version it names. */
  public Set<Integer> versions() {
    Set<Integer> versions = new TreeSet<>();
    versions.add(champion.version());
    Named second = canary;
    if (second != null) {
      versions.add(second.version());
    }
    shadows.forEach(s -> versions.add(s.version()));
    return versions;
  }

  /** The entry of {@code models.deployments} that says so. */
  public Deployment deployment(String model) {
    Named second = canary;
    return new Deployment(
        model,
        deploymentId,
        state,
        effectiveTimeMillis,
        champion.deployed(),
        second == null ? null : second.deployed(),
        share,
        shadows.stream().map(Named::deployed).toList(),
        decidedAtMillis);
  }

  /** What an event about it says, besides who and when. */
  ObjectNode details() {
    ObjectNode json = LifecycleJson.object();
    Named second = canary;
    json.put("deployment_id", deploymentId);
    json.put("state", state.name());
    json.set("champion", champion.json());
    json.set("canary", second == null ? LifecycleJson.none() : second.json());
    json.put("share", share);
    ArrayNode list = json.putArray("shadows");
    shadows.forEach(s -> list.add(s.json()));
    json.put("effective_time", effectiveTimeMillis);
    return json;
  }

  /** The deployment that an event of the registry is about; empty where it is about none. */
  public static Optional<DecidedDeployment> of(LifecycleEntry event) {
    return event.is(LifecycleEntry.Event.DEPLOYMENT_PREPARING)
            || event.is(LifecycleEntry.Event.DEPLOYMENT_EFFECTIVE)
            || event.is(LifecycleEntry.Event.DEPLOYMENT_REVOKED)
        ? Optional.of(of(event, LifecycleJson.details(event.details()), null))
        : Optional.empty();
  }

  /**
   * The deployment of an event about one.
   *
   * @param before what was known of it; null for one that begins
   */
  static DecidedDeployment of(
      LifecycleEntry event, JsonNode details, @Nullable DecidedDeployment before) {
    JsonNode canary = details.path("canary");
    JsonNode effectiveTime = details.path("effective_time");
    List<Named> shadows = new ArrayList<>();
    details.path("shadows").forEach(s -> shadows.add(Named.of(s)));
    return new DecidedDeployment(
        details.path("deployment_id").asText(),
        Deployment.State.valueOf(details.path("state").asText()),
        Named.of(details.path("champion")),
        canary.isObject() ? Named.of(canary) : null,
        details.path("share").doubleValue(),
        shadows,
        effectiveTime.isIntegralNumber() ? effectiveTime.longValue() : null,
        event.actor(),
        event.reason(),
        before == null ? event.idempotencyKey() : before.idempotencyKey(),
        before == null ? event.atMillis() : before.preparedAtMillis(),
        event.atMillis());
  }
}
