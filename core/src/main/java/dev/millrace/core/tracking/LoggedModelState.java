package dev.millrace.core.tracking;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.millrace.core.catalog.Sorted;
import dev.millrace.core.lifecycle.LifecycleJson;
import dev.millrace.core.tracking.LoggedModel.Status;
import dev.millrace.core.tracking.TrackingEntry.Event;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * A logged model as the fold of its events, and of nothing else.
 *
 * @param model null where only refusals are known
 */
public record LoggedModelState(@Nullable LoggedModel model, Tally tally) {

  public static LoggedModelState empty() {
    return new LoggedModelState(null, Tally.NONE);
  }

  /** Takes the next event; one that was taken already, or has no number, changes nothing. */
  public LoggedModelState apply(TrackingEntry event) {
    ObjectNode details = LifecycleJson.details(event.details());
    if (tally.passesOver(event, details)) {
      return this;
    }
    return new LoggedModelState(after(event, details), tally.with(event, details));
  }

  private @Nullable LoggedModel after(TrackingEntry event, ObjectNode details) {
    Event type = Event.valueOf(event.type());
    if (type == Event.LOGGED_MODEL_CREATED) {
      return created(event, details);
    }
    LoggedModel before = model;
    if (before == null) {
      return null;
    }
    long atMillis = event.atMillis();
    return switch (type) {
      case LOGGED_MODEL_FINALIZED ->
          before.finalized(Status.valueOf(Details.text(details, "status")), atMillis);
      case LOGGED_MODEL_DELETED -> before.gone(atMillis);
      case LOGGED_MODEL_PARAMS_LOGGED ->
          before.described(
              joined(before.params(), Details.texts(details.path("params"))),
              before.tags(),
              atMillis);
      case LOGGED_MODEL_TAGS_SET ->
          before.described(
              before.params(),
              joined(before.tags(), Details.texts(details.path("tags"))),
              atMillis);
      case LOGGED_MODEL_TAG_DELETED ->
          before.described(
              before.params(),
              Sorted.without(before.tags(), Details.text(details, "key")),
              atMillis);
      default -> before;
    };
  }

  static Map<String, String> joined(Map<String, String> before, Map<String, String> more) {
    Map<String, String> all = new TreeMap<>(before);
    all.putAll(more);
    return all;
  }

  private static LoggedModel created(TrackingEntry event, ObjectNode details) {
    return new LoggedModel(
        event.subject(),
        Details.text(details, "experiment_id"),
        Details.text(details, "name"),
        Details.text(details, "model_type"),
        Details.text(details, "source_run_id"),
        Details.text(details, "artifact_uri"),
        event.actor(),
        Status.LOGGED_MODEL_PENDING,
        false,
        event.atMillis(),
        event.atMillis(),
        Details.texts(details.path("params")),
        Details.texts(details.path("tags")));
  }
}
