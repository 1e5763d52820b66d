package dev.millrace.inference;

import dev.millrace.core.definition.Feature;
import dev.millrace.core.definition.Model;
import dev.millrace.core.definition.Source;
import dev.millrace.core.expression.Expression;
import dev.millrace.core.expression.ExpressionException;
import dev.millrace.core.model.MissingInputs;
import dev.millrace.platform.ModelRevision;
import dev.millrace.platform.RunningViews.Running;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * Puts together the inputs of each revision of a model, and the views that these read: what several
 * revisions read is there once.
 */
final class PlannedInputs {

  private final Source source;
  private final Map<Read, Running> reads = new LinkedHashMap<>();
  private final Map<Definition, TreeSet<String>> features = new LinkedHashMap<>();
  private final List<ViewRead> views = new ArrayList<>();
  private final List<InputPlan> plans = new ArrayList<>();
  private final List<ScoringPlan.LeftOut> leftOut = new ArrayList<>();
  private final List<String> problems = new ArrayList<>();
  private int inputCount;

  private record Definition(String view, String id) {}

  /**
   * A definition, read for one entity of the event.
   *
   * @param keyFields the fields of the model's source that hold the entity's keys
   */
  private record Read(Definition definition, List<String> keyFields) {}

  /**
   * The inputs of all revisions but those earlier ones that read what the source has no longer.
   *
   * @param source of the model, as it is now
   * @throws IllegalArgumentException with every input that cannot be served
   */
  PlannedInputs(List<ModelRevision> all, Source source) {
    this.source = source;
    List<ModelRevision> revisions = new ArrayList<>();
    for (ModelRevision revision : all) {
      String why = revisions.isEmpty() ? null : obstacle(revision);
      if (why == null) {
        revisions.add(revision);
      } else {
        leftOut.add(new ScoringPlan.LeftOut(Map.copyOf(revision.ids()), why));
      }
    }
    revisions.forEach(this::addReads);
    // Of one row every reader asks for the same fields, so that it is read once.
    reads.forEach(
        (read, running) ->
            views.add(
                ViewRead.of(
                    running,
                    source,
                    read.keyFields,
                    List.copyOf(features.getOrDefault(read.definition, new TreeSet<>())))));
    revisions.forEach(this::addPlan);
    if (!problems.isEmpty()) {
      throw new IllegalArgumentException(
          "Cannot score with model "
              + revisions.get(0).model().name()
              + ":\n  "
              + String.join("\n  ", problems));
    }
  }

  List<ViewRead> views() {
    return List.copyOf(views);
  }

  List<InputPlan> plans() {
    return List.copyOf(plans);
  }

  List<ScoringPlan.LeftOut> leftOut() {
    return List.copyOf(leftOut);
  }

  /** Why the inputs of an earlier revision cannot be made from the source as it is now. */
  private @Nullable String obstacle(ModelRevision revision) {
    for (Model.Input input : revision.model().inputs()) {
      if (input instanceof Model.Input.OfView ofView) {
        for (String field : ofView.keyFields()) {
          if (source.schema().getField(field) == null) {
            return "source " + source.name() + " has no field " + field + " any more";
          }
        }
      } else if (input instanceof Model.Input.OnDemand onDemand) {
        try {
          check(onDemand);
        } catch (ExpressionException e) {
          return "input " + onDemand.name() + " cannot be computed any more: " + e.getMessage();
        }
      }
    }
    return null;
  }

  private void addReads(ModelRevision revision) {
    for (Model.Input input : revision.model().inputs()) {
      if (input instanceof Model.Input.OfView ofView) {
        Running running = running(revision, ofView);
        Read read = read(running, ofView);
        reads.putIfAbsent(read, running);
        features.computeIfAbsent(read.definition, d -> new TreeSet<>()).add(ofView.feature());
      }
    }
  }

  private void addPlan(ModelRevision revision) {
    List<Read> order = List.copyOf(reads.keySet());
    List<InputPlan.Input> inputs = new ArrayList<>();
    TreeSet<Integer> readViews = new TreeSet<>();
    for (Model.Input input : revision.model().inputs()) {
      if (input instanceof Model.Input.OfView ofView) {
        Running running = running(revision, ofView);
        check(ofView, running);
        int view = order.indexOf(read(running, ofView));
        readViews.add(view);
        inputs.add(
            new InputPlan.Input.OfView(
                ofView.name(), view, views.get(view).indexOf(ofView.feature()), ofView.kind()));
      } else if (input instanceof Model.Input.OnDemand onDemand) {
        check(onDemand);
        inputs.add(
            new InputPlan.Input.OnDemand(onDemand.name(), onDemand.value(), onDemand.kind()));
      }
    }
    plans.add(
        new InputPlan(
            plans.size(),
            revision.revision(),
            Map.copyOf(revision.ids()),
            List.copyOf(readViews),
            inputCount,
            List.copyOf(inputs),
            MissingInputs.of(revision.model())));
    inputCount += inputs.size();
  }

  private void check(Model.Input.OfView input, Running running) {
    Feature feature =
        running
            .view()
            .feature(input.feature())
            .orElseThrow(
                () ->
                    new IllegalArgumentException(
                        "Cannot score: "
                            + input.view()
                            + ":"
                            + input.feature()
                            + " is not among the applied definitions; run ./millrace apply"));
    Feature.ValueType type = feature.type();
    if (input.isText() ? !type.isText() : !type.isNumeric()) {
      problems.add(
          "input "
              + input.name()
              + " is "
              + type.noun()
              + " where "
              + (input.isText() ? "a text" : "a number")
              + " is taken; leave it out");
    }
  }

  private void check(Model.Input.OnDemand input) {
    var unusedExpression =
        Expression.compile(input.value(), source.schema(), Expression.Type.INPUT, Map.of());
  }

  private static Read read(Running running, Model.Input.OfView input) {
    return new Read(new Definition(input.view(), running.identity().id()), input.keyFields());
  }

  private static Running running(ModelRevision revision, Model.Input.OfView input) {
    Running running = revision.views().get(input.view());
    if (running == null) {
      throw new IllegalStateException(
          "Cannot find view " + input.view() + " in revision " + revision.revision());
    }
    return running;
  }
}
