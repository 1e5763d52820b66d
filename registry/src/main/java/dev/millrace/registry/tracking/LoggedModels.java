package dev.millrace.registry.tracking;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.millrace.core.tracking.Experiment;
import dev.millrace.core.tracking.ExperimentsState;
import dev.millrace.core.tracking.LoggedModel;
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
import dev.millrace.registry.search.Order;
import dev.millrace.registry.search.SearchException;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** Logged models. */
final class LoggedModels {

  private static final int RESULTS = 100;
  private static final int RESULTS_MAX = 5_000;
  private static final int EXPERIMENTS_MAX = 1_000;
  private static final int ORDERS_MAX = 20;
  private static final String STATUS = "LOGGED_MODEL_";
  private static final Fields FIELDS =
      new Fields(
          Map.of(
              "name",
              ValueType.TEXT,
              "model_id",
              ValueType.TEXT,
              "model_type",
              ValueType.TEXT,
              "status",
              ValueType.TEXT,
              "source_run_id",
              ValueType.TEXT,
              "creation_timestamp",
              ValueType.NUMBER,
              "creation_time",
              ValueType.NUMBER,
              "last_updated_timestamp",
              ValueType.NUMBER),
          Map.of("params", ValueType.TEXT, "tags", ValueType.TEXT, "metrics", ValueType.NUMBER),
          Set.of("model_id", "name", "source_run_id"));

  private final TrackingCommands commands;

  LoggedModels(TrackingCommands commands) {
    this.commands = commands;
  }

  void addTo(Endpoints endpoints) {
    String root = "/logged-models";
    String one = root + "/{model_id}";
    Need change = Need.contributing(About.LOGGED_MODEL);
    endpoints
        .post(root, Need.contributing(About.EXPERIMENT), this::create)
        .post(root + "/search", Need.READING, this::search)
        .get(one, r -> answer(r.required("model_id")))
        .patch(one, change, this::finish)
        .delete(one, change, r -> empty(r, Command.DELETE_LOGGED_MODEL, TrackingJson.object()))
        .post(one + "/params", change, this::params)
        .patch(one + "/tags", change, this::tags)
        .delete(
            one + "/tags/{tag_key}",
            change,
            r ->
                empty(
                    r,
                    Command.DELETE_LOGGED_MODEL_TAG,
                    TrackingJson.object().put("key", r.required("tag_key"))));
  }

  private ObjectNode create(MlflowRequest request) throws InterruptedException {
    Experiment experiment =
        commands.activeExperiment(request.text("experiment_id", ExperimentsState.DEFAULT_ID));
    String id = "m-" + TrackingCommands.newId(request, Command.CREATE_LOGGED_MODEL);
    if (commands.tracking().model(id).isPresent()) {
      // The same request, by its key.
      return answer(id);
    }
    commands.refuseWithoutRoom();
    String name = request.text("name", "");
    ObjectNode details =
        TrackingJson.object()
            .put("experiment_id", experiment.id())
            .put("name", name.isEmpty() ? RunNames.of(id) : name)
            .put("model_type", request.text("model_type", ""))
            .put("source_run_id", request.text("source_run_id", ""))
            .put("artifact_uri", LoggedModel.artifacts(experiment.artifactLocation(), id));
    RunLogs.pairs(details.putArray("params"), request.objects("params"));
    RunLogs.pairs(details.putArray("tags"), request.objects("tags"));
    TrackingEntry unusedEvent = commands.submit(request, id, Command.CREATE_LOGGED_MODEL, details);
    return answer(id);
  }

  private ObjectNode answer(String id) {
    ObjectNode json = TrackingJson.object();
    json.set("model", TrackingJson.model(commands.model(id)));
    return json;
  }

  private String submit(MlflowRequest request, Command command, ObjectNode details)
      throws InterruptedException {
    LoggedModel model = commands.model(request.required("model_id"));
    TrackingEntry unusedEvent = commands.submit(request, model.id(), command, details);
    return model.id();
  }

  private ObjectNode empty(MlflowRequest request, Command command, ObjectNode details)
      throws InterruptedException {
    String unusedId = submit(request, command, details);
    return TrackingJson.object();
  }

