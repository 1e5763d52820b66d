package dev.millrace.drift;

import dev.millrace.core.definition.Entity;
import dev.millrace.core.definition.FeatureView;
import dev.millrace.core.definition.Model;
import dev.millrace.core.definition.Project;
import dev.millrace.core.definition.Source;
import dev.millrace.core.model.MissingInputs;
import dev.millrace.platform.ModelRevision;
import dev.millrace.platform.RunningViews;
import dev.millrace.streaming.SourcePlan;
import java.io.Serializable;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What measuring one model needs to know; it travels to the tasks.
 *
 * @param inputs names of the inputs, those that only versions of earlier definitions take at the
 *     end
 * @param missing by input: what a missing one is for the model, and so in its reference
 * @param labels null where the model has none: then only inputs and scores are measured
 */
record DriftPlan(
    String project,
    String model,
    List<String> inputs,
    List<Double> missing,
    List<Segment> segments,
    long windowMillis,
    long seasonMillis,
    @Nullable Labels labels)
    implements Serializable {

  /** Windows that a served prediction waits for the scores that its shadows made of it. */
  static final int SHADOW_WAITS_MAX = 24;

  /**
   * A field by whose values statistics are also computed.
   *
   * @param entity of whose key it is a part; null where it is none: then the prediction's header
   *     has it
   * @param position of the field among the entity's keys
   */
  record Segment(String field, @Nullable String entity, int position) implements Serializable {}

  /**
   * Where the truth comes from.
   *
   * @param on index, among the source's fields, of the scored event's id
   * @param value CEL
   * @param absentValue the label of an event that got none; null leaves it out
   * @param last whether of several labels the last counts
   */
  record Labels(
      SourcePlan source,
      int on,
      String value,
      long waitMillis,
      @Nullable Double absentValue,
      boolean last)
      implements Serializable {}

  /**
   * The plan of a model.
   *
   * @param running the definitions that are computed
   */
  static DriftPlan of(Project project, Model model, RunningViews running, String stage) {
    List<Segment> segments = new ArrayList<>();
    for (String field : model.monitoring().segments()) {
      segments.add(segment(project, model, field));
    }
    Model.Label label = model.label();
    Labels labels = null;
    if (label != null) {
      Source source =
          project
              .source(label.source())
              .orElseThrow(
                  () ->
                      new IllegalArgumentException(
                          "Cannot measure model "
                              + model.name()
                              + ": source "
                              + label.source()
                              + " of its label is not defined; add it to sources:"));
      labels =
          new Labels(
              SourcePlan.of(project, source, stage),
              SourcePlan.field(source, label.on()),
              label.value(),
              label.labelWait().toMillis(),
              label.absentValue(),
              label.repeat() == Model.Label.Repeat.LAST);
    }
    Map<String, Double> missing = missing(model, running);
    return new DriftPlan(
        project.name(),
        model.name(),
        List.copyOf(missing.keySet()),
        List.copyOf(missing.values()),
        List.copyOf(segments),
        model.monitoring().window().toMillis(),
        model.monitoring().season().toMillis(),
        labels);
  }

  /** By input of any version that may serve, in the order of the newest definitions. */
  private static Map<String, Double> missing(Model model, RunningViews running) {
    Map<String, Double> missing = new LinkedHashMap<>();
    for (ModelRevision revision : ModelRevision.of(model, running)) {
      MissingInputs ofRevision = MissingInputs.of(revision.model());
      List<Model.Input> inputs = revision.model().inputs();
      for (int i = 0; i < inputs.size(); i++) {
        // A vector or a text has no bins.
        if (inputs.get(i).kind() == Model.Input.Kind.NUMBER) {
          missing.putIfAbsent(inputs.get(i).name(), ofRevision.value(i));
        }
      }
    }
    return missing;
  }

  private static Segment segment(Project project, Model model, String field) {
    for (Model.Input input : model.inputs()) {
      if (input instanceof Model.Input.OfView ofView) {
        int position = ofView.keyFields().indexOf(field);
        FeatureView view = project.featureView(ofView.view()).orElse(null);
        if (position >= 0 && view != null) {
          Entity entity = view.entity();
          return new Segment(field, entity.name(), position);
        }
      }
    }
    return new Segment(field, null, -1);
  }

  /** How long a label is waited for. */
  long waitMillis() {
    return labels == null ? 0 : labels.waitMillis();
  }

  /** Start of the window that holds a time. */
  long windowStart(long timeMillis) {
    return Math.floorDiv(timeMillis, windowMillis) * windowMillis;
  }

  /** The watermark at which no event of a window can still become mature. */
  long matureMillis(long windowStartMillis) {
    return windowStartMillis + windowMillis + waitMillis() - 1;
  }

  /** The watermark at which nothing about an event is remembered any more. */
  long forgottenMillis(long timeMillis) {
    return timeMillis + 2 * waitMillis() + SHADOW_WAITS_MAX * windowMillis;
  }
}
