package dev.millrace.registry.tracking;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.millrace.core.tracking.MetricPoint;
import dev.millrace.core.tracking.MetricSeries;
import dev.millrace.registry.mlflow.MlflowRequest;
import dev.millrace.registry.mlflow.MlflowRoutes.Endpoints;
import dev.millrace.registry.mlflow.PageToken;
import java.util.List;

/** The histories of metrics. */
final class Metrics {

  /** Also of who asks for all: the token says that there is more. */
  private static final int RESULTS = 25_000;

  private final TrackingCommands commands;

  Metrics(TrackingCommands commands) {
    this.commands = commands;
  }

  void addTo(Endpoints endpoints) {
    endpoints.get("/metrics/get-history", this::history);
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
}
