package dev.millrace.core.catalog;

import com.fasterxml.jackson.annotation.JsonProperty;
import com.fasterxml.jackson.annotation.JsonPropertyOrder;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What is said of a version.
 *
 * @param source where its maker says that the artifact is; empty once it is deleted
 * @param runId of the run that made it; empty where none did, or once it is deleted
 * @param actor who registered it
 * @param content what was asked for when it was registered, as a hash; the same asked again in a
 *     moment is the same version. Null where its maker gave a key of its own
 * @param deleted whether only its number is left
 */
@JsonPropertyOrder({
  "version",
  "source",
  "run_id",
  "run_link",
  "description",
  "tags",
  "stage",
  "actor",
  "created_at",
  "updated_at",
  "content",
  "deleted"
})
public record VersionCard(
    @JsonProperty("version") int version,
    @JsonProperty("source") String source,
    @JsonProperty("run_id") String runId,
    @JsonProperty("run_link") String runLink,
    @JsonProperty("description") String description,
    @JsonProperty("tags") Map<String, String> tags,
    @JsonProperty("stage") Stage stage,
    @JsonProperty("actor") String actor,
    @JsonProperty("created_at") long createdAtMillis,
    @JsonProperty("updated_at") long updatedAtMillis,
    @JsonProperty("content") @Nullable String content,
    @JsonProperty("deleted") boolean deleted) {

  public VersionCard {
    tags = Sorted.copy(tags);
  }

  VersionCard described(String next, long atMillis) {
    return with(next, tags, stage, atMillis);
  }

  VersionCard tagged(Map<String, String> next) {
    return with(description, next, stage, updatedAtMillis);
  }

  VersionCard staged(Stage next, long atMillis) {
    return with(description, tags, next, atMillis);
  }

  private VersionCard with(
      String nextDescription, Map<String, String> nextTags, Stage nextStage, long atMillis) {
    return new VersionCard(
        version,
        source,
        runId,
        runLink,
        nextDescription,
        nextTags,
        nextStage,
        actor,
        createdAtMillis,
        atMillis,
        content,
        deleted);
  }

  /** Only the number, so that it is never given again. */
  VersionCard gone(long atMillis) {
    return new VersionCard(
        version,
        "",
        "",
        "",
        "",
        Map.of(),
        Stage.NONE,
        actor,
        createdAtMillis,
        atMillis,
        null,
        true);
  }
}
