package dev.millrace.client;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.time.Instant;
import java.util.List;
import java.util.Map;

/** Runs: begun, logged to, ended, and found. */
public final class Runs {

  private static final String ROOT = Transport.MLFLOW + "runs/";

  private final Transport transport;

  Runs(Transport transport) {
    this.transport = transport;
  }

  /**
   * Begins a run, now.
   *
   * @param name empty for one that the registry makes up
   * @throws RegistryException {@code RESOURCE_DOES_NOT_EXIST} where there is no such experiment,
   *     {@code INVALID_PARAMETER_VALUE} where it is deleted
   */
  public Run create(String experimentId, String name, Map<String, String> tags)
      throws IOException, InterruptedException {
    ObjectNode body =
        Transport.object()
            .put("experiment_id", experimentId)
            .put("start_time", now().toEpochMilli());
    if (!name.isEmpty()) {
      body.put("run_name", name);
    }
    Fields.pairs(body, "tags", tags);
    return Run.of(
        transport
            .change("create a run in experiment " + experimentId, "POST", ROOT + "create", body)
            .path("run"));
  }

  private Instant now() {
    return transport.settings().clock().instant();
  }

  /**
   * @throws RegistryException {@code RESOURCE_DOES_NOT_EXIST}
   */
  public Run get(String id) throws IOException, InterruptedException {
    return Run.of(
        transport.get("get run " + id, ROOT + "get" + new Query().with("run_id", id)).path("run"));
  }

  /**
   * Fields of the filter: {@code metrics.k, params.k, tags.k}, {@code attributes.status} and
   * others, {@code datasets.name}. What began last comes first where nothing else is said.
   */
  public List<Run> search(List<String> experimentIds, Search search)
      throws IOException, InterruptedException {
    return Pages.all(
        "runs",
        Run::of,
        search.limit(),
        token -> {
          ObjectNode body = search.body(token, "run_view_type");
          ArrayNode ids = body.putArray("experiment_ids");
          experimentIds.forEach(ids::add);
          return transport.search("search runs", ROOT + "search", body);
        });
  }

  /** One point, of now and step 0. */
  public void logMetric(String run, String key, double value)
      throws IOException, InterruptedException {
    logMetric(run, new Metric(key, value, now(), 0));
  }

  public void logMetric(String run, Metric metric) throws IOException, InterruptedException {
    ObjectNode body = Transport.object().put("run_id", run);
    metric.putInto(body);
    changed("log metric " + metric.key() + " of run " + run, "log-metric", body);
  }

  /**
   * @throws RegistryException {@code INVALID_PARAMETER_VALUE} where it has another value already
   */
  public void logParam(String run, String key, String value)
      throws IOException, InterruptedException {
    changed("log parameter " + key + " of run " + run, "log-parameter", pair(run, key, value));
  }

  public void setTag(String run, String key, String value)
      throws IOException, InterruptedException {
    changed("tag run " + run, "set-tag", pair(run, key, value));
  }

  public void deleteTag(String run, String key) throws IOException, InterruptedException {
    changed(
        "delete tag " + key + " of run " + run,
        "delete-tag",
        Transport.object().put("run_id", run).put("key", key));
  }

  private static ObjectNode pair(String run, String key, String value) {
    return Transport.object().put("run_id", run).put("key", key).put("value", value);
  }

  /** All of it, or nothing. */
  public void log(String run, Batch batch) throws IOException, InterruptedException {
    changed("log a batch of run " + run, "log-batch", batch.body(run));
  }

  /** All points of a metric by time, then step, then value; none where it has no such metric. */
  public List<Metric> history(String run, String key) throws IOException, InterruptedException {
    return Pages.all(
        "metrics",
        Metric::of,
        Integer.MAX_VALUE,
        token -> {
          Query query = new Query().with("run_id", run).with("metric_key", key);
          return transport.get(
              "get the history of metric " + key + " of run " + run,
              Transport.MLFLOW
                  + "metrics/get-history"
                  + (token.isEmpty() ? query : query.with("page_token", token)));
        });
  }

  /** Ends it, now. */
  public void end(String run, Run.Status status) throws IOException, InterruptedException {
    changed(
        "end run " + run,
        "update",
        Transport.object()
            .put("run_id", run)
            .put("status", status.name())
            .put("end_time", now().toEpochMilli()));
  }

  /** Hides it. */
  public void delete(String run) throws IOException, InterruptedException {
    changed("delete run " + run, "delete", Transport.object().put("run_id", run));
  }

  /** Shows it again. */
  public void restore(String run) throws IOException, InterruptedException {
    changed("restore run " + run, "restore", Transport.object().put("run_id", run));
  }

  private void changed(String what, String path, ObjectNode body)
      throws IOException, InterruptedException {
    JsonNode unusedNothing = transport.change(what, "POST", ROOT + path, body);
  }
}
