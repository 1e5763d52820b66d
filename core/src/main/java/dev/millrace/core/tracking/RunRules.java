package dev.millrace.core.tracking;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.millrace.core.catalog.Refusal;
import dev.millrace.core.catalog.Refusal.Code;
import dev.millrace.core.lifecycle.LifecycleJson;
import dev.millrace.core.tracking.Ruling.Outcome;
import dev.millrace.core.tracking.Run.Dataset;
import dev.millrace.core.tracking.Run.Status;
import dev.millrace.core.tracking.TrackingEntry.Command;
import dev.millrace.core.tracking.TrackingEntry.Event;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Stream;

/** What becomes of a command about a run. */
public final class RunRules {

  private static final int DATASET_NAME_MAX = 500;
  private static final int DATASET_DIGEST_MAX = 36;
  private static final int DATASET_SOURCE_MAX = 65_535;
  private static final int DATASET_SCHEMA_MAX = 1_048_575;
  private static final int INPUT_TAG_KEY_MAX = 255;
  private static final int INPUT_TAG_VALUE_MAX = 500;

  /**
   * Decides about a command.
   *
   * @return the event; empty where the command was answered before
   */
  public static Optional<TrackingEntry> decide(
      RunState state, KnownPoints points, TrackingEntry command, long nowMillis) {
    Turn turn = new Turn(state, points, command.subject());
    return Ruling.decide(state.tally(), command, nowMillis, turn::outcome);
  }

  /** How a run that is not there is told. */
  public static String noRun(String id) {
    return "Run with id=" + TrackingLimits.shortened(id) + " not found";
  }

  /** How a run in the wrong state is told. */
  public static String staged(String id, boolean wanted) {
    return "The run "
        + id
        + " must be in the '"
        + (wanted ? "deleted" : "active")
        + "' state. Current state is "
        + (wanted ? "active" : "deleted")
        + ".";
  }

  /** One command on its way. */
  private record Turn(RunState state, KnownPoints points, String id) {

    Outcome outcome(Command command, ObjectNode details) {
      return switch (command) {
        case CREATE_RUN -> create(details);
        case UPDATE_RUN -> update(details);
        case DELETE_RUN -> {
          Run unusedThere = run();
          yield new Outcome(Event.RUN_DELETED, Details.object());
        }
        case RESTORE_RUN -> {
          Run unusedThere = run();
          yield new Outcome(Event.RUN_RESTORED, Details.object());
        }
        case LOG -> log(details);
        case DELETE_RUN_TAG -> deleteTag(details);
        case LOG_INPUTS -> inputs(details);
        case LOG_OUTPUTS -> outputs(details);
        case LOG_MODEL -> model(details);
        default -> throw Ruling.notOf(command, "a run");
      };
    }

    private Run run() {
      Run run = state.run();
      if (run == null) {
        throw new Refusal(Code.RESOURCE_DOES_NOT_EXIST, noRun(id));
      }
      return run;
    }

    private Run active() {
      Run run = run();
      if (run.deleted()) {
        throw TrackingLimits.invalid(staged(id, false));
      }
      return run;
    }

    private Outcome create(ObjectNode details) {
      if (state.run() != null) {
        throw new Refusal(Code.RESOURCE_ALREADY_EXISTS, "Run with id=" + id + " already exists");
      }
      Map<String, String> tags = Details.texts(details.path("tags"));
      String tagged = tags.getOrDefault(Run.NAME_TAG, "");
      String name = Details.text(details, "name");
      if (!name.isEmpty() && !tagged.isEmpty() && !name.equals(tagged)) {
        throw TrackingLimits.invalid(
            "Both 'run_name' argument and 'mlflow.runName' tag are specified, but with different"
                + " values (run_name='%s', mlflow.runName='%s')."
                    .formatted(TrackingLimits.shortened(name), TrackingLimits.shortened(tagged)));
      }
      String called = name.isEmpty() ? tagged : name;
      tags.put(Run.NAME_TAG, called);
      String user = Details.text(details, "user_id");
      TrackingLimits.length("user_id", TrackingLimits.KEY_MAX, user);
      checkTags(tags);
      ObjectNode told =
          Details.object()
              .put("experiment_id", Details.text(details, "experiment_id"))
              .put("name", called)
              .put("user_id", user.isEmpty() ? tags.getOrDefault(Run.USER_TAG, "") : user)
              .put("artifact_uri", Details.text(details, "artifact_uri"));
      Long start = Details.number(details, "start_time");
      if (start != null) {
        told.put("start_time", start);
      }
      Details.put(told, "tags", tags);
      return new Outcome(Event.RUN_CREATED, told);
    }

