package dev.millrace.core.catalog;

import com.fasterxml.jackson.annotation.JsonProperty;
import com.fasterxml.jackson.annotation.JsonPropertyOrder;
import java.util.Map;

/**
 * What is said of a model as a whole.
 *
 * @param updatedAtMillis when the card, the number or the stage of versions last changed; tags,
 *     aliases and descriptions of versions do not count
 */
@JsonPropertyOrder({"description", "tags", "created_at", "updated_at"})
public record ModelCard(
    @JsonProperty("description") String description,
    @JsonProperty("tags") Map<String, String> tags,
    @JsonProperty("created_at") long createdAtMillis,
    @JsonProperty("updated_at") long updatedAtMillis) {

  public ModelCard {
    tags = Sorted.copy(tags);
  }

  ModelCard described(String next, long atMillis) {
    return new ModelCard(next, tags, createdAtMillis, atMillis);
  }

  ModelCard tagged(Map<String, String> next) {
    return new ModelCard(description, next, createdAtMillis, updatedAtMillis);
  }

  ModelCard touched(long atMillis) {
    return new ModelCard(description, tags, createdAtMillis, atMillis);
  }
}
