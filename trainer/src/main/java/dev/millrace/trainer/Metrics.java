package dev.millrace.trainer;

import java.util.Arrays;

/**
 * How good probabilities are, against labels of 0 and 1.
 *
 * <ul>
 *   <li><b>AUC</b>: the chance that a positive has a higher score than a negative, a tie counting
 *       half (the Mann-Whitney statistic over the number of pairs; [1]). NaN without both classes.
 *   <li><b>Log loss</b>: the mean of −ln(probability given to the label), probabilities clipped to
 *       [1e-15, 1 − 1e-15].
 *   <li><b>Brier score</b>: the mean of (score − label)² ([5]).
 *   <li><b>Expected calibration error</b>: rows in the order of their scores are cut into 10 bins
 *       of equal mass; the mean over rows of |mean score − share of positives| of their bin ([2]
 *       with the equal-mass bins of [3]). Rows of the same score share a bin, that of the first of
 *       them, so it does not depend on the order of rows.
 *   <li><b>Mean predicted and observed rate</b>: calibration in the large ([4]).
 * </ul>
 *
 * <p>[1] Hanley, McNeil: The meaning and use of the area under a receiver operating characteristic
 * curve, Radiology 143 (1982). [2] Naeini, Cooper, Hauskrecht: Obtaining well calibrated
 * probabilities using Bayesian binning, AAAI 2015. [3] Nixon et al.: Measuring calibration in deep
 * learning, CVPR workshops 2019. [4] Steyerberg: Clinical prediction models, 2nd ed. 2019. [5]
 * Brier: Verification of forecasts expressed in terms of probability, Monthly Weather Review 78
 * (1950).
 *
 * @param count rows
 * @param positives rows whose label is 1
 */
public record Metrics(
    long count,
    long positives,
    double auc,
    double logLoss,
    double brier,
    double calibrationError,
    double meanPredicted,
    double observedRate) {

  private static final int BINS = 10;
  private static final double CLIP = 1e-15;

  /** Measures scores against labels, row by row. */
  public static Metrics of(double[] scores, double[] labels) {
    if (scores.length != labels.length) {
      throw new IllegalArgumentException(
          "Cannot measure " + scores.length + " scores against " + labels.length + " labels");
    }
    int n = scores.length;
    int ones = 0;
    double loss = 0;
    double squares = 0;
    double sum = 0;
    for (int i = 0; i < n; i++) {
      boolean positive = positive(labels[i]);
      if (Double.isNaN(scores[i])) {
        throw new IllegalArgumentException("Cannot measure row " + i + ": its score is NaN");
      }
      ones += positive ? 1 : 0;
      loss += logLoss(scores[i], labels[i]);
      squares += (scores[i] - labels[i]) * (scores[i] - labels[i]);
      sum += scores[i];
    }
    double[] positive = new double[ones];
    double[] negative = new double[n - ones];
    int p = 0;
    int q = 0;
    for (int i = 0; i < n; i++) {
      if (positive(labels[i])) {
        positive[p++] = scores[i];
      } else {
        negative[q++] = scores[i];
      }
    }
    Arrays.sort(positive);
    Arrays.sort(negative);
    return new Metrics(
        n,
        ones,
        auc(positive, negative),
        loss / n,
        squares / n,
        calibrationError(positive, negative),
        sum / n,
        (double) ones / n);
  }

  /** The log loss of one row. */
  static double logLoss(double score, double label) {
    double p = Math.min(1 - CLIP, Math.max(CLIP, score));
    return label == 1 ? -Math.log(p) : -Math.log1p(-p);
  }

  private static boolean positive(double label) {
    if (label != 0 && label != 1) {
      throw new IllegalArgumentException("Cannot measure label " + label + ": it is not 0 or 1");
    }
    return label == 1;
  }

  /** Counts the pairs a positive wins, in halves so that ties stay whole numbers. */
  private static double auc(double[] positive, double[] negative) {
    long halves = 0;
    int below = 0;
    int upTo = 0;
    for (double score : positive) {
      while (below < negative.length && negative[below] < score) {
        below++;
      }
      upTo = Math.max(upTo, below);
      while (upTo < negative.length && negative[upTo] == score) {
        upTo++;
      }
      halves += (long) below + upTo;
    }
    return halves / 2.0 / ((double) positive.length * negative.length);
  }

  private static double calibrationError(double[] positive, double[] negative) {
    int n = positive.length + negative.length;
    double[] scoreSums = new double[BINS];
    long[] labelSums = new long[BINS];
    int rank = 0;
    int p = 0;
    int q = 0;
    while (rank < n) {
      double score =
          q == negative.length || (p < positive.length && positive[p] < negative[q])
              ? positive[p]
              : negative[q];
      int bin = (int) ((long) rank * BINS / n);
      int from = p;
      while (p < positive.length && positive[p] == score) {
        p++;
      }
      labelSums[bin] += p - from;
      int tied = p - from;
      while (q < negative.length && negative[q] == score) {
        q++;
        tied++;
      }
      scoreSums[bin] += score * tied;
      rank += tied;
    }
    double error = 0;
    for (int bin = 0; bin < BINS; bin++) {
      error += Math.abs(scoreSums[bin] - labelSums[bin]);
    }
    return error / n;
  }
}
