package dev.millrace.core.tracking;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.millrace.core.catalog.Refusal;
import dev.millrace.core.catalog.Refusal.Code;
import dev.millrace.core.catalog.Sorted;
import dev.millrace.core.tracking.Ruling.Outcome;
import dev.millrace.core.tracking.TrackingEntry.Command;
import dev.millrace.core.tracking.TrackingEntry.Event;
import java.util.Map;
import java.util.Optional;

/** What becomes of a command about experiments. */
public final class ExperimentRules {

  /**
   * Decides about a command.
   *
   * @return the event; empty where the command was answered before
   */
  public static Optional<TrackingEntry> decide(
      ExperimentsState state, TrackingEntry command, long nowMillis) {
    return Ruling.decide(
        state.tally(), command, nowMillis, (type, details) -> outcome(state, type, details));
  }

  /** How an experiment that is not there is told. */
  public static String noExperiment(String id) {
    return "No Experiment with id=" + TrackingLimits.shortened(id) + " exists";
  }

  private static Outcome outcome(ExperimentsState state, Command command, ObjectNode details) {
    return switch (command) {
      case CREATE_EXPERIMENT -> create(state, details);
      case RENAME_EXPERIMENT -> rename(state, details);
      case DELETE_EXPERIMENT ->
          new Outcome(Event.EXPERIMENT_DELETED, named(staged(state, details, false)));
      case RESTORE_EXPERIMENT ->
          new Outcome(Event.EXPERIMENT_RESTORED, named(staged(state, details, true)));
      case SET_EXPERIMENT_TAG -> setTag(state, details);
      case DELETE_EXPERIMENT_TAG -> deleteTag(state, details);
      default -> throw Ruling.notOf(command, "experiments");
    };
  }

  private static Outcome create(ExperimentsState state, ObjectNode details) {
    String name = newName(state, Details.text(details, "name"));
    String location = Details.text(details, "artifact_location");
    if (location.startsWith("runs:")) {
      throw TrackingLimits.invalid(
          "Artifact location cannot be a runs:/ URI. Given: '"
              + TrackingLimits.shortened(location)
              + "'");
    }
    TrackingLimits.length("artifact_location", TrackingLimits.EXPERIMENT_TAG_VALUE_MAX, location);
    Map<String, String> tags = Details.texts(details.path("tags"));
    tags(state, Map.of(), tags);
    TrackingLimits.atMost("experiments", TrackingLimits.EXPERIMENTS_MAX, state.all().size() + 1L);
    String id = state.nextId();
    ObjectNode told =
        Details.object()
            .put("experiment_id", id)
            .put("name", name)
            .put("artifact_location", location.isEmpty() ? Experiment.location(id) : location);
    Details.put(told, "tags", tags);
    return new Outcome(Event.EXPERIMENT_CREATED, told);
  }

  private static String newName(ExperimentsState state, String name) {
    String checked = TrackingLimits.experimentName(name);
    Optional<Experiment> holder = state.named(checked);
    if (holder.isPresent()) {
      throw new Refusal(
          Code.RESOURCE_ALREADY_EXISTS,
          "Experiment '"
              + checked
              + "' already exists"
              + (holder.get().deleted()
                  ? " in deleted state. You can restore the experiment, or take another name."
                  : "."));
    }
    return checked;
  }

  private static Outcome rename(ExperimentsState state, ObjectNode details) {
    Experiment experiment = experiment(state, details);
    if (experiment.deleted()) {
      throw new Refusal(Code.INVALID_STATE, "Cannot rename a non-active experiment.");
    }
    String name = Details.text(details, "name");
    // The same name again is what a repeat asks for.
    String checked = name.equals(experiment.name()) ? name : newName(state, name);
    return new Outcome(Event.EXPERIMENT_RENAMED, named(experiment).put("name", checked));
  }

  private static Outcome setTag(ExperimentsState state, ObjectNode details) {
    Experiment experiment = active(experiment(state, details));
    String key = Details.text(details, "key");
    String value = Details.text(details, "value");
    tags(state, experiment.tags(), Sorted.with(experiment.tags(), key, value));
    return new Outcome(
        Event.EXPERIMENT_TAG_SET, named(experiment).put("key", key).put("value", value));
  }

  private static void tags(
      ExperimentsState state, Map<String, String> before, Map<String, String> tags) {
    TrackingLimits.tags(tags, TrackingLimits.EXPERIMENT_TAG_VALUE_MAX);
    int length = TrackingLimits.length(tags);
    TrackingLimits.atMost(
        "characters of an experiment's tags", TrackingLimits.EXPERIMENT_TEXT_MAX, length);
    TrackingLimits.atMost(
        "characters of all experiments' tags",
        TrackingLimits.EXPERIMENTS_TEXT_MAX,
        state.length() - TrackingLimits.length(before) + length);
  }

  private static Outcome deleteTag(ExperimentsState state, ObjectNode details) {
    Experiment experiment = active(experiment(state, details));
    String key = Details.text(details, "key");
    if (!experiment.tags().containsKey(key)) {
      throw new Refusal(
          Code.RESOURCE_DOES_NOT_EXIST,
          "No tag with name: "
              + TrackingLimits.shortened(key)
              + " in experiment with id "
              + experiment.id());
    }
    return new Outcome(Event.EXPERIMENT_TAG_DELETED, named(experiment).put("key", key));
  }

  private static ObjectNode named(Experiment experiment) {
    return Details.object().put("experiment_id", experiment.id());
  }

  private static Experiment experiment(ExperimentsState state, ObjectNode details) {
    String id = Details.text(details, "experiment_id");
    return state
        .experiment(id)
        .orElseThrow(() -> new Refusal(Code.RESOURCE_DOES_NOT_EXIST, noExperiment(id)));
  }

  /** One that is deleted, or one that is not; the other is not there for who asks. */
  private static Experiment staged(ExperimentsState state, ObjectNode details, boolean deleted) {
    Experiment experiment = experiment(state, details);
    if (experiment.deleted() != deleted) {
      throw new Refusal(Code.RESOURCE_DOES_NOT_EXIST, noExperiment(experiment.id()));
    }
    return experiment;
  }

  private static Experiment active(Experiment experiment) {
    if (experiment.deleted()) {
      throw TrackingLimits.invalid(inactive(experiment));
    }
    return experiment;
  }

  /** How an experiment that was deleted is told to who wants to change it. */
  public static String inactive(Experiment experiment) {
    return "The experiment "
        + experiment.id()
        + " must be in the 'active' state. Current state is deleted.";
  }

  private ExperimentRules() {}
}
