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
 * event.
 *
 * @param firstReportMillis when the first report came
 * @param reports the newest of each subtask
 * @param largestEventTimeMillis of all reports, also of those that newer ones replaced: what a
 *     subtask has scored once stays scored; null where none saw an event
 * @param keys of the reports, the newest {@value #KEYS_KEPT}
 */
@JsonPropertyOrder({"deployment_id", "first_report", "reports", "largest_event_time", "keys"})
public record Preparation(
    @JsonProperty("deployment_id") String deploymentId,
    @JsonProperty("first_report") long firstReportMillis,
    @JsonProperty("reports") SortedMap<Integer, Integer> reports,
    @JsonProperty("largest_event_time") @Nullable Long largestEventTimeMillis,
    @JsonProperty("keys") List<String> keys) {

  static final int KEYS_KEPT = 1_000;

  public Preparation {
    reports = Collections.unmodifiableSortedMap(new TreeMap<>(reports));
    keys = List.copyOf(keys);
  }

  /** A deployment of which nothing was said yet. */
  static Preparation of(String deploymentId, long nowMillis) {
    return new Preparation(deploymentId, nowMillis, new TreeMap<>(), null, List.of());
  }

  /**
   * Takes a report; one that comes again changes nothing.
   *
   * @param eventTimeMillis the largest that the subtask has scored; null where it saw none
   */
  Preparation with(String key, int subtask, int parallelism, @Nullable Long eventTimeMillis) {
    if (keys.contains(key)) {
      return this;
    }
    SortedMap<Integer, Integer> next = new TreeMap<>(reports);
    next.put(subtask, parallelism);
    List<String> nextKeys = new ArrayList<>(keys);
    nextKeys.add(key);
    Long largest = largestEventTimeMillis;
    if (largest == null || (eventTimeMillis != null && eventTimeMillis > largest)) {
      largest = eventTimeMillis;
    }
    return new Preparation(
        deploymentId,
        firstReportMillis,
        next,
        largest,
        nextKeys.subList(Math.max(0, nextKeys.size() - KEYS_KEPT), nextKeys.size()));
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
