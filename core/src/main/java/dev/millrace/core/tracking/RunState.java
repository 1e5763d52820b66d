package dev.millrace.core.tracking;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.millrace.core.catalog.Sorted;
import dev.millrace.core.lifecycle.LifecycleJson;
import dev.millrace.core.tracking.Run.Dataset;
import dev.millrace.core.tracking.Run.Status;
import dev.millrace.core.tracking.TrackingEntry.Event;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * A run as the fold of its events, and of nothing else; {@link RunMetrics} is another fold of the
 * same.
 *
 * @param run null where only refusals are known
 */
public record RunState(@Nullable Run run, Tally tally) {

  public static RunState empty() {
    return new RunState(null, Tally.NONE);
  }

  /** Takes the next event; one that was taken already, or has no number, changes nothing. */
  public RunState apply(TrackingEntry event) {
    ObjectNode details = LifecycleJson.details(event.details());
    if (tally.passesOver(event, details)) {
      return this;
    }
    return new RunState(after(event, details), tally.with(event, details));
  }

  private @Nullable Run after(TrackingEntry event, ObjectNode details) {
    Event type = Event.valueOf(event.type());
    if (type == Event.RUN_CREATED) {
      return created(event, details);
    }
    Run before = run;
    if (before == null) {
      return null;
    }
    return switch (type) {
      case RUN_UPDATED -> updated(before, details);
      case RUN_DELETED -> before.deleted(true);
      case RUN_RESTORED -> before.deleted(false);
      case LOGGED -> logged(before, details);
      case RUN_TAG_DELETED ->
          before.described(
              before.params(), Sorted.without(before.tags(), Details.text(details, "key")));
      case INPUTS_LOGGED -> inputs(before, details);
      case OUTPUTS_LOGGED -> outputs(before, details);
      default -> before;
    };
  }

  private static Run created(TrackingEntry event, ObjectNode details) {
    return new Run(
        event.subject(),
        Details.text(details, "experiment_id"),
        Details.text(details, "name"),
        Details.text(details, "user_id"),
        Status.RUNNING,
        Details.number(details, "start_time"),
        null,
        Details.text(details, "artifact_uri"),
        false,
        event.atMillis(),
        new TreeMap<>(),
        Details.texts(details.path("tags")),
        List.of(),
        List.of(),
        new TreeMap<>());
  }

  private static Run updated(Run before, ObjectNode details) {
    Long end = Details.number(details, "end_time");
    Run after =
        before.updated(
            status(details).orElse(before.status()), end == null ? before.endedAtMillis() : end);
    String name = Details.text(details, "name");
    return name.isEmpty() ? after : after.tagged(Run.NAME_TAG, name);
  }

  static Optional<Status> status(ObjectNode details) {
    String status = Details.text(details, "status");
    return status.isEmpty() ? Optional.empty() : Optional.of(Status.valueOf(status));
  }

  private static Run logged(Run before, ObjectNode details) {
    Map<String, String> params = Details.texts(details.path("params"));
    Map<String, String> tags = Details.texts(details.path("tags"));
    if (params.isEmpty() && tags.isEmpty()) {
      return before;
    }
    SortedMap<String, String> nextParams = new TreeMap<>(before.params());
    nextParams.putAll(params);
    SortedMap<String, String> nextTags = new TreeMap<>(before.tags());
    nextTags.putAll(tags);
    return before.described(nextParams, nextTags);
  }

  private static Run inputs(Run before, ObjectNode details) {
    List<Dataset> datasets = new ArrayList<>(before.datasets());
    for (JsonNode told : details.path("datasets")) {
      Dataset dataset = dataset(told);
      if (datasets.stream().noneMatch(dataset::isSame)) {
        datasets.add(dataset);
      }
    }
    List<String> models = new ArrayList<>(before.modelInputs());
    for (JsonNode told : details.path("models")) {
      String model = told.asText("");
      if (!models.contains(model)) {
        models.add(model);
      }
    }
    return before.linked(datasets, models, before.modelOutputs());
  }

  static Dataset dataset(JsonNode told) {
    return new Dataset(
        Details.text(told, "name"),
        Details.text(told, "digest"),
        Details.text(told, "source_type"),
        Details.text(told, "source"),
        Details.text(told, "schema"),
        Details.text(told, "profile"),
        Details.texts(told.path("tags")));
  }

  private static Run outputs(Run before, ObjectNode details) {
    SortedMap<String, Long> outputs = new TreeMap<>(before.modelOutputs());
    for (JsonNode told : details.path("models")) {
      outputs.put(Details.text(told, "model_id"), told.path("step").asLong(0));
    }
    return before.linked(before.datasets(), before.modelInputs(), outputs);
  }
}