    private Outcome update(ObjectNode details) {
      Run unusedActive = active();
      ObjectNode told = Details.object();
      String status = Details.text(details, "status");
      if (!status.isEmpty()) {
        if (Stream.of(Status.values()).noneMatch(s -> s.name().equals(status))) {
          throw TrackingLimits.invalid(
              "Invalid run status '"
                  + TrackingLimits.shortened(status)
                  + "'. Value must be one of "
                  + List.of(Status.values()));
        }
        told.put("status", status);
      }
      Long end = Details.number(details, "end_time");
      if (end != null) {
        told.put("end_time", end);
      }
      String name = Details.text(details, "name");
      if (!name.isEmpty()) {
        TrackingLimits.tag(Run.NAME_TAG, name, TrackingLimits.RUN_TAG_VALUE_MAX);
        told.put("name", name);
      }
      return new Outcome(Event.RUN_UPDATED, told);
    }

    private Outcome log(ObjectNode details) {
      Run run = active();
      ObjectNode told = Details.object();
      Map<String, String> params = newParams(run, details.path("params"));
      Map<String, String> tags = new TreeMap<>();
      Details.pairs(details.path("tags")).forEach(t -> tags.put(t.getKey(), t.getValue()));
      Map<String, String> all = new TreeMap<>(run.tags());
      all.putAll(tags);
      if (!tags.isEmpty()) {
        tags.forEach((k, v) -> TrackingLimits.tag(k, v, tagMax(k)));
        TrackingLimits.atMost("tags", TrackingLimits.TAGS_MAX, all.size());
      }
      long more = TrackingLimits.length(params) + (long) TrackingLimits.length(all);
      fits(run.length() - TrackingLimits.length(run.tags()) + more);
      metrics(details.path("metrics"), told);
      Details.put(told, "params", params);
      Details.put(told, "tags", tags);
      return new Outcome(Event.LOGGED, told);
    }

    private static int tagMax(String key) {
      return key.equals(Run.MODELS_TAG)
          ? TrackingLimits.MODEL_HISTORY_MAX
          : TrackingLimits.RUN_TAG_VALUE_MAX;
    }

    private static void checkTags(Map<String, String> tags) {
      tags.forEach((k, v) -> TrackingLimits.tag(k, v, tagMax(k)));
      TrackingLimits.atMost("tags", TrackingLimits.TAGS_MAX, tags.size());
      fits(TrackingLimits.length(tags));
    }

    private static void fits(long length) {
      TrackingLimits.atMost("characters of a run", TrackingLimits.STATE_TEXT_MAX, length);
    }

    private Map<String, String> newParams(Run run, JsonNode told) {
      Map<String, String> fresh = new TreeMap<>();
      Set<String> seen = new HashSet<>();
      Set<String> twice = new LinkedHashSet<>();
      for (Map.Entry<String, String> param : Details.pairs(told)) {
        String key = param.getKey();
        if (!seen.add(key)) {
          twice.add(key);
        }
        TrackingLimits.param(key, param.getValue());
        String before = run.params().get(key);
        if (before == null) {
          fresh.put(key, param.getValue());
        } else if (!before.equals(param.getValue())) {
          throw TrackingLimits.invalid(
              ("Changing param values is not allowed. Param with key='%s' was already logged with"
                      + " value='%s' for run ID='%s'. Attempted logging new value '%s'.")
                  .formatted(
                      key,
                      TrackingLimits.shortened(before),
                      id,
                      TrackingLimits.shortened(param.getValue())));
        }
      }
      if (!twice.isEmpty()) {
        throw TrackingLimits.invalid(
            "Duplicate parameter keys have been submitted: "
                + twice
                + ". Please ensure the request contains only one param value per param key.");
      }
      return fresh;
    }

    private void metrics(JsonNode told, ObjectNode to) {
      Map<String, Set<MetricPoint>> fresh = new LinkedHashMap<>();
      int count = 0;
      for (JsonNode metric : told) {
        String key = metric.path(0).asText("");
        MetricPoint point = MetricPoint.read(metric, 1);
        TrackingLimits.metric(key, point);
        boolean knownAlready = points.hasMetric(key) && points.hasPoint(key, point);
        if (!knownAlready
            && fresh.computeIfAbsent(key, unused -> new LinkedHashSet<>()).add(point)) {
          count++;
        }
      }
      int keys = (int) fresh.keySet().stream().filter(k -> !points.hasMetric(k)).count();
      TrackingLimits.atMost(
          "metrics of a run", TrackingLimits.METRICS_MAX, state.tally().metrics() + (long) keys);
      TrackingLimits.atMost(
          "points of a run's metrics", TrackingLimits.POINTS_MAX, state.tally().points() + count);
      ObjectNode series = to.putObject(Tally.METRICS);
      fresh.forEach(
          (key, all) -> {
            ArrayNode array = series.putArray(key);
            all.forEach(point -> point.write(array.addArray()));
          });
      to.put(Tally.NEW_KEYS, keys);
    }

