package dev.millrace.core.model;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apache.avro.generic.GenericRecord;
import org.jspecify.annotations.Nullable;

/**
 * One entry of {@code models.deployments}: who serves a model.
 *
 * @param effectiveTimeMillis the event time from which the champion serves; null: from where each
 *     subtask reads this
 * @param champion null where nobody serves: the fallback answers
 */
public record Deployment(
    String model,
    String deploymentId,
    State state,
    @Nullable Long effectiveTimeMillis,
    @Nullable DeployedVersion champion,
    @Nullable DeployedVersion canary,
    double canaryShare,
    List<DeployedVersion> shadows,
    long decidedAtMillis) {

  public Deployment {
    shadows = List.copyOf(shadows);
  }

  /** The same without those that nobody acts on. */
  public Deployment withoutShadows() {
    return new Deployment(
        model,
        deploymentId,
        state,
        effectiveTimeMillis,
        champion,
        canary,
        canaryShare,
        List.of(),
        decidedAtMillis);
  }

  /** Where a deployment stands. */
  public enum State {
    PREPARING,
    EFFECTIVE,
    REVOKED
  }

  /** Reads a record of the schema {@code dev.millrace.wire.Deployment}. */
  public static Deployment of(GenericRecord record) {
    return new Deployment(
        text(record, "model"),
        text(record, "deployment_id"),
        State.valueOf(text(record, "state")),
        (Long) record.get("effective_time"),
        version(record.get("champion")),
        version(record.get("canary")),
        (Double) record.get("canary_share"),
        ((List<?>) record.get("shadows")).stream().map(s -> deployed((GenericRecord) s)).toList(),
        (Long) record.get("decided_at"));
  }

  private static @Nullable DeployedVersion version(@Nullable Object value) {
    return value == null ? null : deployed((GenericRecord) value);
  }

  private static DeployedVersion deployed(GenericRecord record) {
    return new DeployedVersion(
        (Integer) record.get("version"),
        text(record, "uri"),
        text(record, "sha256"),
        optional(record.get("profile_uri")),
        optional(record.get("profile_sha256")),
        texts((Map<?, ?>) record.get("views")));
  }

  private static Map<String, String> texts(Map<?, ?> map) {
    Map<String, String> texts = new HashMap<>();
    map.forEach((k, v) -> texts.put(k.toString(), v.toString()));
    return texts;
  }

  private static @Nullable String optional(@Nullable Object value) {
    return value == null ? null : value.toString();
  }

  private static String text(GenericRecord record, String field) {
    return String.valueOf(record.get(field));
  }
}
