package dev.millrace.trainer;

import dev.millrace.core.definition.Model;
import dev.millrace.core.definition.Project;
import java.time.Duration;
import java.time.Instant;
import org.jspecify.annotations.Nullable;

/**
 * The rows that a version which was made elsewhere is judged on.
 *
 * @param set null where there are none at all
 * @param validationFrom its first row of the validation part
 * @param holdoutFrom its first row of the holdout
 * @param unmeasured why metrics cannot be had; null where they can
 */
record EvaluationRows(
    @Nullable TrainingSet set, int validationFrom, int holdoutFrom, @Nullable String unmeasured) {

  private static final int PARTS = 10;

  /**
   * Labelled rows as a training would take them, else any rows, else none.
   *
   * @param asOf nothing later is seen; null for all that is archived
   */
  static EvaluationRows of(
      ModelTraining training, Project project, Model model, @Nullable Instant asOf) {
    String why;
    if (model.label() == null) {
      why = "the model has no label";
    } else {
      try {
        EvaluationRows labelled = cut(training.join(project, model, asOf), model);
        if (labelled.set() != null && labelled.set().size() > 0) {
          return labelled;
        }
        why = "no event of the window has a label yet";
      } catch (TrainingException e) {
        why = String.valueOf(e.getMessage());
      }
    }
    try {
      TrainingSet all = training.joinUnlabelled(project, model, asOf);
      return new EvaluationRows(all.size() == 0 ? null : all, all.size(), all.size(), why);
    } catch (TrainingException e) {
      return new EvaluationRows(null, 0, 0, why);
    }
  }

  private static EvaluationRows cut(TrainingSet set, Model model) {
    int validationFrom;
    int holdoutFrom;
    Model.Training config = model.training();
    if (config != null) {
      TrainingRun.Parts parts = Trainer.parts(set, config);
      validationFrom = parts.training();
      holdoutFrom = parts.training() + parts.validation();
    } else {
      long end = set.bounds().endMillis();
      long part = set.size() == 0 ? 0 : (end - set.timesMillis()[0]) / PARTS;
      validationFrom = set.firstAfter(end - 2 * part);
      holdoutFrom = set.firstAfter(end - part);
    }
    int positives = 0;
    for (int row = 0; row < set.size(); row++) {
      double label = set.labels()[row];
      if (label != 0 && label != 1) {
        return new EvaluationRows(
            set,
            validationFrom,
            holdoutFrom,
            "the label of event %s is %s, metrics are of labels 0 and 1"
                .formatted(set.eventIds()[row], label));
      }
      positives += row >= holdoutFrom && label == 1 ? 1 : 0;
    }
    int holdout = set.size() - holdoutFrom;
    String why =
        positives > 0 && positives < holdout
            ? null
            : "of the %d labelled events of the holdout (%s to %s) %d are positive, both classes are needed"
                .formatted(
                    holdout,
                    Instant.ofEpochMilli(set.bounds().endMillis())
                        .minus(config == null ? Duration.ZERO : config.holdout()),
                    Instant.ofEpochMilli(set.bounds().endMillis()),
                    positives);
    return new EvaluationRows(set, validationFrom, holdoutFrom, why);
  }

  /** Some rows, evenly spread, in the order of the signature. */
  double[][] sample(int most) {
    TrainingSet rows = set;
    if (rows == null) {
      return new double[0][];
    }
    int count = Math.min(most, rows.size());
    double[][] sample = new double[count][rows.columns().length];
    for (int i = 0; i < count; i++) {
      int row = (int) ((long) i * rows.size() / count);
      for (int c = 0; c < sample[i].length; c++) {
        sample[i][c] = rows.columns()[c][row];
      }
    }
    return sample;
  }

  /** What is wrong with scores as such; null where nothing is. */
  @Nullable String scoreFlaw(double[] scores) {
    TrainingSet rows = set;
    if (rows == null) {
      return null;
    }
    int none = 0;
    int beyond = 0;
    int first = -1;
    for (int row = 0; row < scores.length; row++) {
      boolean finite = Double.isFinite(scores[row]);
      // Labels of 0 and 1 ask for probabilities, others for whatever they are.
      boolean outside = finite && isOfClassifier() && (scores[row] < 0 || scores[row] > 1);
      none += finite ? 0 : 1;
      beyond += outside ? 1 : 0;
      first = first < 0 && (!finite || outside) ? row : first;
    }
    if (first < 0) {
      return null;
    }
    String event = rows.eventIds()[first];
    return none > 0
        ? "%d of %d events have no finite score (the first is %s: %s); export a model that takes missing inputs, or say in missing: what stands for them"
            .formatted(none, scores.length, event, scores[first])
        : "%d of %d scores are no probabilities, from 0 to 1 (the first is of %s: %s); export the probability"
            .formatted(beyond, scores.length, event, scores[first]);
  }

  private boolean isOfClassifier() {
    return unmeasured == null;
  }
}
