package dev.millrace.core.tracking;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonProperty;
import com.fasterxml.jackson.annotation.JsonPropertyOrder;
import dev.millrace.core.catalog.Sorted;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * What is known of a run, but for its metrics.
 *
 * @param startedAtMillis as its client says
 * @param createdAtMillis by the registry's clock
 */
@JsonPropertyOrder(alphabetic = true)
@JsonInclude(JsonInclude.Include.NON_NULL)
public record Run(
    @JsonProperty("id") String id,
    @JsonProperty("experiment_id") String experimentId,
    @JsonProperty("name") String name,
    @JsonProperty("user_id") String userId,
    @JsonProperty("status") Status status,
    @JsonProperty("started_at") @Nullable Long startedAtMillis,
    @JsonProperty("ended_at") @Nullable Long endedAtMillis,
    @JsonProperty("artifact_uri") String artifactUri,
    @JsonProperty("deleted") boolean deleted,
    @JsonProperty("created_at") long createdAtMillis,
    @JsonProperty("params") SortedMap<String, String> params,
    @JsonProperty("tags") SortedMap<String, String> tags,
    @JsonProperty("datasets") List<Dataset> datasets,
    @JsonProperty("model_inputs") List<String> modelInputs,
    @JsonProperty("model_outputs") SortedMap<String, Long> modelOutputs) {

  /** The tag that repeats the name. */
  public static final String NAME_TAG = "mlflow.runName";

  /** The tag that says who, where the request does not. */
  public static final String USER_TAG = "mlflow.user";

  /** The tag that lists the models a run has logged. */
  public static final String MODELS_TAG = "mlflow.log-model.history";

  private static final int FIXED_BYTES = 1_500;

  /** How far it is. */
  public enum Status {
    RUNNING,
    SCHEDULED,
    FINISHED,
    FAILED,
    KILLED
  }

  /** What a run has read. */
  @JsonPropertyOrder(alphabetic = true)
  public record Dataset(
      @JsonProperty("name") String name,
      @JsonProperty("digest") String digest,
      @JsonProperty("source_type") String sourceType,
      @JsonProperty("source") String source,
      @JsonProperty("schema") String schema,
      @JsonProperty("profile") String profile,
      @JsonProperty("tags") SortedMap<String, String> tags) {

    /** The tag that says what for: training, evaluation. */
    public static final String CONTEXT_TAG = "mlflow.data.context";

    public Dataset {
      tags = Sorted.copy(tags);
    }

    boolean isSame(Dataset other) {
      return name.equals(other.name) && digest.equals(other.digest);
    }

    int length() {
      return TrackingLimits.length(List.of(name, digest, sourceType, source, schema, profile))
          + TrackingLimits.length(tags);
    }
  }

  public Run {
    params = Sorted.copy(params);
    tags = Sorted.copy(tags);
    datasets = List.copyOf(datasets);
    modelInputs = List.copyOf(modelInputs);
    modelOutputs = Sorted.copy(modelOutputs);
  }

  /** Where its artifacts are. */
  public static String artifacts(String location, String id) {
    return location + (location.endsWith("/") ? "" : "/") + id + "/artifacts";
  }

  /** About how much memory it takes. */
  public long bytes() {
    long texts = (long) params.size() + tags.size() + modelInputs.size() + modelOutputs.size();
    return FIXED_BYTES + (texts + 8L * datasets.size()) * TrackingLimits.TEXT_BYTES + 2L * length();
  }

  /** How many characters are kept of it. */
  int length() {
    return TrackingLimits.length(params)
        + TrackingLimits.length(tags)
        + datasets.stream().mapToInt(Dataset::length).sum()
        + TrackingLimits.length(modelInputs)
        + TrackingLimits.length(modelOutputs.keySet());
  }

  Run updated(Status nextStatus, @Nullable Long nextEnd) {
    return new Run(
        id,
        experimentId,
        name,
        userId,
        nextStatus,
        startedAtMillis,
        nextEnd,
        artifactUri,
        deleted,
        createdAtMillis,
        params,
        tags,
        datasets,
        modelInputs,
        modelOutputs);
  }

  Run deleted(boolean next) {
    return new Run(
        id,
        experimentId,
        name,
        userId,
        status,
        startedAtMillis,
        endedAtMillis,
        artifactUri,
        next,
        createdAtMillis,
        params,
        tags,
        datasets,
        modelInputs,
        modelOutputs);
  }

  /** The name follows its tag. */
  Run described(Map<String, String> nextParams, Map<String, String> nextTags) {
    return new Run(
        id,
        experimentId,
        nextTags.getOrDefault(NAME_TAG, name),
        userId,
        status,
        startedAtMillis,
        endedAtMillis,
        artifactUri,
        deleted,
        createdAtMillis,
        Sorted.copy(nextParams),
        Sorted.copy(nextTags),
        datasets,
        modelInputs,
        modelOutputs);
  }

  Run tagged(String key, String value) {
    TreeMap<String, String> next = new TreeMap<>(tags);
    next.put(key, value);
    return described(params, next);
  }

  Run linked(List<Dataset> nextDatasets, List<String> nextInputs, Map<String, Long> nextOutputs) {
    return new Run(
        id,
        experimentId,
        name,
        userId,
        status,
        startedAtMillis,
        endedAtMillis,
        artifactUri,
        deleted,
        createdAtMillis,
        params,
        tags,
        nextDatasets,
        nextInputs,
        Sorted.copy(nextOutputs));
  }
}
