package dev.millrace.registry.tracking;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.millrace.core.tracking.MetricPoint;
import dev.millrace.core.tracking.MetricSeries;
import dev.millrace.registry.mlflow.MlflowError;
import dev.millrace.registry.mlflow.MlflowRequest;
import dev.millrace.registry.mlflow.MlflowRoutes.Endpoints;
import dev.millrace.registry.mlflow.PageToken;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;

/** The histories of metrics. */
final class Metrics {

  /** Also of who asks for all: the token says that there is more. */
  private static final int RESULTS = 25_000;

  private static final int RUNS_MAX = 100;
  private static final int RESULTS_PER_RUN_MAX = 2_500;
  private static final Comparator<MetricPoint> BY_STEP =
      Comparator.comparingLong(MetricPoint::step).thenComparingLong(MetricPoint::timestampMillis);

  /** The history of one run among those of several. */
  private record OfRun(String run, MetricSeries series) {}

  private final TrackingCommands commands;

  Metrics(TrackingCommands commands) {
    this.commands = commands;
  }

  void addTo(Endpoints endpoints) {
    String root = "/metrics/";
    endpoints
        .get(root + "get-history", this::history)
        .get(root + "get-history-bulk", this::bulk)
        .get(root + "get-history-bulk-interval", this::interval);
  }

  private ObjectNode history(MlflowRequest request) {
    TrackedRun run = commands.run(request);
    String key = request.required("metric_key");
    int max = request.maxResults(RESULTS, RESULTS);
    int offset = request.offset();
    MetricSeries series = run.metrics().series(key).orElse(MetricSeries.NONE);
    List<MetricPoint> page = series.page(offset, max);
    ObjectNode json = TrackingJson.object();
    ArrayNode metrics = json.putArray("metrics");
    page.forEach(point -> metrics.add(TrackingJson.metric(key, point)));
    if ((long) offset + page.size() < series.size()) {
      json.put("next_page_token", PageToken.write(offset + page.size()));
    }
    return json;
  }

  /** Of several runs, each in the order of its history, up to a number of points in all. */
  private ObjectNode bulk(MlflowRequest request) {
    String key = request.required("metric_key");
    int left = request.maxResults(RESULTS, RESULTS);
    ObjectNode json = TrackingJson.object();
    ArrayNode metrics = json.putArray("metrics");
    for (OfRun each : several(request, "run_id", "GetMetricHistory", key)) {
      List<MetricPoint> page = each.series.page(0, left);
      left -= page.size();
      page.forEach(point -> metrics.add(metric(each, key, point)));
    }
    return json;
  }

  /** Of several runs those points that a drawing needs: steps spread evenly, the same for all. */
  private ObjectNode interval(MlflowRequest request) {
    String key = request.required("metric_key");
    List<OfRun> runs = several(request, "run_ids", "GetMetricHistoryBulkInterval", key);
    int max = request.maxResults(RESULTS_PER_RUN_MAX, RESULTS_PER_RUN_MAX);
    if (request.has("start_step") != request.has("end_step")) {
      throw MlflowError.invalid(
          "If either start step or end step are specified, both must be specified.");
    }
    long from = request.number("start_step").orElse(Long.MIN_VALUE);
    long to = request.number("end_step").orElse(Long.MAX_VALUE);
    if (from > to) {
      throw MlflowError.invalid(
          "end_step must be greater than start_step. Found start_step="
              + from
              + " and end_step="
              + to
              + ".");
    }
    Set<Long> steps = steps(runs, from, to, max);
    ObjectNode json = TrackingJson.object();
    ArrayNode metrics = json.putArray("metrics");
    for (OfRun each : runs) {
      each.series
          .history()
          .filter(point -> steps.contains(point.step()))
          .sorted(BY_STEP)
          .limit(max)
          .forEach(point -> metrics.add(metric(each, key, point)));
    }
    return json;
  }

  private static Set<Long> steps(List<OfRun> runs, long from, long to, int max) {
    TreeSet<Long> all = new TreeSet<>();
    TreeSet<Long> chosen = new TreeSet<>();
    for (OfRun each : runs) {
      TreeSet<Long> own = new TreeSet<>();
      each.series
          .history()
          .map(MetricPoint::step)
          .filter(step -> step >= from && step <= to)
          .forEach(own::add);
      if (!own.isEmpty()) {
        chosen.add(own.first());
        chosen.add(own.last());
      }
      all.addAll(own);
    }
    if (all.size() <= max) {
      return all;
    }
    List<Long> sorted = new ArrayList<>(all);
    for (int i = 0; i < max; i++) {
      chosen.add(sorted.get((int) ((long) i * sorted.size() / max)));
    }
    return chosen;
  }

  private List<OfRun> several(MlflowRequest request, String parameter, String rpc, String key) {
    List<String> ids = request.texts(parameter).stream().distinct().sorted().toList();
    if (ids.isEmpty()) {
      String unusedNone = request.required(parameter);
    }
    if (ids.size() > RUNS_MAX) {
      throw MlflowError.invalid(
          rpc
              + " request must specify at most "
              + RUNS_MAX
              + " "
              + parameter
              + "s. Received "
              + ids.size());
    }
    return ids.stream()
        .map(commands.tracking()::run)
        .flatMap(Optional::stream)
        .flatMap(run -> run.metrics().series(key).map(s -> new OfRun(run.id(), s)).stream())
        .toList();
  }

  private static ObjectNode metric(OfRun of, String key, MetricPoint point) {
    return TrackingJson.metric(key, point).put("run_id", of.run);
  }
}
