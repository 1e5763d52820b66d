package dev.millrace.client;

import com.fasterxml.jackson.databind.JsonNode;
import java.time.Instant;

/**
 * What is known of a version's fitness.
 *
 * @param sha256 of its ONNX file, in hex; empty while nobody has looked into its artifact
 */
public record VersionState(
    int version, Status status, String uri, String sha256, String actor, Instant registeredAt) {

  /** How far it is. */
  public enum Status {
    REGISTERED,
    /** Every gate let it through. */
    VALIDATED,
    /** A gate held it back. */
    REJECTED,
    /** It never serves again. */
    ARCHIVED,
    /** One that a newer registry knows. */
    OTHER
  }

  static VersionState of(JsonNode json) {
    return new VersionState(
        json.path("version").asInt(),
        Fields.constant(Status.class, Fields.text(json, "status"), Status.OTHER),
        Fields.text(json, "uri"),
        Fields.text(json, "sha256"),
        Fields.text(json, "actor"),
        Fields.instant(json, "registered_at"));
  }
}
