package dev.millrace.core.tracking;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.millrace.core.catalog.Refusal;
import dev.millrace.core.catalog.Refusal.Code;
import dev.millrace.core.tracking.LoggedModel.Status;
import dev.millrace.core.tracking.Ruling.Outcome;
import dev.millrace.core.tracking.TrackingEntry.Command;
import dev.millrace.core.tracking.TrackingEntry.Event;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/** What becomes of a command about a logged model. */
public final class LoggedModelRules {

  private static final String FORBIDDEN = "/:.%\"'";

  /**
   * Decides about a command.
   *
   * @return the event; empty where the command was answered before
   */
  public static Optional<TrackingEntry> decide(
      LoggedModelState state, TrackingEntry command, long nowMillis) {
    Turn turn = new Turn(state, command.subject());
    return Ruling.decide(state.tally(), command, nowMillis, turn::outcome);
  }

  /** How one that is not there is told. */
  public static String noModel(String id) {
    return "Logged model with ID '" + TrackingLimits.shortened(id) + "' not found.";
  }

  /** One command on its way. */
  private record Turn(LoggedModelState state, String id) {

    Outcome outcome(Command command, ObjectNode details) {
      return switch (command) {
        case CREATE_LOGGED_MODEL -> create(details);
        case FINALIZE_LOGGED_MODEL -> finalizeAs(Details.text(details, "status"));
        case DELETE_LOGGED_MODEL -> {
          LoggedModel unusedThere = model();
          yield new Outcome(Event.LOGGED_MODEL_DELETED, Details.object());
        }
        case LOG_LOGGED_MODEL_PARAMS -> params(details);
        case SET_LOGGED_MODEL_TAGS -> tags(details);
        case DELETE_LOGGED_MODEL_TAG -> deleteTag(Details.text(details, "key"));
        default -> throw Ruling.notOf(command, "a logged model");
      };
    }

    private LoggedModel model() {
      LoggedModel model = state.model();
      if (model == null || model.deleted()) {
        throw new Refusal(Code.RESOURCE_DOES_NOT_EXIST, noModel(id));
      }
      return model;
    }

    private Outcome create(ObjectNode details) {
      if (state.model() != null) {
        throw new Refusal(
            Code.RESOURCE_ALREADY_EXISTS, "Logged model with ID '" + id + "' already exists.");
      }
      String name = Details.text(details, "name");
      if (name.isEmpty() || name.chars().anyMatch(c -> FORBIDDEN.indexOf(c) >= 0)) {
        throw TrackingLimits.invalid(
            "Invalid model name ('"
                + TrackingLimits.shortened(name)
                + "') provided. Model name must be a non-empty string and cannot contain the"
                + " following characters: ('/', ':', '.', '%', '\"', \"'\")");
      }
      TrackingLimits.length("Model name", TrackingLimits.EXPERIMENT_NAME_MAX, name);
      ObjectNode told = Details.object().put("name", name);
      for (String text : new String[] {"experiment_id", "model_type", "source_run_id"}) {
        TrackingLimits.length(
            text, TrackingLimits.EXPERIMENT_NAME_MAX, Details.text(details, text));
        told.put(text, Details.text(details, text));
      }
      told.put("artifact_uri", Details.text(details, "artifact_uri"));
      Map<String, String> params = read(details.path("params"));
      params.forEach(TrackingLimits::param);
      Map<String, String> tags = read(details.path("tags"));
      TrackingLimits.tags(tags, TrackingLimits.RUN_TAG_VALUE_MAX);
      fits(params, tags);
      Details.put(told, "params", params);
      Details.put(told, "tags", tags);
      return new Outcome(Event.LOGGED_MODEL_CREATED, told);
    }

    private static Map<String, String> read(JsonNode pairs) {
      Map<String, String> texts = new TreeMap<>();
      Details.pairs(pairs).forEach(p -> texts.put(p.getKey(), p.getValue()));
      return texts;
    }

    private static void fits(Map<String, String> params, Map<String, String> tags) {
      TrackingLimits.atMost(
          "characters of a logged model",
          TrackingLimits.STATE_TEXT_MAX,
          (long) TrackingLimits.length(params) + TrackingLimits.length(tags));
    }

    private Outcome finalizeAs(String status) {
      LoggedModel unusedThere = model();
      if (!status.equals(Status.LOGGED_MODEL_READY.name())
          && !status.equals(Status.LOGGED_MODEL_UPLOAD_FAILED.name())) {
        throw TrackingLimits.invalid(
            "Invalid model status: '"
                + TrackingLimits.shortened(status)
                + "'. Expected statuses are LOGGED_MODEL_READY and LOGGED_MODEL_UPLOAD_FAILED");
      }
      return new Outcome(Event.LOGGED_MODEL_FINALIZED, Details.object().put("status", status));
    }

    private Outcome params(ObjectNode details) {
      LoggedModel model = model();
      Map<String, String> params = read(details.path("params"));
      params.forEach(TrackingLimits::param);
      params.forEach(
          (key, value) -> {
            String before = model.params().get(key);
            if (before != null && !before.equals(value)) {
              throw TrackingLimits.invalid(
                  "Changing param values is not allowed. Param with key='"
                      + key
                      + "' was already logged for model ID='"
                      + id
                      + "'.");
            }
          });
      fits(LoggedModelState.joined(model.params(), params), model.tags());
      ObjectNode told = Details.object();
      Details.put(told, "params", params);
      return new Outcome(Event.LOGGED_MODEL_PARAMS_LOGGED, told);
    }

    private Outcome tags(ObjectNode details) {
      LoggedModel model = model();
      Map<String, String> tags = read(details.path("tags"));
      Map<String, String> all = LoggedModelState.joined(model.tags(), tags);
      TrackingLimits.tags(all, TrackingLimits.RUN_TAG_VALUE_MAX);
      fits(model.params(), all);
      ObjectNode told = Details.object();
      Details.put(told, "tags", tags);
      return new Outcome(Event.LOGGED_MODEL_TAGS_SET, told);
    }

    private Outcome deleteTag(String key) {
      LoggedModel model = model();
      if (!model.tags().containsKey(key)) {
        throw new Refusal(
            Code.RESOURCE_DOES_NOT_EXIST,
            "No tag with key '"
                + TrackingLimits.shortened(key)
                + "' found for model with ID '"
                + id
                + "'.");
      }
      return new Outcome(Event.LOGGED_MODEL_TAG_DELETED, Details.object().put("key", key));
    }
  }

  private LoggedModelRules() {}
}
