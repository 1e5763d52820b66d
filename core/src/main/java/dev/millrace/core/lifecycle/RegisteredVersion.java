package dev.millrace.core.lifecycle;

import com.fasterxml.jackson.annotation.JsonProperty;
import com.fasterxml.jackson.annotation.JsonPropertyOrder;
import com.fasterxml.jackson.databind.JsonNode;
import dev.millrace.core.model.DeployedVersion;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A version of a model as the registry knows it.
 *
 * @param uri where its maker says that it is; once somebody has looked into it, the copy that
 *     serves
 * @param sha256 of the ONNX file; empty where nobody has looked into the artifact yet
 * @param views the definition id of each view that it was trained on, by the view's name; empty
 *     where its maker did not say
 * @param requestId of the retraining request it was made for; null for one made by hand
 * @param idempotencyKey of the command that registered it
 * @param metrics as its trainer or its evaluation measured them; null where neither said, or they
 *     said too much
 * @param verdict why it was validated or rejected, the last time; null before
 */
@JsonPropertyOrder({
  "version",
  "status",
  "uri",
  "sha256",
  "profile_uri",
  "profile_sha256",
  "views",
  "request_id",
  "idempotency_key",
  "actor",
  "reason",
  "registered_at",
  "metrics",
  "verdict"
})
public record RegisteredVersion(
    @JsonProperty("version") int version,
    @JsonProperty("status") Status status,
    @JsonProperty("uri") String uri,
    @JsonProperty("sha256") String sha256,
    @JsonProperty("profile_uri") @Nullable String profileUri,
    @JsonProperty("profile_sha256") @Nullable String profileSha256,
    @JsonProperty("views") Map<String, String> views,
    @JsonProperty("request_id") @Nullable String requestId,
    @JsonProperty("idempotency_key") String idempotencyKey,
    @JsonProperty("actor") String actor,
    @JsonProperty("reason") String reason,
    @JsonProperty("registered_at") long registeredAtMillis,
    @JsonProperty("metrics") @Nullable JsonNode metrics,
    @JsonProperty("verdict") @Nullable String verdict) {

  public RegisteredVersion {
    // A null that was written is read as a node of its own.
    views = LifecycleJson.orNone(views);
    metrics = metrics == null || metrics.isNull() ? null : metrics;
  }

  /** What is known of a version's fitness. */
  public enum Status {
    REGISTERED,
    /** Every gate let it through. */
    VALIDATED,
    /** A gate held it back. */
    REJECTED,
    /** It never serves again. */
    ARCHIVED
  }

  /** Whether nobody has looked into its artifact yet. */
  public boolean unseen() {
    return sha256.isEmpty();
  }

  RegisteredVersion with(Status next) {
    return judged(next, verdict);
  }

  /** Judged, for a reason. */
  RegisteredVersion judged(Status next, @Nullable String why) {
    return new RegisteredVersion(
        version,
        next,
        uri,
        sha256,
        profileUri,
        profileSha256,
        views,
        requestId,
        idempotencyKey,
        actor,
        reason,
        registeredAtMillis,
        metrics,
        why);
  }

  /** What is known once somebody has looked into the artifact. The bytes stay what they were. */
  RegisteredVersion seen(String at, String bytes) {
    return new RegisteredVersion(
        version,
        status,
        unseen() ? at : uri,
        unseen() ? bytes : sha256,
        profileUri,
        profileSha256,
        views,
        requestId,
        idempotencyKey,
        actor,
        reason,
        registeredAtMillis,
        metrics,
        verdict);
  }

  /** What an evaluation says of it; this takes the place of what an earlier one said. */
  RegisteredVersion evaluated(
      @Nullable String nextProfileUri,
      @Nullable String nextProfileSha256,
      Map<String, String> nextViews,
      @Nullable JsonNode nextMetrics) {
    return new RegisteredVersion(
        version,
        status,
        uri,
        sha256,
        nextProfileUri,
        nextProfileSha256,
        nextViews,
        requestId,
        idempotencyKey,
        actor,
        reason,
        registeredAtMillis,
        nextMetrics,
        verdict);
  }

  /** As a deployment names it. */
  public DeployedVersion deployed() {
    return new DeployedVersion(version, uri, sha256, profileUri, profileSha256, views);
  }
}
