package dev.millrace.trainer;

import java.time.Duration;
import java.util.Arrays;
import java.util.Random;
import java.util.function.ToDoubleFunction;

/**
 * How much better a challenger is than the champion on the same rows, with bounds.
 *
 * <p>Rows of one stretch of time resemble one another, so not rows but blocks of event time are
 * drawn: each of {@value #DRAWS} draws takes as many blocks as there are, with repetition, and
 * measures both models on the same ones. The bounds are the 2.5th and 97.5th percentile of the
 * differences ([1], [2]). Blocks are days, or hours where there are fewer than {@value #BLOCKS_MIN}
 * days: of few blocks the bounds are too narrow.
 *
 * <p>[1] Künsch: The jackknife and the bootstrap for general stationary observations, Annals of
 * Statistics 17 (1989). [2] Efron, Tibshirani: An introduction to the bootstrap, 1993, ch. 13.
 *
 * @param auc challenger's minus champion's
 * @param logLoss champion's minus challenger's, so that more is better here too
 * @param blocks how many there are
 */
public record PairedDelta(Bounds auc, Bounds logLoss, int blocks, long blockMillis) {

  static final int DRAWS = 1000;
  static final int BLOCKS_MIN = 10;
  private static final double TAIL = 0.025;
  private static final long DAY_MILLIS = Duration.ofDays(1).toMillis();
  private static final long HOUR_MILLIS = Duration.ofHours(1).toMillis();

  /** A difference and its 95 % bounds. */
  public record Bounds(double value, double low, double high) {}

  /**
   * Compares the scores that two models gave to the same rows.
   *
   * @param timesMillis event times, not falling
   * @param labels 0 or 1, both among them
   */
  public static PairedDelta of(
      long[] timesMillis, double[] labels, double[] challenger, double[] champion, long seed) {
    long blockMillis = DAY_MILLIS;
    int[] blocks = blocks(timesMillis, blockMillis);
    if (blocks[blocks.length - 1] + 1 < BLOCKS_MIN) {
      blockMillis = HOUR_MILLIS;
      blocks = blocks(timesMillis, blockMillis);
    }
    int count = blocks[blocks.length - 1] + 1;
    Ranked first = Ranked.of(challenger, labels, blocks, count);
    Ranked second = Ranked.of(champion, labels, blocks, count);
    int[] once = new int[count];
    Arrays.fill(once, 1);
    double[] aucs = new double[DRAWS];
    double[] losses = new double[DRAWS];
    Random random = new Random(seed);
    int[] weights = new int[count];
    for (int draw = 0; draw < DRAWS; draw++) {
      Arrays.fill(weights, 0);
      for (int i = 0; i < count; i++) {
        weights[random.nextInt(count)]++;
      }
      aucs[draw] = first.auc(weights) - second.auc(weights);
      losses[draw] = second.logLoss(weights) - first.logLoss(weights);
    }
    return new PairedDelta(
        bounds(once, aucs, w -> first.auc(w) - second.auc(w)),
        bounds(once, losses, w -> second.logLoss(w) - first.logLoss(w)),
        count,
        blockMillis);
  }

  private static Bounds bounds(int[] once, double[] draws, ToDoubleFunction<int[]> difference) {
    // A draw without both classes has no AUC; NaN sorts to the end and does not count.
    Arrays.sort(draws);
    int finite = draws.length;
    while (finite > 0 && Double.isNaN(draws[finite - 1])) {
      finite--;
    }
    double value = difference.applyAsDouble(once);
    return finite == 0
        ? new Bounds(value, Double.NEGATIVE_INFINITY, Double.POSITIVE_INFINITY)
        : new Bounds(
            value,
            draws[(int) Math.floor(TAIL * (finite - 1))],
            draws[(int) Math.ceil((1 - TAIL) * (finite - 1))]);
  }

  /** Each row's block, from 0 without gaps. */
  private static int[] blocks(long[] timesMillis, long blockMillis) {
    int[] blocks = new int[timesMillis.length];
    for (int row = 1; row < blocks.length; row++) {
      // A window is (start, end], and so are its blocks.
      boolean same =
          Math.floorDiv(timesMillis[row] - 1, blockMillis)
              == Math.floorDiv(timesMillis[row - 1] - 1, blockMillis);
      blocks[row] = blocks[row - 1] + (same ? 0 : 1);
    }
    return blocks;
  }

  /** One model's rows in the order of its scores, so that each draw is one pass. */
  private record Ranked(
      int[] blocks, boolean[] positive, boolean[] tied, double[] losses, int[] sizes) {

    static Ranked of(double[] scores, double[] labels, int[] blocks, int count) {
      int[] order = IndexSort.order(scores.length, (a, b) -> Double.compare(scores[a], scores[b]));
      int[] rankedBlocks = new int[order.length];
      boolean[] positive = new boolean[order.length];
      boolean[] tied = new boolean[order.length];
      double[] losses = new double[count];
      int[] sizes = new int[count];
      for (int i = 0; i < order.length; i++) {
        int row = order[i];
        rankedBlocks[i] = blocks[row];
        positive[i] = labels[row] == 1;
        tied[i] = i > 0 && scores[row] == scores[order[i - 1]];
        losses[blocks[row]] += Metrics.logLoss(scores[row], labels[row]);
        sizes[blocks[row]]++;
      }
      return new Ranked(rankedBlocks, positive, tied, losses, sizes);
    }

    double auc(int[] weights) {
      // Pairs that a positive wins, counted twice; a tie counts once.
      long halves = 0;
      long negatives = 0;
      long positives = 0;
      long tiedNegatives = 0;
      long tiedPositives = 0;
      for (int i = 0; i < blocks.length; i++) {
        if (!tied[i]) {
          halves += tiedPositives * (2 * negatives + tiedNegatives);
          negatives += tiedNegatives;
          positives += tiedPositives;
          tiedNegatives = 0;
          tiedPositives = 0;
        }
        if (positive[i]) {
          tiedPositives += weights[blocks[i]];
        } else {
          tiedNegatives += weights[blocks[i]];
        }
      }
      halves += tiedPositives * (2 * negatives + tiedNegatives);
      negatives += tiedNegatives;
      positives += tiedPositives;
      return halves / 2.0 / ((double) positives * negatives);
    }

    double logLoss(int[] weights) {
      double sum = 0;
      long rows = 0;
      for (int block = 0; block < losses.length; block++) {
        sum += weights[block] * losses[block];
        rows += (long) weights[block] * sizes[block];
      }
      return sum / rows;
    }
  }
}
