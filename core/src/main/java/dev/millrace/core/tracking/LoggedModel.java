package dev.millrace.core.tracking;

import com.fasterxml.jackson.annotation.JsonProperty;
import com.fasterxml.jackson.annotation.JsonPropertyOrder;
import dev.millrace.core.catalog.Sorted;
import java.util.Map;
import java.util.SortedMap;

/** A model that somebody has logged, before it is a version of any registered model. */
@JsonPropertyOrder(alphabetic = true)
public record LoggedModel(
    @JsonProperty("id") String id,
    @JsonProperty("experiment_id") String experimentId,
    @JsonProperty("name") String name,
    @JsonProperty("model_type") String modelType,
    @JsonProperty("source_run_id") String sourceRunId,
    @JsonProperty("artifact_uri") String artifactUri,
    @JsonProperty("creator") String creator,
    @JsonProperty("status") Status status,
    @JsonProperty("deleted") boolean deleted,
    @JsonProperty("created_at") long createdAtMillis,
    @JsonProperty("updated_at") long updatedAtMillis,
    @JsonProperty("params") SortedMap<String, String> params,
    @JsonProperty("tags") SortedMap<String, String> tags) {

  private static final int FIXED_BYTES = 1_000;

  /** How far it is. */
  public enum Status {
    LOGGED_MODEL_PENDING,
    LOGGED_MODEL_READY,
    LOGGED_MODEL_UPLOAD_FAILED
  }

  public LoggedModel {
    params = Sorted.copy(params);
    tags = Sorted.copy(tags);
  }

  /** Where its artifacts are. */
  public static String artifacts(String location, String id) {
    return location + (location.endsWith("/") ? "" : "/") + "models/" + id + "/artifacts";
  }

  /** About how much memory it takes. */
  public long bytes() {
    return FIXED_BYTES
        + ((long) params.size() + tags.size()) * TrackingLimits.TEXT_BYTES
        + 2L * length();
  }

  int length() {
    return TrackingLimits.length(params) + TrackingLimits.length(tags);
  }

  LoggedModel finalized(Status next, long atMillis) {
    return new LoggedModel(
        id,
        experimentId,
        name,
        modelType,
        sourceRunId,
        artifactUri,
        creator,
        next,
        deleted,
        createdAtMillis,
        atMillis,
        params,
        tags);
  }

  LoggedModel gone(long atMillis) {
    return new LoggedModel(
        id,
        experimentId,
        name,
        modelType,
        sourceRunId,
        artifactUri,
        creator,
        status,
        true,
        createdAtMillis,
        atMillis,
        params,
        tags);
  }

  LoggedModel described(
      Map<String, String> nextParams, Map<String, String> nextTags, long atMillis) {
    return new LoggedModel(
        id,
        experimentId,
        name,
        modelType,
        sourceRunId,
        artifactUri,
        creator,
        status,
        deleted,
        createdAtMillis,
        atMillis,
        Sorted.copy(nextParams),
        Sorted.copy(nextTags));
  }
}
