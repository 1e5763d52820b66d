package dev.millrace.trainer;

import dev.millrace.core.definition.Model;
import dev.millrace.scoring.BatchScorer;
import dev.millrace.scoring.OnnxModel;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.Consumer;
import ml.dmlc.xgboost4j.java.Booster;
import ml.dmlc.xgboost4j.java.DMatrix;
import ml.dmlc.xgboost4j.java.XGBoost;
import ml.dmlc.xgboost4j.java.XGBoostError;

/**
 * Trains a binary classifier with XGBoost, split by event time: the last {@code holdout} of the
 * window measures, {@code validation} before it ends the training early, the rest is learnt.
 *
 * <p>The same set, settings and seed give the same bytes. The metrics are those of the artifact:
 * ONNX Runtime scores it, and its margins must be XGBoost's own.
 */
public final class Trainer {

  private static final double PARITY = 1e-5;
  private static final int BATCH_ROWS = 256;

  private final Consumer<String> progress;

  /**
   * A trainer.
   *
   * @param progress told in a few words what happens now
   */
  public Trainer(Consumer<String> progress) {
    this.progress = progress;
  }

  /**
   * Trains on some of the set's inputs.
   *
   * @param inputs the signature of the model, each an input of the set
   */
  public TrainingRun train(TrainingSet set, Model.Training config, List<String> inputs) {
    if (!config.trainer().equals("xgboost")) {
      throw TrainingException.ofDefinition(
          "Cannot train %s with trainer %s: it is not built yet; use xgboost"
              .formatted(set.model(), config.trainer()));
    }
    XgboostParameters parameters = XgboostParameters.of(config);
    TrainingRun.Parts parts = parts(set, config);
    int validationFrom = parts.training();
    int holdoutFrom = validationFrom + parts.validation();
    requireBothClasses(set, "training", 0, validationFrom);
    requireBothClasses(set, "validation", validationFrom, holdoutFrom);
    requireBothClasses(set, "holdout", holdoutFrom, set.size());
    progress.accept(
        String.format(
            Locale.ROOT,
            "training on %,d rows, %d inputs, at most %d trees",
            parts.training(),
            inputs.size(),
            parameters.trees()));
    try {
      return train(set, parameters, inputs, parts);
    } catch (XGBoostError e) {
      throw new TrainingException(
          "Cannot train %s: XGBoost says %s".formatted(set.model(), e.getMessage()), e);
    } catch (IOException e) {
      throw new UncheckedIOException("Cannot train " + set.model() + ": " + e.getMessage(), e);
    }
  }

  private TrainingRun train(
      TrainingSet set, XgboostParameters parameters, List<String> inputs, TrainingRun.Parts parts)
      throws XGBoostError, IOException {
    int validationFrom = parts.training();
    int holdoutFrom = validationFrom + parts.validation();
    int[] columns = inputs.stream().mapToInt(set::column).toArray();
    DMatrix training = matrix(set, columns, 0, validationFrom);
    DMatrix validation = matrix(set, columns, validationFrom, holdoutFrom);
    try {
      // The first tree makes the booster; XGBoost's own loop would print each round to stdout.
      Booster booster = XGBoost.train(training, parameters.settings(), 1, Map.of(), null, null);
      try {
        int trees = grow(booster, training, validation, parameters);
        byte[] onnx = XgboostToOnnx.convert(booster.toByteArray("json"), inputs, trees);
        float[][] own = booster.predict(validation, false, trees);
        return measured(set, parameters, inputs, columns, parts, trees, onnx, own);
      } finally {
        booster.dispose();
      }
    } finally {
      training.dispose();
      validation.dispose();
    }
  }

  private TrainingRun measured(
      TrainingSet set,
      XgboostParameters parameters,
      List<String> inputs,
      int[] columns,
      TrainingRun.Parts parts,
      int trees,
      byte[] onnx,
      float[][] own)
      throws IOException {
    int validationFrom = parts.training();
    int holdoutFrom = validationFrom + parts.validation();
    progress.accept(
        String.format(Locale.ROOT, "measuring on %,d rows", parts.validation() + parts.holdout()));
    Path file = Files.createTempFile("millrace-model", ".onnx");
    try {
      Files.write(file, onnx);
      try (OnnxModel model = OnnxModel.load(file, null, inputs.size());
          BatchScorer scorer = model.scorer(BATCH_ROWS)) {
        double[] onValidation = scores(scorer, set, columns, validationFrom, holdoutFrom);
        for (int row = 0; row < own.length; row++) {
          double apart = Math.abs(own[row][0] - onValidation[row]);
          if (!(apart <= PARITY)) {
            throw new TrainingException(
                "Cannot publish a version of %s: for event %s the artifact gives %s, XGBoost %s"
                    .formatted(
                        set.model(),
                        set.eventIds()[validationFrom + row],
                        onValidation[row],
                        own[row][0]));
          }
        }
        double[] onHoldout = scores(scorer, set, columns, holdoutFrom, set.size());
        return new TrainingRun(
            inputs,
            onnx,
            model.sha256(),
            trees,
            parameters.settings(),
            parts,
            Metrics.of(onValidation, slice(set.labels(), validationFrom, holdoutFrom)),
            Metrics.of(onHoldout, slice(set.labels(), holdoutFrom, set.size())));
      }
    } finally {
      Files.deleteIfExists(file);
    }
  }

