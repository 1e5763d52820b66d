package dev.millrace.registry.tracking;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.millrace.core.lifecycle.LifecycleJson;
import dev.millrace.core.tracking.Experiment;
import dev.millrace.core.tracking.TrackingEntry;
import dev.millrace.core.tracking.TrackingEntry.Command;
import dev.millrace.registry.access.Need;
import dev.millrace.registry.access.Need.About;
import dev.millrace.registry.mlflow.MlflowError;
import dev.millrace.registry.mlflow.MlflowRequest;
import dev.millrace.registry.mlflow.MlflowRoutes.Endpoints;
import dev.millrace.registry.mlflow.PageToken;
import dev.millrace.registry.mlflow.PageToken.Page;
import dev.millrace.registry.mlflow.Searches;
import dev.millrace.registry.search.Fields;
import dev.millrace.registry.search.Fields.Field;
import dev.millrace.registry.search.Fields.ValueType;
import dev.millrace.registry.search.Filter;
import dev.millrace.registry.search.Filter.Subject;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** Experiments. */
final class Experiments {

  private static final int RESULTS = 1_000;
  private static final int RESULTS_MAX = 50_000;
  private static final Fields FIELDS =
      new Fields(
          Map.of(
              "name",
              ValueType.TEXT,
              "experiment_id",
              ValueType.NUMBER,
              "creation_time",
              ValueType.NUMBER,
              "last_update_time",
              ValueType.NUMBER),
          Map.of("tags", ValueType.TEXT),
          Set.of());

  private final TrackingCommands commands;

  Experiments(TrackingCommands commands) {
    this.commands = commands;
  }

  void addTo(Endpoints endpoints) {
    String root = "/experiments/";
    Need change = Need.contributing(About.EXPERIMENT);
    Need remove = Need.administering(About.EXPERIMENT);
    endpoints
        .post(root + "create", Need.contributing(About.NEW_EXPERIMENT), this::create)
        .get(root + "get", this::get)
        .get(root + "get-by-name", this::named)
        .get(root + "search", this::search)
        .post(root + "search", Need.READING, this::search)
        .post(root + "delete", remove, r -> change(r, Command.DELETE_EXPERIMENT, about(r)))
        .post(root + "restore", remove, r -> change(r, Command.RESTORE_EXPERIMENT, about(r)))
        .post(root + "update", change, this::rename)
        .post(root + "set-experiment-tag", change, this::setTag)
        .post(root + "delete-experiment-tag", change, this::deleteTag);
  }

  private ObjectNode create(MlflowRequest request) throws InterruptedException {
    ObjectNode details =
        TrackingJson.object()
            .put("name", request.required("name"))
            .put("artifact_location", request.text("artifact_location", ""));
    ObjectNode tags = details.putObject("tags");
    request.tags("tags").forEach(tags::put);
    TrackingEntry event = submit(request, Command.CREATE_EXPERIMENT, details);
    String id = LifecycleJson.details(event.details()).path("experiment_id").asText("");
    return TrackingJson.object().put("experiment_id", id);
  }

  private TrackingEntry submit(MlflowRequest request, Command command, ObjectNode details)
      throws InterruptedException {
    return commands.submit(
        request, dev.millrace.core.tracking.Subject.EXPERIMENTS, command, details);
  }

  private static ObjectNode about(MlflowRequest request) {
    return TrackingJson.object().put("experiment_id", request.required("experiment_id"));
  }

  private ObjectNode change(MlflowRequest request, Command command, ObjectNode details)
      throws InterruptedException {
    TrackingEntry unusedEvent = submit(request, command, details);
    return TrackingJson.object();
  }

  private ObjectNode rename(MlflowRequest request) throws InterruptedException {
    ObjectNode details = about(request);
    String name = request.text("new_name", "");
    if (name.isEmpty()) {
      // Nothing but the name can change.
      Experiment unusedThere = commands.experiment(request.required("experiment_id"));
      return TrackingJson.object();
    }
    return change(request, Command.RENAME_EXPERIMENT, details.put("name", name));
  }

  private ObjectNode setTag(MlflowRequest request) throws InterruptedException {
    return change(
        request,
        Command.SET_EXPERIMENT_TAG,
        about(request).put("key", request.required("key")).put("value", request.text("value", "")));
  }

  private ObjectNode deleteTag(MlflowRequest request) throws InterruptedException {
    return change(
        request, Command.DELETE_EXPERIMENT_TAG, about(request).put("key", request.required("key")));
  }

  private ObjectNode get(MlflowRequest request) {
    return answer(commands.experiment(request.required("experiment_id")));
  }

  private ObjectNode named(MlflowRequest request) {
    String name = request.required("experiment_name");
    return answer(
        commands
            .tracking()
            .experiments()
            .named(name)
            .orElseThrow(
                () -> MlflowError.missing("Could not find experiment with name '" + name + "'")));
  }

  private static ObjectNode answer(Experiment experiment) {
    ObjectNode json = TrackingJson.object();
    json.set("experiment", TrackingJson.experiment(experiment));
    return json;
  }

  private ObjectNode search(MlflowRequest request) {
    int max = request.maxResults(RESULTS, RESULTS_MAX);
    ViewType view = ViewType.of(request, "view_type");
    Filter filter = Searches.filter(request, FIELDS);
    Comparator<Experiment> order =
        Searches.order(
            request,
            FIELDS,
            Experiments::subject,
            Comparator.comparingLong(Experiment::createdAtMillis)
                .reversed()
                .thenComparingLong(e -> Long.parseLong(e.id())));
    List<Experiment> found =
        commands.tracking().experiments().all().stream()
            .filter(e -> view.shows(e.deleted()))
            .filter(e -> filter.accepts(subject(e)))
            .sorted(order)
            .toList();
    Page<Experiment> page = PageToken.page(found, request.offset(), max);
    ObjectNode json = TrackingJson.object();
    ArrayNode experiments = json.putArray("experiments");
    page.items().forEach(e -> experiments.add(TrackingJson.experiment(e)));
    if (!page.next().isEmpty()) {
      json.put("next_page_token", page.next());
    }
    return json;
  }

  private static Subject subject(Experiment experiment) {
    return field -> value(experiment, field);
  }

  private static @Nullable Object value(Experiment experiment, Field field) {
    if (field.group().equals("tags")) {
      return experiment.tags().get(field.name());
    }
    return switch (field.name()) {
      case "name" -> experiment.name();
      case "experiment_id" -> Long.valueOf(experiment.id());
      case "creation_time" -> experiment.createdAtMillis();
      default -> experiment.updatedAtMillis();
    };
  }
}
