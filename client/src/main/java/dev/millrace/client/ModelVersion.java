package dev.millrace.client;

import com.fasterxml.jackson.databind.JsonNode;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * A version of a registered model, as it was when it was asked for. Texts are empty where there is
 * nothing.
 *
 * @param version counted from 1; a number is never given again
 * @param source where its artifact is: {@code mlflow-artifacts:/…} what this client uploads
 * @param stage MLflow's label: None, Staging, Production or Archived. It deploys nothing
 * @param user who registered it
 */
public record ModelVersion(
    String name,
    int version,
    String description,
    String source,
    String runId,
    String stage,
    String user,
    Instant createdAt,
    Instant updatedAt,
    Map<String, String> tags,
    List<String> aliases) {

  public ModelVersion {
    tags = Map.copyOf(tags);
    aliases = List.copyOf(aliases);
  }

  /** The sha256 of its ONNX file, in hex, once somebody has looked into its artifact. */
  public Optional<String> sha256() {
    return Optional.ofNullable(tags.get("millrace.sha256"));
  }

  static ModelVersion of(JsonNode json) {
    return new ModelVersion(
        Fields.text(json, "name"),
        json.path("version").asInt(),
        Fields.text(json, "description"),
        Fields.text(json, "source"),
        Fields.text(json, "run_id"),
        Fields.text(json, "current_stage"),
        Fields.text(json, "user_id"),
        Fields.instant(json, "creation_timestamp"),
        Fields.instant(json, "last_updated_timestamp"),
        Fields.pairs(json, "tags"),
        Fields.list(json, "aliases", JsonNode::asText));
  }
}
