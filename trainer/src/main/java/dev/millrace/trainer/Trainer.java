package dev.millrace.trainer;

import dev.millrace.core.definition.Model;
import dev.millrace.scoring.BatchScorer;
import dev.millrace.scoring.GoldenRows;
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
import java.util.Random;
import java.util.function.Consumer;
import ml.dmlc.xgboost4j.java.Booster;
import ml.dmlc.xgboost4j.java.DMatrix;
import ml.dmlc.xgboost4j.java.XGBoost;
import ml.dmlc.xgboost4j.java.XGBoostError;

/**
 * Trains a binary classifier with XGBoost, split by event time: the last {@code holdout} of the
 * window measures, {@code validation} before it ends the training early, the rest is learnt.
 *
 * <p>Each row of the training part is also scored by a model that did not see it: rows are dealt to
 * {@value #FOLDS} folds by blocks of event time, and for each fold a model with the same parameters
 * and as many trees learns from the others. These scores are like those of new events, so they are
 * what a reference profile is made from; the model's own would look better than it ever will.
 *
 * <p>The same set, settings and seed give the same bytes. The metrics are those of the artifact:
 * ONNX Runtime scores it, and its margins must be XGBoost's own.
 */
public final class Trainer {

  private static final double PARITY = 1e-5;
  private static final int GOLDEN_ROWS = 16;
  private static final long GOLDEN_SEED = 16;
  private static final int BATCH_ROWS = 256;
  private static final int FOLDS = 2;

