package dev.millrace.inference;

import dev.millrace.core.definition.Feature;
import dev.millrace.core.definition.FeatureView;
import dev.millrace.core.definition.Model;
import dev.millrace.core.definition.Project;
import dev.millrace.core.definition.Source;
import dev.millrace.core.expression.Expression;
import dev.millrace.core.model.MissingInputs;
import dev.millrace.core.row.EntityKeys;
import dev.millrace.platform.DefinitionsLog.ViewIdentity;
import dev.millrace.streaming.DeadLetter;
import dev.millrace.streaming.Event;
import dev.millrace.streaming.SourcePlan;
import java.io.Serializable;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * What scoring one model needs to know; it travels to the tasks.
 *
 * @param forwardsLetters whether the letters of the source's decoding are this job's to write
 * @param inputs the signature
 * @param fallback CEL, or null
 * @param asOf whether rows are joined by event time before scoring, not read from the online store
 * @param unitFields the fields of the source by which events are assigned to a canary; where there
 *     are none the event's id is the unit
 * @param segmentFields the fields of the source by whose values the model is watched
 */
record ScoringPlan(
    String project,
    String model,
    SourcePlan source,
    boolean forwardsLetters,
    List<ViewRead> views,
    List<Input> inputs,
    MissingInputs missing,
    List<Model.Decision> decisions,
    @Nullable String fallback,
    int maxRows,
    long maxDelayMillis,
    long maxFeatureWaitMillis,
    boolean asOf,
    List<Integer> unitFields,
    List<Integer> segmentFields)
    implements Serializable {

  /** One input of the signature. */
  sealed interface Input extends Serializable {
    String name();

    /**
     * A feature.
     *
     * @param view index among the plan's views
     * @param field index among the view's fields
     */
    record OfView(String name, int view, int field) implements Input {}

    /** A CEL expression over the event. */
    record OnDemand(String name, String expression) implements Input {}
  }

  /**
   * The plan of a model.
   *
   * @param identities the views' identities as applied
   * @throws IllegalArgumentException with every input that cannot be served
   */
  static ScoringPlan of(
      Project project,
      Model model,
      Map<String, ViewIdentity> identities,
      boolean forwardsLetters,
      String stage) {
    List<String> problems = new ArrayList<>();
    Source source = required(project.source(model.source()).orElse(null), model.source());
    Map<ViewKey, TreeSet<String>> needed = new LinkedHashMap<>();
    for (Model.Input input : model.inputs()) {
      if (input instanceof Model.Input.OfView ofView) {
        needed
            .computeIfAbsent(new ViewKey(ofView.view(), ofView.keyFields()), k -> new TreeSet<>())
            .add(ofView.feature());
      }
    }
    List<ViewRead> views = new ArrayList<>();
    List<ViewKey> viewKeys = new ArrayList<>();
    needed.forEach(
        (key, features) -> {
          FeatureView view = required(project.featureView(key.view).orElse(null), key.view);
          ViewIdentity identity = required(identities.get(key.view), key.view);
          Source viewSource = required(project.source(view.source()).orElse(null), view.source());
          views.add(
              ViewRead.of(
                  view,
                  viewSource,
                  source,
                  key.keyFields,
                  List.copyOf(features),
                  identity.toString()));
          viewKeys.add(key);
        });
    List<Input> inputs = new ArrayList<>();
    for (Model.Input input : model.inputs()) {
      if (input instanceof Model.Input.OfView ofView) {
        int view = viewKeys.indexOf(new ViewKey(ofView.view(), ofView.keyFields()));
        Feature feature =
            required(
                project
                    .featureView(ofView.view())
                    .flatMap(v -> v.feature(ofView.feature()))
                    .orElse(null),
                ofView.view() + ":" + ofView.feature());
        if (!feature.type().isInput()) {
          problems.add(
              "input "
                  + ofView.name()
                  + " is "
                  + feature.type().noun()
                  + ", a model takes numbers; leave it out");
        }
        inputs.add(
            new Input.OfView(ofView.name(), view, views.get(view).indexOf(ofView.feature())));
      } else if (input instanceof Model.Input.OnDemand onDemand) {
        Expression.Type type =
            Expression.compile(onDemand.value(), source.schema(), Expression.Type.INPUT, Map.of())
                .type();
        if (type == Expression.Type.VECTOR) {
          problems.add(
              "input " + onDemand.name() + " is a vector, which is not built yet; leave it out");
        }
        inputs.add(new Input.OnDemand(onDemand.name(), onDemand.value()));
      }
    }
    if (!problems.isEmpty()) {
      throw new IllegalArgumentException(
          "Cannot score with model " + model.name() + ":\n  " + String.join("\n  ", problems));
    }
    Model.Rollout rollout = model.rollout();
    return new ScoringPlan(
        project.name(),
        model.name(),
        SourcePlan.of(project, source, stage),
        forwardsLetters,
        List.copyOf(views),
        List.copyOf(inputs),
        MissingInputs.of(model),
        model.decisions(),
        model.fallback(),
        model.execution().maxRows(),
        model.execution().maxDelay().toMillis(),
        model.maxFeatureWait().toMillis(),
        model.features() == Model.FeatureReads.AS_OF,
        rollout == null
            ? List.of()
            : List.copyOf(
                rollout.unitFields().stream().map(f -> SourcePlan.field(source, f)).toList()),
        List.copyOf(
            model.monitoring().segments().stream().map(f -> SourcePlan.field(source, f)).toList()));
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
    if (unitFields.isEmpty()) {
      return event.id();
    }
    List<@Nullable Object> unit = new ArrayList<>(unitFields.size());
    for (int field : unitFields) {
      unit.add(event.values()[field]);
    }
    return EntityKeys.join(unit);
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

  /** The names of the inputs in order. */
  List<String> inputNames() {
    return inputs.stream().map(Input::name).toList();
  }

  private record ViewKey(String view, List<String> keyFields) {}

  private static <T> T required(@Nullable T found, String name) {
    if (found == null) {
      throw new IllegalArgumentException(
          "Cannot score: " + name + " is not among the applied definitions; run ./millrace apply");
    }
    return found;
  }
}
