package dev.millrace.client;

import com.fasterxml.jackson.databind.JsonNode;
import java.time.Instant;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * A run, as it was when it was asked for.
 *
 * @param id 32 hex digits
 * @param startedAt null where nobody said
 * @param endedAt null where nobody said
 * @param artifactUri under which its artifacts are
 * @param metrics of each metric the point of its last step
 */
public record Run(
    String id,
    String name,
    String experimentId,
    String user,
    Status status,
    boolean deleted,
    @Nullable Instant startedAt,
    @Nullable Instant endedAt,
    String artifactUri,
    Map<String, Metric> metrics,
    Map<String, String> params,
    Map<String, String> tags) {

  /** How far it is. */
  public enum Status {
    RUNNING,
    SCHEDULED,
    FINISHED,
    FAILED,
    KILLED,
    /** One that a newer registry knows. */
    OTHER
  }

  public Run {
    metrics = Map.copyOf(metrics);
    params = Map.copyOf(params);
    tags = Map.copyOf(tags);
  }

  static Run of(JsonNode json) {
    JsonNode info = json.path("info");
    JsonNode data = json.path("data");
    Map<String, Metric> metrics = new TreeMap<>();
    data.path("metrics")
        .forEach(
            each -> {
              Metric metric = Metric.of(each);
              metrics.put(metric.key(), metric);
            });
    return new Run(
        Fields.text(info, "run_id"),
        Fields.text(info, "run_name"),
        Fields.text(info, "experiment_id"),
        Fields.text(info, "user_id"),
        Fields.constant(Status.class, Fields.text(info, "status"), Status.OTHER),
        Fields.text(info, "lifecycle_stage").equals("deleted"),
        Fields.instantOrNull(info, "start_time"),
        Fields.instantOrNull(info, "end_time"),
        Fields.text(info, "artifact_uri"),
        metrics,
        Fields.pairs(data, "params"),
        Fields.pairs(data, "tags"));
  }
}
