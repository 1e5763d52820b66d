package dev.millrace.registry.tracking;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.millrace.core.tracking.Experiment;
import dev.millrace.core.tracking.LoggedModel;
import dev.millrace.core.tracking.MetricPoint;
import dev.millrace.core.tracking.Run;
import dev.millrace.registry.mlflow.Reals;
import java.util.Map;

/** Experiments, runs and logged models as MLflow's clients read them. */
final class TrackingJson {

  static ObjectNode experiment(Experiment experiment) {
    ObjectNode json = object();
    json.put("experiment_id", experiment.id());
    json.put("name", experiment.name());
    json.put("artifact_location", experiment.artifactLocation());
    json.put("lifecycle_stage", stage(experiment.deleted()));
    json.put("creation_time", experiment.createdAtMillis());
    json.put("last_update_time", experiment.updatedAtMillis());
    pairs(json, "tags", experiment.tags());
    return json;
  }

  private static String stage(boolean deleted) {
    return deleted ? "deleted" : "active";
  }

  static ObjectNode run(TrackedRun tracked, boolean deleted) {
    Run run = tracked.run();
    ObjectNode json = object();
    json.set("info", info(run, deleted));
    ObjectNode data = json.putObject("data");
    ArrayNode metrics = data.putArray("metrics");
    tracked.metrics().series().forEach((key, series) -> metrics.add(metric(key, series.latest())));
    pairs(data, "params", run.params());
    pairs(data, "tags", run.tags());
    ObjectNode inputs = json.putObject("inputs");
    ArrayNode datasets = inputs.putArray("dataset_inputs");
    run.datasets().forEach(dataset -> datasets.add(input(dataset)));
    ArrayNode models = inputs.putArray("model_inputs");
    run.modelInputs().forEach(id -> models.addObject().put("model_id", id));
    ArrayNode made = json.putObject("outputs").putArray("model_outputs");
    run.modelOutputs()
        .forEach((id, step) -> made.addObject().put("model_id", id).put("step", step));
    return json;
  }

  static ObjectNode info(Run run, boolean deleted) {
    ObjectNode info = object();
    info.put("run_id", run.id());
    info.put("run_uuid", run.id());
    info.put("run_name", run.name());
    info.put("experiment_id", run.experimentId());
    info.put("user_id", run.userId());
    info.put("status", run.status().name());
    if (run.startedAtMillis() != null) {
      info.put("start_time", run.startedAtMillis());
    }
    if (run.endedAtMillis() != null) {
      info.put("end_time", run.endedAtMillis());
    }
    info.put("artifact_uri", run.artifactUri());
    info.put("lifecycle_stage", stage(deleted));
    return info;
  }

  private static ObjectNode input(Run.Dataset dataset) {
    ObjectNode json = object();
    pairs(json, "tags", dataset.tags());
    ObjectNode told = json.putObject("dataset");
    told.put("name", dataset.name());
    told.put("digest", dataset.digest());
    told.put("source_type", dataset.sourceType());
    told.put("source", dataset.source());
    if (!dataset.schema().isEmpty()) {
      told.put("schema", dataset.schema());
    }
    if (!dataset.profile().isEmpty()) {
      told.put("profile", dataset.profile());
    }
    return json;
  }

  static ObjectNode metric(String key, MetricPoint point) {
    ObjectNode json = object();
    json.put("key", key);
    json.set("value", Reals.json(point.value()));
    json.put("timestamp", point.timestampMillis());
    json.put("step", point.step());
    return json;
  }

  static ObjectNode model(LoggedModel model) {
    ObjectNode json = object();
    ObjectNode info = json.putObject("info");
    info.put("model_id", model.id());
    info.put("experiment_id", model.experimentId());
    info.put("name", model.name());
    info.put("creation_timestamp_ms", model.createdAtMillis());
    info.put("last_updated_timestamp_ms", model.updatedAtMillis());
    info.put("artifact_uri", model.artifactUri());
    info.put("status", model.status().name());
    info.put("creator_id", model.creator());
    info.put("model_type", model.modelType());
    info.put("source_run_id", model.sourceRunId());
    pairs(info, "tags", model.tags());
    info.putArray("registrations");
    ObjectNode data = json.putObject("data");
    pairs(data, "params", model.params());
    data.putArray("metrics");
    return json;
  }

  static void pairs(ObjectNode json, String name, Map<String, String> texts) {
    ArrayNode array = json.putArray(name);
    texts.forEach((key, value) -> array.addObject().put("key", key).put("value", value));
  }

  static ObjectNode object() {
    return JsonNodeFactory.instance.objectNode();
  }

  private TrackingJson() {}
}
