package dev.millrace.registry.tracking;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.millrace.core.tracking.TrackingEntry;
import dev.millrace.core.tracking.TrackingEntry.Command;
import dev.millrace.registry.access.Need;
import dev.millrace.registry.access.Need.About;
import dev.millrace.registry.mlflow.MlflowError;
import dev.millrace.registry.mlflow.MlflowRequest;
import dev.millrace.registry.mlflow.MlflowRoutes.Endpoints;
import java.util.List;

/** What runs have read and made: datasets and models. */
final class RunLinks {

  private static final JsonMapper JSON = new JsonMapper();
  private static final List<String> OF_MODELS =
      List.of("artifact_path", "flavors", "utc_time_created", "run_id");
  private static final List<String> OF_DATASETS =
      List.of("name", "digest", "source_type", "source");

  private final TrackingCommands commands;

  RunLinks(TrackingCommands commands) {
    this.commands = commands;
  }

  void addTo(Endpoints endpoints) {
    String root = "/runs/";
    Need change = Need.contributing(About.RUN);
    endpoints
        .post(root + "log-inputs", change, this::inputs)
        .post(root + "outputs", change, this::outputs)
        .post(root + "log-model", change, this::model);
  }

  private ObjectNode inputs(MlflowRequest request) throws InterruptedException {
    ObjectNode details = TrackingJson.object();
    ArrayNode datasets = details.putArray("datasets");
    for (MlflowRequest input : request.objects("datasets")) {
      MlflowRequest dataset =
          input
              .object("dataset")
              .orElseThrow(() -> MlflowError.invalid("Dataset input must contain a dataset"));
      ObjectNode told = datasets.addObject();
      for (String text : OF_DATASETS) {
        told.put(text, dataset.required(text));
      }
      told.put("schema", dataset.text("schema", ""));
      told.put("profile", dataset.text("profile", ""));
      ObjectNode tags = told.putObject("tags");
      input.tags("tags").forEach(tags::put);
    }
    ArrayNode models = details.putArray("models");
    request.objects("models").forEach(model -> models.add(model.required("model_id")));
    return submit(request, Command.LOG_INPUTS, details);
  }

  private ObjectNode outputs(MlflowRequest request) throws InterruptedException {
    ObjectNode details = TrackingJson.object();
    ArrayNode models = details.putArray("models");
    for (MlflowRequest model : request.objects("models")) {
      models
          .addObject()
          .put("model_id", model.required("model_id"))
          .put("step", model.number("step").orElse(0));
    }
    return submit(request, Command.LOG_OUTPUTS, details);
  }

  private ObjectNode model(MlflowRequest request) throws InterruptedException {
    String text = request.required("model_json");
    JsonNode model;
    try {
      model = JSON.readTree(text);
    } catch (JsonProcessingException e) {
      throw MlflowError.invalid(
          "Malformed model info. It is not valid JSON: " + e.getOriginalMessage());
    }
    List<String> missing = OF_MODELS.stream().filter(field -> !model.has(field)).toList();
    if (!missing.isEmpty()) {
      throw MlflowError.invalid("Model json is missing mandatory fields: " + missing);
    }
    ObjectNode details = TrackingJson.object();
    details.set("model", model);
    return submit(request, Command.LOG_MODEL, details);
  }

  private ObjectNode submit(MlflowRequest request, Command command, ObjectNode details)
      throws InterruptedException {
    TrackedRun run = commands.activeRun(request);
    commands.refuseWithoutRoom();
    TrackingEntry unusedEvent = commands.submit(request, run.id(), command, details);
    return TrackingJson.object();
  }
}
