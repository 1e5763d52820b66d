package dev.millrace.core.tracking;

import com.fasterxml.jackson.annotation.JsonProperty;
import com.fasterxml.jackson.annotation.JsonPropertyOrder;
import dev.millrace.core.catalog.Sorted;
import java.util.Map;
import java.util.SortedMap;

/**
 * What runs are gathered under.
 *
 * @param id a number, as text
 * @param createdAtMillis 0 for the one that was always there
 */
@JsonPropertyOrder({
  "id",
  "name",
  "artifact_location",
  "deleted",
  "created_at",
  "updated_at",
  "tags"
})
public record Experiment(
    @JsonProperty("id") String id,
    @JsonProperty("name") String name,
    @JsonProperty("artifact_location") String artifactLocation,
    @JsonProperty("deleted") boolean deleted,
    @JsonProperty("created_at") long createdAtMillis,
    @JsonProperty("updated_at") long updatedAtMillis,
    @JsonProperty("tags") SortedMap<String, String> tags) {

  public Experiment {
    tags = Sorted.copy(tags);
  }

  /** Where its artifacts are, if nobody says anything else. */
  public static String location(String id) {
    return "mlflow-artifacts:/" + id;
  }

  Experiment named(String next, long atMillis) {
    return new Experiment(id, next, artifactLocation, deleted, createdAtMillis, atMillis, tags);
  }

  Experiment deleted(boolean next, long atMillis) {
    return new Experiment(id, name, artifactLocation, next, createdAtMillis, atMillis, tags);
  }

  Experiment tagged(Map<String, String> next, long atMillis) {
    return new Experiment(
        id, name, artifactLocation, deleted, createdAtMillis, atMillis, Sorted.copy(next));
  }
}