  private static TrainingRun.Parts parts(TrainingSet set, Model.Training config) {
    long end = set.bounds().endMillis();
    long validationUntil = end - config.holdout().toMillis();
    long trainingUntil = validationUntil - config.validation().toMillis();
    int validationFrom = set.firstAfter(trainingUntil);
    int holdoutFrom = set.firstAfter(validationUntil);
    return new TrainingRun.Parts(
        trainingUntil,
        validationUntil,
        validationFrom,
        holdoutFrom - validationFrom,
        set.size() - holdoutFrom);
  }

  private static void requireBothClasses(TrainingSet set, String part, int from, int to) {
    int positives = 0;
    for (int row = from; row < to; row++) {
      double label = set.labels()[row];
      if (label != 0 && label != 1) {
        throw new TrainingException(
            "Cannot train %s: the label of event %s is %s; a classifier takes 0 and 1, change"
                    .formatted(set.model(), set.eventIds()[row], label)
                + " label.value");
      }
      positives += label == 1 ? 1 : 0;
    }
    if (positives == 0 || positives == to - from) {
      throw new TrainingException(
          ("Cannot train %s: of the %d labelled events of its %s part %d are positive; both classes"
                  + " are needed, wait for more labels or change training.window (%s to %s, %s)")
              .formatted(
                  set.model(),
                  to - from,
                  part,
                  positives,
                  Instant.ofEpochMilli(set.bounds().startMillis()),
                  Instant.ofEpochMilli(set.bounds().endMillis()),
                  Duration.ofMillis(set.bounds().endMillis() - set.bounds().startMillis())));
    }
  }

  /**
   * Adds trees until there are enough, or none of the last ones made the validation loss smaller.
   *
   * @return how many trees count: those up to the least loss, the fewest of equals
   */
  private static int grow(
      Booster booster, DMatrix training, DMatrix validation, XgboostParameters parameters)
      throws XGBoostError {
    int best = 1;
    float least = loss(booster, validation, 0);
    for (int grown = 1; grown < parameters.trees(); grown++) {
      booster.update(training, grown);
      float loss = loss(booster, validation, grown);
      if (loss < least) {
        least = loss;
        best = grown + 1;
      }
      if (parameters.earlyStopping() > 0 && grown + 1 - best >= parameters.earlyStopping()) {
        return best;
      }
    }
    return parameters.earlyStopping() > 0 ? best : parameters.trees();
  }

  private static float loss(Booster booster, DMatrix validation, int round) throws XGBoostError {
    float[] losses = new float[1];
    String unused =
        booster.evalSet(new DMatrix[] {validation}, new String[] {"validation"}, round, losses);
    return losses[0];
  }

  private static DMatrix matrix(TrainingSet set, int[] columns, int from, int to)
      throws XGBoostError {
    long cells = (long) (to - from) * columns.length;
    if (cells > Integer.MAX_VALUE - 8) {
      throw new TrainingException(
          String.format(
                  Locale.ROOT,
                  "Cannot train %s: %,d rows of %d inputs are more than one matrix holds; shorten",
                  set.model(),
                  to - from,
                  columns.length)
              + " training.window");
    }
    float[] values = new float[(int) cells];
    for (int c = 0; c < columns.length; c++) {
      double[] column = set.columns()[columns[c]];
      for (int row = from; row < to; row++) {
        values[(row - from) * columns.length + c] = finite((float) column[row]);
      }
    }
    DMatrix matrix = new DMatrix(values, to - from, columns.length, Float.NaN);
    float[] labels = new float[to - from];
    for (int row = from; row < to; row++) {
      labels[row - from] = (float) set.labels()[row];
    }
    matrix.setLabel(labels);
    return matrix;
  }

  /** XGBoost refuses infinite values; the largest float is on the same side of every threshold. */
  private static float finite(float value) {
    return Float.isInfinite(value) ? Math.copySign(Float.MAX_VALUE, value) : value;
  }

  private static double[] scores(
      BatchScorer scorer, TrainingSet set, int[] columns, int from, int to) {
    double[] scores = new double[to - from];
    for (int start = from; start < to; start += BATCH_ROWS) {
      int rows = Math.min(BATCH_ROWS, to - start);
      for (int row = 0; row < rows; row++) {
        for (int c = 0; c < columns.length; c++) {
          scorer.put(row, c, set.columns()[columns[c]][start + row]);
        }
      }
      scorer.score(rows);
      for (int row = 0; row < rows; row++) {
        scores[start - from + row] = scorer.probability(row);
      }
    }
    return scores;
  }

  private static double[] slice(double[] values, int from, int to) {
    return Arrays.copyOfRange(values, from, to);
  }
}