  /** A day, so that a fold holds every hour of it; hours where there are too few days. */
  private static final long[] BLOCKS_MILLIS = {
    Duration.ofDays(1).toMillis(), Duration.ofHours(1).toMillis()
  };

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
    return train(set, config, inputs, set.labels());
  }

  /**
   * Trains on labels that no row has: the labels of each part dealt anew among its rows. What comes
   * of it looks like a model and knows nothing, for drills.
   */
  public TrainingRun trainOnPermutedLabels(
      TrainingSet set, Model.Training config, List<String> inputs) {
    double[] permuted = set.labels().clone();
    TrainingRun.Parts parts = parts(set, config);
    Random random = new Random(config.seed());
    permute(permuted, 0, parts.training(), random);
    permute(permuted, parts.training(), parts.training() + parts.validation(), random);
    return train(set, config, inputs, permuted);
  }

  private static void permute(double[] values, int from, int to, Random random) {
    for (int i = to - 1; i > from; i--) {
      int other = from + random.nextInt(i - from + 1);
      double value = values[i];
      values[i] = values[other];
      values[other] = value;
    }
  }

  /**
   * Trains.
   *
   * @param learnt the labels that training and early stopping see
   */
  private TrainingRun train(
      TrainingSet set, Model.Training config, List<String> inputs, double[] learnt) {
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
      return train(set, parameters, inputs, parts, learnt);
    } catch (XGBoostError e) {
      throw new TrainingException(
          "Cannot train %s: XGBoost says %s".formatted(set.model(), e.getMessage()), e);
    } catch (IOException e) {
      throw new UncheckedIOException("Cannot train " + set.model() + ": " + e.getMessage(), e);
    }
  }

  private TrainingRun train(
      TrainingSet set,
      XgboostParameters parameters,
      List<String> inputs,
      TrainingRun.Parts parts,
      double[] learnt)
      throws XGBoostError, IOException {
    int validationFrom = parts.training();
    int holdoutFrom = validationFrom + parts.validation();
    int[] columns = inputs.stream().mapToInt(set::column).toArray();
    double[] scores = new double[set.size()];
    DMatrix training = matrix(set, columns, rows(0, validationFrom), learnt);
    DMatrix validation = matrix(set, columns, rows(validationFrom, holdoutFrom), learnt);
    try {
      // The first tree makes the booster; XGBoost's own loop would print each round to stdout.
      Booster booster = XGBoost.train(training, parameters.settings(), 1, Map.of(), null, null);
      try {
        int trees = grow(booster, training, validation, parameters);
        byte[] onnx =
            golden(
                XgboostToOnnx.convert(booster.toByteArray("json"), inputs, trees),
                booster,
                trees,
                set,
                columns,
                validationFrom);
        progress.accept(
            String.format(
                Locale.ROOT,
                "%d trees; measuring on %,d rows",
                trees,
                parts.validation() + parts.holdout()));
        String sha256 = score(onnx, set, columns, validationFrom, scores);
        float[][] own = booster.predict(validation, false, trees);
        for (int row = 0; row < own.length; row++) {
          requireParity(set, validationFrom + row, scores[validationFrom + row], own[row][0]);
        }
        TrainingRun.CrossFitting crossFitting =
            crossFit(
                booster, training, set, parameters, columns, validationFrom, learnt, trees, scores);
        return new TrainingRun(
            inputs,
            onnx,
            sha256,
            trees,
            parameters.settings(),
            parts,
            Metrics.of(
                slice(scores, validationFrom, holdoutFrom),
                slice(set.labels(), validationFrom, holdoutFrom)),
            Metrics.of(
                slice(scores, holdoutFrom, set.size()),
                slice(set.labels(), holdoutFrom, set.size())),
            scores,
            crossFitting);
      } finally {
        booster.dispose();
      }
    } finally {
      training.dispose();
      validation.dispose();
    }
  }

  /**
   * Puts rows into the artifact that XGBoost itself has scored. Each value is of another event of
   * the training part, so that no event can be read from the file.
   */
  private static byte[] golden(
      byte[] onnx, Booster booster, int trees, TrainingSet set, int[] columns, int rows)
      throws XGBoostError {
    Random random = new Random(GOLDEN_SEED);
    float[][] golden = new float[GOLDEN_ROWS][columns.length];
    float[] flat = new float[GOLDEN_ROWS * columns.length];
    for (int row = 0; row < GOLDEN_ROWS; row++) {
      for (int column = 0; column < columns.length; column++) {
        golden[row][column] = finite((float) set.columns()[columns[column]][random.nextInt(rows)]);
        flat[row * columns.length + column] = golden[row][column];
      }
    }
    DMatrix matrix = new DMatrix(flat, GOLDEN_ROWS, columns.length, Float.NaN);
    try {
      float[][] predicted = booster.predict(matrix, false, trees);
      float[] scores = new float[GOLDEN_ROWS];
      for (int row = 0; row < GOLDEN_ROWS; row++) {
        scores[row] = predicted[row][0];
      }
      return GoldenRows.with(onnx, golden, scores);
    } finally {
      matrix.dispose();
    }
  }

  /** Scores the rows from one on with the artifact itself; gives its sha256. */
  private static String score(
      byte[] onnx, TrainingSet set, int[] columns, int from, double[] scores) throws IOException {
    Path file = Files.createTempFile("millrace-model", ".onnx");
    try {
      Files.write(file, onnx);
      try (OnnxModel model = OnnxModel.load(file, null, columns.length)) {
        score(model, set, columns, from, scores);
        return model.sha256();
      }
    } finally {
      Files.deleteIfExists(file);
    }
  }

  private static void requireParity(TrainingSet set, int row, double artifact, double own) {
    if (!(Math.abs(own - artifact) <= PARITY)) {
      throw TrainingException.ofData(
          "Cannot publish a version of %s: for event %s the artifact gives %s, XGBoost %s"
              .formatted(set.model(), set.eventIds()[row], artifact, own));
    }
  }

  /** Fills in the scores of the training part. */
  private TrainingRun.CrossFitting crossFit(
      Booster whole,
      DMatrix training,
      TrainingSet set,
      XgboostParameters parameters,
      int[] columns,
      int rows,
      double[] learnt,
      int trees,
      double[] scores)
      throws XGBoostError {
    long blockMillis = blockMillis(set, rows, learnt);
    if (blockMillis == 0) {
      fill(scores, rows(0, rows), whole.predict(training, false, trees));
      return new TrainingRun.CrossFitting(1, 0);
    }
    progress.accept(
        String.format(Locale.ROOT, "scoring %,d rows with models that did not see them", rows));
    int[][] folds = folds(set, rows, blockMillis);
    for (int fold = 0; fold < FOLDS; fold++) {
      DMatrix unseen = matrix(set, columns, folds[fold], learnt);
      DMatrix seen = matrix(set, columns, folds[1 - fold], learnt);
      try {
        Booster booster = XGBoost.train(seen, parameters.settings(), 1, Map.of(), null, null);
        try {
          for (int grown = 1; grown < trees; grown++) {
            booster.update(seen, grown);
          }
          fill(scores, folds[fold], booster.predict(unseen, false, trees));
        } finally {
          booster.dispose();
        }
      } finally {
        unseen.dispose();
        seen.dispose();
      }
    }
    return new TrainingRun.CrossFitting(FOLDS, blockMillis);
  }

  /** The longest blocks with which each fold has both classes; 0 where none do. */
  private static long blockMillis(TrainingSet set, int rows, double[] learnt) {
    for (long blockMillis : BLOCKS_MILLIS) {
      int[] positives = new int[FOLDS];
      int[] negatives = new int[FOLDS];
      for (int row = 0; row < rows; row++) {
        int fold = fold(set.timesMillis()[row], blockMillis);
        if (learnt[row] == 1) {
          positives[fold]++;
        } else {
          negatives[fold]++;
        }
      }
      if (Arrays.stream(positives).allMatch(n -> n > 0)
          && Arrays.stream(negatives).allMatch(n -> n > 0)) {
        return blockMillis;
      }
    }
    return 0;
  }

  private static int fold(long timeMillis, long blockMillis) {
    return (int) Math.floorMod(Math.floorDiv(timeMillis, blockMillis), (long) FOLDS);
  }

  private static int[][] folds(TrainingSet set, int rows, long blockMillis) {
    int[][] folds = new int[FOLDS][];
    for (int fold = 0; fold < FOLDS; fold++) {
      int[] found = new int[rows];
      int size = 0;
      for (int row = 0; row < rows; row++) {
        if (fold(set.timesMillis()[row], blockMillis) == fold) {
          found[size++] = row;
        }
      }
      folds[fold] = Arrays.copyOf(found, size);
    }
    return folds;
  }

  private static void fill(double[] scores, int[] rows, float[][] predicted) {
    for (int i = 0; i < rows.length; i++) {
      scores[rows[i]] = predicted[i][0];
    }
  }

  static TrainingRun.Parts parts(TrainingSet set, Model.Training config) {
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
        throw TrainingException.ofData(
            "Cannot train %s: the label of event %s is %s; a classifier takes 0 and 1, change"
                    .formatted(set.model(), set.eventIds()[row], label)
                + " label.value");
      }
      positives += label == 1 ? 1 : 0;
    }
    if (positives == 0 || positives == to - from) {
      throw TrainingException.ofData(
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

  private static int[] rows(int from, int to) {
    int[] rows = new int[to - from];
    for (int i = 0; i < rows.length; i++) {
      rows[i] = from + i;
    }
    return rows;
  }

  private static DMatrix matrix(TrainingSet set, int[] columns, int[] rows, double[] learnt)
      throws XGBoostError {
    long cells = (long) rows.length * columns.length;
    if (cells > Integer.MAX_VALUE - 8) {
      throw TrainingException.ofData(
          String.format(
                  Locale.ROOT,
                  "Cannot train %s: %,d rows of %d inputs are more than one matrix holds; shorten",
                  set.model(),
                  rows.length,
                  columns.length)
              + " training.window");
    }
    float[] values = new float[(int) cells];
    float[] labels = new float[rows.length];
    for (int c = 0; c < columns.length; c++) {
      double[] column = set.columns()[columns[c]];
      for (int i = 0; i < rows.length; i++) {
        values[i * columns.length + c] = finite((float) column[rows[i]]);
      }
    }
    for (int i = 0; i < rows.length; i++) {
      labels[i] = (float) learnt[rows[i]];
    }
    DMatrix matrix = new DMatrix(values, rows.length, columns.length, Float.NaN);
    matrix.setLabel(labels);
    return matrix;
  }

  /** XGBoost refuses infinite values; the largest float is on the same side of every threshold. */
  private static float finite(float value) {
    return Float.isInfinite(value) ? Math.copySign(Float.MAX_VALUE, value) : value;
  }

  /** Scores the rows from one on to the end. */
  static void score(OnnxModel model, TrainingSet set, int[] columns, int from, double[] scores) {
    try (BatchScorer scorer = model.scorer(BATCH_ROWS)) {
      for (int start = from; start < set.size(); start += BATCH_ROWS) {
        int rows = Math.min(BATCH_ROWS, set.size() - start);
        for (int row = 0; row < rows; row++) {
          for (int c = 0; c < columns.length; c++) {
            scorer.put(row, c, set.columns()[columns[c]][start + row]);
          }
        }
        scorer.score(rows);
        for (int row = 0; row < rows; row++) {
          scores[start + row] = scorer.probability(row);
        }
      }
    }
  }

  private static double[] slice(double[] values, int from, int to) {
    return Arrays.copyOfRange(values, from, to);
  }
}
