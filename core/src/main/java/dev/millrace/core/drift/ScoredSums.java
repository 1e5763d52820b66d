package dev.millrace.core.drift;

/**
 * What the scores of a window and their labels add up to. All sums are whole numbers, the losses in
 * billionths, so that they do not depend on the order of the events, nor on how they were summed up
 * on the way.
 *
 * <ul>
 *   <li><b>Log loss</b>: mean of −ln(probability given to the label), scores clipped to [1e-6, 1 −
 *       1e-6].
 *   <li><b>Brier</b>: mean of (score − label)².
 *   <li><b>Calibration error</b>: over 10 bins of the score of equal width, the mean over events of
 *       |mean score − mean label| of their bin.
 *   <li><b>AUC</b>: the chance that a positive has a higher score than a negative, a tie counting
 *       half; scores in the same of 1,000 bins of equal width of the clipped score's log-odds are
 *       tied. Rare positives make most scores tiny: bins of the score itself would tie them all.
 * </ul>
 */
public final class ScoredSums {

  /** Fewer labels than this say nothing of a window. */
  public static final int LABELS_MIN = 30;

  /** Fewer positives, or negatives, than this say nothing of how they are ranked. */
  public static final int CLASS_MIN = 5;

  public static final int SCORE_BINS = 1_000;
  public static final int CALIBRATION_BINS = 10;

  private static final double BILLION = 1e9;
  private static final double LOG_ODDS_MAX = Math.log((1 - Loss.CLIP) / Loss.CLIP);

  private long scored;
  private long labelled;
  private long logLoss;
  private long squared;
  private final long[] calibrationCounts = new long[CALIBRATION_BINS];
  private final long[] calibrationScores = new long[CALIBRATION_BINS];
  private final long[] calibrationLabels = new long[CALIBRATION_BINS];
  private final long[] positives = new long[SCORE_BINS];
  private final long[] negatives = new long[SCORE_BINS];
  private long positiveCount;
  private long negativeCount;

  /** An event whose label is not known. */
  public void addUnlabelled() {
    scored++;
  }

  /** An event and its label; one of at least a half is a positive. */
  public void add(double score, double label) {
    scored++;
    labelled++;
    logLoss += fixed(Loss.log(score, label));
    squared += fixed((score - label) * (score - label));
    int calibration = calibrationBin(score);
    calibrationCounts[calibration]++;
    calibrationScores[calibration] += fixed(score);
    calibrationLabels[calibration] += fixed(label);
    if (label >= 0.5) {
      positives[scoreBin(score)]++;
      positiveCount++;
    } else {
      negatives[scoreBin(score)]++;
      negativeCount++;
    }
  }

  /** Adds all that another has. */
  public void add(ScoredSums other) {
    scored += other.scored;
    labelled += other.labelled;
    logLoss += other.logLoss;
    squared += other.squared;
    addAll(calibrationCounts, other.calibrationCounts);
    addAll(calibrationScores, other.calibrationScores);
    addAll(calibrationLabels, other.calibrationLabels);
    addAll(positives, other.positives);
    addAll(negatives, other.negatives);
    positiveCount += other.positiveCount;
    negativeCount += other.negativeCount;
  }

  /** A number in billionths, rounded to the nearest. */
  public static long fixed(double value) {
    return Math.round(value * BILLION);
  }

  /** The number that {@link #fixed} was given. */
  public static double number(long fixed) {
    return fixed / BILLION;
  }

  public long scored() {
    return scored;
  }

  public long labelled() {
    return labelled;
  }

  /** The statistic's value; NaN where the labels are too few for it. */
  public double value(Statistic statistic) {
    if (labelled < LABELS_MIN) {
      return Double.NaN;
    }
    return switch (statistic) {
      case LOG_LOSS -> number(logLoss) / labelled;
      case BRIER -> number(squared) / labelled;
      case CALIBRATION_ERROR -> calibrationError();
      case AUC -> positiveCount < CLASS_MIN || negativeCount < CLASS_MIN ? Double.NaN : auc();
      default ->
          throw new IllegalArgumentException("Cannot compute " + statistic + " from scores alone");
    };
  }

  private double calibrationError() {
    long error = 0;
    for (int bin = 0; bin < CALIBRATION_BINS; bin++) {
      error += Math.abs(calibrationScores[bin] - calibrationLabels[bin]);
    }
    return number(error) / labelled;
  }

  private double auc() {
    double pairs = 0;
    long below = 0;
    for (int bin = 0; bin < SCORE_BINS; bin++) {
      pairs += positives[bin] * (below + negatives[bin] / 2.0);
      below += negatives[bin];
    }
    return pairs / ((double) positiveCount * negativeCount);
  }

  private static int calibrationBin(double score) {
    return (int) Math.min(CALIBRATION_BINS - 1, Math.max(0, score * CALIBRATION_BINS));
  }

  private static int scoreBin(double score) {
    double p = Loss.clipped(score);
    double odds = Math.log(p) - Math.log1p(-p);
    return (int) Math.min(SCORE_BINS - 1, Math.max(0, (odds / LOG_ODDS_MAX + 1) / 2 * SCORE_BINS));
  }

  private static void addAll(long[] to, long[] from) {
    for (int i = 0; i < to.length; i++) {
      to[i] += from[i];
    }
  }

  /** The sums as numbers, most of them 0, for a serializer; {@link #of} reads them. */
  public long[] all() {
    long[] all = new long[SIZE];
    all[0] = scored;
    all[1] = labelled;
    all[2] = logLoss;
    all[3] = squared;
    System.arraycopy(calibrationCounts, 0, all, HEAD, CALIBRATION_BINS);
    System.arraycopy(calibrationScores, 0, all, HEAD + CALIBRATION_BINS, CALIBRATION_BINS);
    System.arraycopy(calibrationLabels, 0, all, HEAD + 2 * CALIBRATION_BINS, CALIBRATION_BINS);
    System.arraycopy(positives, 0, all, HEAD + 3 * CALIBRATION_BINS, SCORE_BINS);
    System.arraycopy(negatives, 0, all, HEAD + 3 * CALIBRATION_BINS + SCORE_BINS, SCORE_BINS);
    return all;
  }

  /** The sums that {@link #all} gave. */
  public static ScoredSums of(long[] all) {
    ScoredSums sums = new ScoredSums();
    sums.scored = all[0];
    sums.labelled = all[1];
    sums.logLoss = all[2];
    sums.squared = all[3];
    System.arraycopy(all, HEAD, sums.calibrationCounts, 0, CALIBRATION_BINS);
    System.arraycopy(all, HEAD + CALIBRATION_BINS, sums.calibrationScores, 0, CALIBRATION_BINS);
    System.arraycopy(all, HEAD + 2 * CALIBRATION_BINS, sums.calibrationLabels, 0, CALIBRATION_BINS);
    System.arraycopy(all, HEAD + 3 * CALIBRATION_BINS, sums.positives, 0, SCORE_BINS);
    System.arraycopy(all, HEAD + 3 * CALIBRATION_BINS + SCORE_BINS, sums.negatives, 0, SCORE_BINS);
    for (int bin = 0; bin < SCORE_BINS; bin++) {
      sums.positiveCount += sums.positives[bin];
      sums.negativeCount += sums.negatives[bin];
    }
    return sums;
  }

  private static final int HEAD = 4;

  /** How many numbers {@link #all} has. */
  public static final int SIZE = HEAD + 3 * CALIBRATION_BINS + 2 * SCORE_BINS;
}
