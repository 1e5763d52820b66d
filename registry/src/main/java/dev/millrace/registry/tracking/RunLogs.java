package dev.millrace.registry.tracking;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.millrace.core.catalog.Refusal;
import dev.millrace.core.tracking.TrackingEntry;
import dev.millrace.core.tracking.TrackingEntry.Command;
import dev.millrace.core.tracking.TrackingLimits;
import dev.millrace.registry.access.Need;
import dev.millrace.registry.access.Need.About;
import dev.millrace.registry.mlflow.MlflowError;
import dev.millrace.registry.mlflow.MlflowRequest;
import dev.millrace.registry.mlflow.MlflowRoutes.Endpoints;
import java.util.List;

/** What runs log: metrics, parameters and tags. */
final class RunLogs {

  private static final int REQUEST_LENGTH_MAX = 1_000_000;

  private final TrackingCommands commands;

  RunLogs(TrackingCommands commands) {
    this.commands = commands;
  }

  void addTo(Endpoints endpoints) {
    String root = "/runs/";
    Need change = Need.contributing(About.RUN);
    endpoints
        .post(root + "log-metric", change, r -> log(r, List.of(r), List.of(), List.of()))
        .post(root + "log-parameter", change, r -> log(r, List.of(), List.of(r), List.of()))
        .post(root + "set-tag", change, r -> log(r, List.of(), List.of(), List.of(r)))
        .post(root + "delete-tag", change, this::deleteTag)
        .post(root + "log-batch", change, this::batch);
  }

  private ObjectNode batch(MlflowRequest request) throws InterruptedException {
    if (request.length() > REQUEST_LENGTH_MAX) {
      throw MlflowError.invalid(
          "Batched logging API requests must be at most "
              + REQUEST_LENGTH_MAX
              + " bytes, got a request of size "
              + request.length()
              + ".");
    }
    List<MlflowRequest> metrics = request.objects("metrics");
    List<MlflowRequest> params = request.objects("params");
    List<MlflowRequest> tags = request.objects("tags");
    try {
      TrackingLimits.batch(metrics.size(), params.size(), tags.size());
    } catch (Refusal e) {
      throw MlflowError.invalid(e.reason());
    }
    return log(request, metrics, params, tags);
  }

  private ObjectNode log(
      MlflowRequest request,
      List<MlflowRequest> metrics,
      List<MlflowRequest> params,
      List<MlflowRequest> tags)
      throws InterruptedException {
    TrackedRun run = commands.activeRun(request);
    commands.refuseWithoutRoom();
    ObjectNode details = TrackingJson.object();
    ArrayNode points = details.putArray("metrics");
    for (MlflowRequest metric : metrics) {
      points
          .addArray()
          .add(metric.required("key"))
          .add(metric.real("value"))
          .add(timestamp(metric))
          .add(metric.number("step").orElse(0));
    }
    pairs(details.putArray("params"), params);
    pairs(details.putArray("tags"), tags);
    TrackingEntry unusedEvent = commands.submit(request, run.id(), Command.LOG, details);
    return TrackingJson.object();
  }

  private static long timestamp(MlflowRequest metric) {
    return metric
        .number("timestamp")
        .orElseThrow(
            () ->
                MlflowError.invalid(
                    "Missing value for required parameter 'timestamp'. See the API docs for more"
                        + " information about request parameters."));
  }

  static void pairs(ArrayNode array, List<MlflowRequest> told) {
    for (MlflowRequest pair : told) {
      array.addArray().add(pair.required("key")).add(pair.text("value", ""));
    }
  }

  private ObjectNode deleteTag(MlflowRequest request) throws InterruptedException {
    TrackedRun run = commands.activeRun(request);
    TrackingEntry unusedEvent =
        commands.submit(
            request,
            run.id(),
            Command.DELETE_RUN_TAG,
            TrackingJson.object().put("key", request.required("key")));
    return TrackingJson.object();
  }
}