    private Outcome deleteTag(ObjectNode details) {
      Run run = active();
      String key = Details.text(details, "key");
      if (!run.tags().containsKey(key)) {
        throw new Refusal(
            Code.RESOURCE_DOES_NOT_EXIST,
            "No tag with name: " + TrackingLimits.shortened(key) + " in run with id " + id);
      }
      return new Outcome(Event.RUN_TAG_DELETED, Details.object().put("key", key));
    }

    private Outcome inputs(ObjectNode details) {
      Run run = active();
      int length = 0;
      for (JsonNode told : details.path("datasets")) {
        Dataset dataset = RunState.dataset(told);
        check(dataset);
        length += dataset.length();
      }
      for (JsonNode told : details.path("models")) {
        TrackingLimits.length("model_id", TrackingLimits.KEY_MAX, told.asText(""));
        length += told.asText("").length();
      }
      fits((long) run.length() + length);
      TrackingLimits.atMost(
          "inputs of a run",
          TrackingLimits.DATASETS_MAX,
          (long) run.datasets().size()
              + run.modelInputs().size()
              + details.path("datasets").size()
              + details.path("models").size());
      ObjectNode told = Details.object();
      told.set("datasets", details.path("datasets").deepCopy());
      told.set("models", details.path("models").deepCopy());
      return new Outcome(Event.INPUTS_LOGGED, told);
    }

    private static void check(Dataset dataset) {
      if (dataset.name().isEmpty() || dataset.digest().isEmpty()) {
        throw TrackingLimits.invalid("Dataset name and digest cannot be empty");
      }
      TrackingLimits.length("Dataset name", DATASET_NAME_MAX, dataset.name());
      TrackingLimits.length("Dataset digest", DATASET_DIGEST_MAX, dataset.digest());
      TrackingLimits.length("Dataset source", DATASET_SOURCE_MAX, dataset.source());
      TrackingLimits.length("Dataset schema", DATASET_SCHEMA_MAX, dataset.schema());
      dataset
          .tags()
          .forEach(
              (key, value) -> {
                TrackingLimits.length("Input tag key", INPUT_TAG_KEY_MAX, key);
                TrackingLimits.length("Input tag value", INPUT_TAG_VALUE_MAX, value);
              });
    }

    private Outcome outputs(ObjectNode details) {
      Run run = active();
      ObjectNode told = Details.object();
      ArrayNode models = told.putArray("models");
      int length = 0;
      for (JsonNode each : details.path("models")) {
        String model = Details.text(each, "model_id");
        TrackingLimits.length("model_id", TrackingLimits.KEY_MAX, model);
        length += model.length();
        models.addObject().put("model_id", model).put("step", each.path("step").asLong(0));
      }
      fits((long) run.length() + length);
      TrackingLimits.atMost(
          "outputs of a run",
          TrackingLimits.DATASETS_MAX,
          (long) run.modelOutputs().size() + models.size());
      return new Outcome(Event.OUTPUTS_LOGGED, told);
    }

    private Outcome model(ObjectNode details) {
      Run run = active();
      JsonNode model = details.path("model");
      if (!model.isObject()) {
        throw TrackingLimits.invalid("Malformed model info: it is no JSON object");
      }
      ArrayNode history = history(run);
      boolean there = false;
      for (JsonNode before : history) {
        there |= before.equals(model);
      }
      if (!there) {
        history.add(model);
      }
      String value = history.toString();
      TrackingLimits.tag(Run.MODELS_TAG, value, TrackingLimits.MODEL_HISTORY_MAX);
      String before = run.tags().getOrDefault(Run.MODELS_TAG, "");
      fits((long) run.length() - before.length() + value.length() + Run.MODELS_TAG.length());
      ObjectNode told = Details.object();
      Details.put(told, "tags", Map.of(Run.MODELS_TAG, value));
      return new Outcome(Event.LOGGED, told);
    }

    private static ArrayNode history(Run run) {
      ObjectNode read =
          LifecycleJson.details("{\"all\": " + run.tags().getOrDefault(Run.MODELS_TAG, "[]") + "}");
      return read.path("all") instanceof ArrayNode all ? all : Details.object().putArray("all");
    }
  }

  private RunRules() {}
}
