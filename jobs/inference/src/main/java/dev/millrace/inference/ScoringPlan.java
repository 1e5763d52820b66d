package dev.millrace.inference;

import dev.millrace.core.definition.Model;
import dev.millrace.core.definition.Project;
import dev.millrace.core.definition.Source;
import dev.millrace.core.model.DeployedVersion;
import dev.millrace.core.row.EntityKeys;
import dev.millrace.platform.ModelRevision;
import dev.millrace.platform.RunningViews;
import dev.millrace.streaming.DeadLetter;
import dev.millrace.streaming.Event;
import dev.millrace.streaming.SourcePlan;
import java.io.Serializable;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * What scoring one model needs to know; it travels to the tasks.
 *
 * @param forwardsLetters whether the letters of the source's decoding are this job's to write
 * @param views all that any version may read
 * @param plans the inputs of the definitions as they are, then those of definitions that are kept
 *     for versions that were trained on them, the newest first
 * @param leftOut earlier revisions of which there are no inputs although they are computed
 * @param fallback CEL, or null
 * @param asOf whether rows are joined by event time before scoring, not read from the online store
 * @param unitFields the fields of the source by which events are assigned to a canary; where there
 *     are none the event's id is the unit
 * @param segmentFields the fields of the source by whose values the model is watched
 * @param experiment that assigns events to arms; null where there is none
 */
