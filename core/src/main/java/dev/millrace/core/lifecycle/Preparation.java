package dev.millrace.core.lifecycle;

import com.fasterxml.jackson.annotation.JsonProperty;
import com.fasterxml.jackson.annotation.JsonPropertyOrder;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * What the subtasks of inference have said of the deployment that is being prepared. It is no part
 * of a model's state: it lives from the first report to the deployment's end, and its outcome is an
 * event. A report that comes again changes nothing, so their idempotency keys need not be kept.
 *
 * @param firstReportMillis when the first report came
 * @param reports the parallelism that the newest report of each subtask named
 * @param largestEventTimeMillis of all reports, also of those that newer ones replaced: what a
 *     subtask has scored once stays scored; null where none saw an event
 */
@JsonPropertyOrder({"deployment_id", "first_report", "reports", "largest_event_time"})
public record Preparation(
    @JsonProperty("deployment_id") String deploymentId,
    @JsonProperty("first_report") long firstReportMillis,
    @JsonProperty("reports") SortedMap<Integer, Integer> reports,
    @JsonProperty("largest_event_time") @Nullable Long largestEventTimeMillis) {

  public Preparation {
    reports = Collections.unmodifiableSortedMap(new TreeMap<>(reports));
  }

  /** A deployment of which nothing was said yet. */
  static Preparation of(String deploymentId, long nowMillis) {
    return new Preparation(deploymentId, nowMillis, new TreeMap<>(), null);
  }

  /**
   * Takes a report.
   *
   * @param eventTimeMillis the largest that the subtask has scored; null where it saw none
   */
  Preparation with(int subtask, int parallelism, @Nullable Long eventTimeMillis) {
    SortedMap<Integer, Integer> next = new TreeMap<>(reports);
    next.put(subtask, parallelism);
    Long largest = largestEventTimeMillis;
    if (largest == null || (eventTimeMillis != null && eventTimeMillis > largest)) {
      largest = eventTimeMillis;
    }
    return new Preparation(deploymentId, firstReportMillis, next, largest);
  }

  /** Whether a subtask's newest report makes the last one of a whole set. */
  boolean isWholeWith(int parallelism) {
    return missing(parallelism).isEmpty();
  }

  /** The subtasks of a set that have not reported as part of it. */
  List<Integer> missing(int parallelism) {
    List<Integer> missing = new ArrayList<>();
    for (int subtask = 0; subtask < parallelism; subtask++) {
      Integer reported = reports.get(subtask);
      if (reported == null || reported != parallelism) {
        missing.add(subtask);
      }
    }
    return missing;
  }

  /** The parallelism that most reports name, the largest of several. */
  int parallelism() {
    Map<Integer, Integer> votes = new TreeMap<>();
    reports.values().forEach(p -> votes.merge(p, 1, Integer::sum));
    int most = 0;
    int parallelism = 0;
    for (Map.Entry<Integer, Integer> vote : votes.entrySet()) {
      if (vote.getValue() >= most) {
        most = vote.getValue();
        parallelism = vote.getKey();
      }
    }
    return parallelism;
  }

  /** The event time from which the deployment serves. */
  long effectiveTimeMillis() {
    Long largest = largestEventTimeMillis;
    // Nobody has scored anything: the first event is already its.
    return largest == null ? Long.MIN_VALUE : largest + 1;
  }
}
