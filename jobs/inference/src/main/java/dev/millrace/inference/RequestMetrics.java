package dev.millrace.inference;

import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import java.util.concurrent.atomic.AtomicLongArray;
import java.util.concurrent.atomic.LongAdder;

/** What {@code /metrics} says, in Prometheus's text format. */
final class RequestMetrics {

  private static final double[] BOUNDS_SECONDS = {
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10
  };
  private static final double NANOS_PER_SECOND = 1e9;

  private final ConcurrentMap<String, Latency> latencies = new ConcurrentHashMap<>();
  private final ConcurrentMap<Answer, LongAdder> answers = new ConcurrentHashMap<>();
  private final ConcurrentMap<Role, LongAdder> predictions = new ConcurrentHashMap<>();

  private record Answer(String route, int status) {}

  /** How long the answers of one route took. */
  private static final class Latency {
    final AtomicLongArray buckets = new AtomicLongArray(BOUNDS_SECONDS.length + 1);
    final LongAdder nanos = new LongAdder();
  }

  /** Counts an answer; a route is a path of the API, so that there are few. */
  void answered(String route, int status, long nanos) {
    Latency latency = latencies.computeIfAbsent(route, r -> new Latency());
    double seconds = nanos / NANOS_PER_SECOND;
    int bucket = 0;
    while (bucket < BOUNDS_SECONDS.length && seconds > BOUNDS_SECONDS[bucket]) {
      bucket++;
    }
    latency.buckets.incrementAndGet(bucket);
    latency.nanos.add(nanos);
    answers.computeIfAbsent(new Answer(route, status), a -> new LongAdder()).increment();
  }

  void predicted(Role role) {
    predictions.computeIfAbsent(role, r -> new LongAdder()).increment();
  }

  /**
   * Writes it.
   *
   * @param waiting requests that wait, by model
   * @param runsEnded runs that did not come back and were ended, by model
   */
  String text(Map<String, Integer> waiting, Map<String, Integer> runsEnded) {
    StringBuilder text = new StringBuilder();
    text.append("# TYPE millrace_scoring_request_seconds histogram\n");
    new TreeMap<>(latencies).forEach((route, latency) -> histogram(text, route, latency));
    text.append("# TYPE millrace_scoring_requests_total counter\n");
    answers.forEach(
        (answer, count) ->
            text.append("millrace_scoring_requests_total{route=\"")
                .append(answer.route)
                .append("\",status=\"")
                .append(answer.status)
                .append("\"} ")
                .append(count.sum())
                .append('\n'));
    text.append("# TYPE millrace_scoring_predictions_total counter\n");
    predictions.forEach(
        (role, count) ->
            text.append("millrace_scoring_predictions_total{role=\"")
                .append(role)
                .append("\"} ")
                .append(count.sum())
                .append('\n'));
    ofModels(text, "millrace_scoring_runs_ended_total", "counter", runsEnded);
    ofModels(text, "millrace_scoring_waiting", "gauge", waiting);
    return text.toString();
  }

  private static void ofModels(
      StringBuilder text, String name, String type, Map<String, Integer> byModel) {
    text.append("# TYPE ").append(name).append(' ').append(type).append('\n');
    byModel.forEach(
        (model, count) ->
            text.append(name)
                .append("{model=\"")
                .append(model)
                .append("\"} ")
                .append(count)
                .append('\n'));
  }

  private static void histogram(StringBuilder text, String route, Latency latency) {
    String labels = "{route=\"" + route + "\"";
    long count = 0;
    for (int bucket = 0; bucket <= BOUNDS_SECONDS.length; bucket++) {
      count += latency.buckets.get(bucket);
      text.append("millrace_scoring_request_seconds_bucket")
          .append(labels)
          .append(",le=\"")
          .append(bucket < BOUNDS_SECONDS.length ? String.valueOf(BOUNDS_SECONDS[bucket]) : "+Inf")
          .append("\"} ")
          .append(count)
          .append('\n');
    }
    text.append("millrace_scoring_request_seconds_sum")
        .append(labels)
        .append("} ")
        .append(latency.nanos.sum() / NANOS_PER_SECOND)
        .append('\n')
        .append("millrace_scoring_request_seconds_count")
        .append(labels)
        .append("} ")
        .append(count)
        .append('\n');
  }
}