record ScoringPlan(
    String project,
    String model,
    SourcePlan source,
    boolean forwardsLetters,
    List<ViewRead> views,
    List<InputPlan> plans,
    List<LeftOut> leftOut,
    List<Model.Decision> decisions,
    @Nullable String fallback,
    Execution execution,
    long maxFeatureWaitMillis,
    boolean asOf,
    List<Integer> unitFields,
    List<Integer> segmentFields,
    @Nullable Experiment experiment)
    implements Serializable {

  /**
   * An experiment.
   *
   * @param unitFields the fields of the source by which events are assigned to an arm
   * @param arms share by arm
   */
  record Experiment(String name, List<Integer> unitFields, Map<String, Integer> arms)
      implements Serializable {}

  /** A plan without an experiment. */
  ScoringPlan(
      String project,
      String model,
      SourcePlan source,
      boolean forwardsLetters,
      List<ViewRead> views,
      List<InputPlan> plans,
      List<LeftOut> leftOut,
      List<Model.Decision> decisions,
      @Nullable String fallback,
      Execution execution,
      long maxFeatureWaitMillis,
      boolean asOf,
      List<Integer> unitFields,
      List<Integer> segmentFields) {
    this(
        project,
        model,
        source,
        forwardsLetters,
        views,
        plans,
        leftOut,
        decisions,
        fallback,
        execution,
        maxFeatureWaitMillis,
        asOf,
        unitFields,
        segmentFields,
        null);
  }

  /**
   * Inputs that cannot be made.
   *
   * @param ids definition id by view that they read
   */
  record LeftOut(Map<String, String> ids, String why) implements Serializable {}

  /**
   * The plan of a model.
   *
   * @param running the definitions that are computed
   * @throws IllegalArgumentException with every input that cannot be served
   */
  static ScoringPlan of(
      Project project, Model model, RunningViews running, boolean forwardsLetters, String stage) {
    Source source =
        project
            .source(model.source())
            .orElseThrow(
                () ->
                    new IllegalArgumentException(
                        "Cannot score: "
                            + model.source()
                            + " is not among the applied definitions; run ./millrace apply"));
    PlannedInputs planned = new PlannedInputs(ModelRevision.of(model, running), source);
    Model.Rollout rollout = model.rollout();
    return new ScoringPlan(
        project.name(),
        model.name(),
        SourcePlan.of(project, source, stage),
        forwardsLetters,
        planned.views(),
        planned.plans(),
        planned.leftOut(),
        model.decisions(),
        model.fallback(),
        Execution.of(model.execution()),
        model.maxFeatureWait().toMillis(),
        model.features() == Model.FeatureReads.AS_OF,
        rollout == null ? List.of() : fields(source, rollout.unitFields()),
        fields(source, model.monitoring().segments()),
        model.experiments().stream()
            .findFirst()
            .map(e -> new Experiment(e.name(), fields(source, e.unitFields()), e.arms()))
            .orElse(null));
  }

  private static List<Integer> fields(Source source, List<String> names) {
    return List.copyOf(names.stream().map(name -> SourcePlan.field(source, name)).toList());
  }

  /**
   * The same for a batch run: rows are joined by event time whatever the stream does, and batches
   * are as large as is worth it, because nobody waits for one.
   */
  ScoringPlan ofBatchRun() {
    return new ScoringPlan(
        project,
        model,
        source,
        true,
        views,
        plans,
        leftOut,
        decisions,
        fallback,
        execution.ofBatchRun(),
        maxFeatureWaitMillis,
        true,
        unitFields,
        segmentFields,
        experiment);
  }

  /** The largest batch. */
  int maxRows() {
    return execution.maxRows();
  }

  /** How long an event may wait for its batch to fill. */
  long maxDelayMillis() {
    return execution.maxDelayMillis();
  }

  /** The inputs of the definitions as they are. */
  InputPlan current() {
    return plans.get(0);
  }

  /** Whether not all versions have the same inputs. */
  boolean hasSeveral() {
    return plans.size() > 1;
  }

  /** How many inputs all plans have together. */
  int inputCount() {
    InputPlan last = plans.get(plans.size() - 1);
    return last.firstInput() + last.inputs().size();
  }

  /** The inputs that a version was trained on; null where not all of them are computed now. */
  @Nullable InputPlan inputsOf(DeployedVersion version) {
    for (InputPlan inputs : plans) {
      if (inputs.isOf(version.views())) {
        return inputs;
      }
    }
    return null;
  }

  /** Why a version has no inputs. */
  String withoutInputs(DeployedVersion version) {
    Map<String, String> pinned = new TreeMap<>(version.views());
    for (LeftOut one : leftOut) {
      if (one.ids().entrySet().containsAll(pinned.entrySet())) {
        return "it was trained on definitions "
            + pinned
            + ", of which the inputs cannot be made: "
            + one.why()
            + "; train a new version";
      }
    }
    for (Map.Entry<String, String> pin : pinned.entrySet()) {
      if (plans.stream().noneMatch(p -> pin.getValue().equals(p.ids().get(pin.getKey())))) {
        return "it was trained on view "
            + pin.getKey()
            + " with definition "
            + pin.getValue()
            + ", which is no longer computed; apply that definition again or train a new version";
      }
    }
    return "it was trained on definitions "
        + pinned
        + ", which no revision of the model that is computed reads together; train a new version";
  }

  /**
   * The view for which an event names no entity, so that none of the model's versions could score
   * it; null where one could.
   *
   * @param keys by view
   */
  @Nullable ViewRead unkeyed(@Nullable String[] keys) {
    ViewRead first = null;
    for (InputPlan inputs : plans) {
      ViewRead unkeyed = unkeyed(inputs, keys);
      if (unkeyed == null) {
        return null;
      }
      first = first == null ? unkeyed : first;
    }
    return first;
  }

  /** The view of these inputs for which an event names no entity; null where there is none. */
  @Nullable ViewRead unkeyed(InputPlan inputs, @Nullable String[] keys) {
    for (int view : inputs.views()) {
      if (keys[view] == null) {
        return views.get(view);
      }
    }
    return null;
  }

  /** The letter of an event that names no entity of a view. */
  DeadLetter nullKey(Event event, ViewRead view) {
    return letter(
        event,
        DeadLetter.Reason.NULL_KEY,
        "a key of view " + view.view() + " is null; model " + model + " needs it");
  }

  /** What assigns the event to a canary; null where a field of it is null. */
  @Nullable String unit(Event event) {
    return unitFields.isEmpty() ? event.id() : joined(event, unitFields);
  }

  private static @Nullable String joined(Event event, List<Integer> fields) {
    List<@Nullable Object> unit = new ArrayList<>(fields.size());
    for (int field : fields) {
      unit.add(event.values()[field]);
    }
    return EntityKeys.join(unit);
  }

  /** What assigns the event to an arm; null where a field of it is null. */
  static @Nullable String unit(Event event, Experiment experiment) {
    return joined(event, experiment.unitFields());
  }

  /** The event's values of the watched fields, as readers of the predictions get them. */
  @Nullable String segments(Event event) {
    if (segmentFields.isEmpty()) {
      return null;
    }
    StringBuilder joined = new StringBuilder();
    for (int i = 0; i < segmentFields.size(); i++) {
      Object value = event.values()[segmentFields.get(i)];
      joined.append(i == 0 ? "" : "\u001f").append(value == null ? "" : value);
    }
    return joined.toString();
  }

  DeadLetter letter(Event event, String reason, String message) {
    return DeadLetter.of(source.name(), source.topic(), event, reason, message, source.stage());
  }
}
