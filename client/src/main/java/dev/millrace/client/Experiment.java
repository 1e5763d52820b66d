package dev.millrace.client;

import com.fasterxml.jackson.databind.JsonNode;
import java.time.Instant;
import java.util.Map;

/**
 * An experiment: runs that belong together.
 *
 * @param id a number as text; {@code "0"} is there always
 * @param artifactLocation under which its runs have their artifacts
 * @param deleted whether it is hidden, and takes no more runs
 */
public record Experiment(
    String id,
    String name,
    String artifactLocation,
    boolean deleted,
    Instant createdAt,
    Instant updatedAt,
    Map<String, String> tags) {

  public Experiment {
    tags = Map.copyOf(tags);
  }

  static Experiment of(JsonNode json) {
    return new Experiment(
        Fields.text(json, "experiment_id"),
        Fields.text(json, "name"),
        Fields.text(json, "artifact_location"),
        Fields.text(json, "lifecycle_stage").equals("deleted"),
        Fields.instant(json, "creation_time"),
        Fields.instant(json, "last_update_time"),
        Fields.pairs(json, "tags"));
  }
}