  private ObjectNode finish(MlflowRequest request) throws InterruptedException {
    String status = request.required("status");
    LoggedModel.Status[] all = LoggedModel.Status.values();
    // Its name, or its number in the protocol.
    boolean number =
        status.length() == 1 && status.charAt(0) >= '1' && status.charAt(0) < '1' + all.length;
    ObjectNode details =
        TrackingJson.object().put("status", number ? all[status.charAt(0) - '1'].name() : status);
    return answer(submit(request, Command.FINALIZE_LOGGED_MODEL, details));
  }

  private ObjectNode params(MlflowRequest request) throws InterruptedException {
    commands.refuseWithoutRoom();
    ObjectNode details = TrackingJson.object();
    RunLogs.pairs(details.putArray("params"), request.objects("params"));
    return empty(request, Command.LOG_LOGGED_MODEL_PARAMS, details);
  }

  private ObjectNode tags(MlflowRequest request) throws InterruptedException {
    commands.refuseWithoutRoom();
    ObjectNode details = TrackingJson.object();
    RunLogs.pairs(details.putArray("tags"), request.objects("tags"));
    return answer(submit(request, Command.SET_LOGGED_MODEL_TAGS, details));
  }

  private ObjectNode search(MlflowRequest request) {
    int max = request.maxResults(RESULTS, RESULTS_MAX);
    Filter filter = Searches.filter(request, FIELDS);
    Comparator<LoggedModel> order = order(request);
    List<String> experiments = request.texts("experiment_ids").stream().distinct().toList();
    if (experiments.size() > EXPERIMENTS_MAX) {
      throw MlflowError.invalid("experiment_ids has more than " + EXPERIMENTS_MAX + " ids");
    }
    List<LoggedModel> found =
        experiments.stream()
            .map(commands.tracking().experiments()::experiment)
            .flatMap(Optional::stream)
            .filter(e -> !e.deleted())
            .flatMap(e -> commands.tracking().models(e.id()))
            .filter(m -> !m.deleted())
            .filter(m -> filter.accepts(subject(m)))
            .sorted(order)
            .toList();
    Page<LoggedModel> page = PageToken.page(found, request.offset(), max);
    ObjectNode json = TrackingJson.object();
    ArrayNode models = json.putArray("models");
    page.items().forEach(m -> models.add(TrackingJson.model(m)));
    if (!page.next().isEmpty()) {
      json.put("next_page_token", page.next());
    }
    return json;
  }

  /** Here the clauses are objects. */
  private static Comparator<LoggedModel> order(MlflowRequest request) {
    List<String> clauses =
        request.objects("order_by").stream()
            .map(
                o ->
                    o.required("field_name")
                        + (o.has("ascending") && !o.flag("ascending") ? " DESC" : " ASC"))
            .toList();
    if (clauses.size() > ORDERS_MAX) {
      throw MlflowError.invalid("order_by has more than " + ORDERS_MAX + " clauses");
    }
    try {
      return Order.of(
          clauses,
          FIELDS,
          LoggedModels::subject,
          Comparator.comparingLong(LoggedModel::createdAtMillis)
              .reversed()
              .thenComparing(LoggedModel::id));
    } catch (SearchException e) {
      throw MlflowError.invalid(e.said());
    }
  }

  private static Subject subject(LoggedModel model) {
    return field -> value(model, field);
  }

  private static @Nullable Object value(LoggedModel model, Field field) {
    return switch (field.group()) {
      case "tags" -> model.tags().get(field.name());
      case "params" -> model.params().get(field.name());
      // They are those of the runs.
      case "metrics" -> null;
      default -> attribute(model, field.name());
    };
  }

  private static Object attribute(LoggedModel model, String name) {
    return switch (name) {
      case "name" -> model.name();
      case "model_id" -> model.id();
      case "model_type" -> model.modelType();
      case "status" -> model.status().name().substring(STATUS.length());
      case "source_run_id" -> model.sourceRunId();
      case "last_updated_timestamp" -> model.updatedAtMillis();
      default -> model.createdAtMillis();
    };
  }
}
