package dev.millrace.scoring.explain;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;

/**
 * Contributions of any model, by trying it out: in a random order of the inputs, one after another
 * is turned from the value of a random row of the background to the row's, and what the score gains
 * by it is the input's. Each order is also taken backwards, which cancels much of the chance [1].
 * The gains of one order add up to the whole difference, so the means do too.
 *
 * <p>The error that is told is half of a 95 % interval: 1.96 standard errors over the pairs of
 * orders.
 *
 * <p>[1] Mitchell et al., Sampling permutations for Shapley value estimation, JMLR 23 (2022).
 */
final class SampledOrders {

  static final int PAIRS = 256;
  private static final double TWO_SIDED_95 = 1.96;

  private SampledOrders() {}

  static Contributions of(RowScores model, double[] row, double[][] background, long seed) {
    Random random = new Random(seed);
    int inputs = row.length;
    double[] sums = new double[inputs];
    double[] squares = new double[inputs];
    double base = 0;
    double value = model.score(new double[][] {row})[0];
    for (int pair = 0; pair < PAIRS; pair++) {
      int[] order = shuffled(inputs, random);
      double[] other = background[random.nextInt(background.length)];
      double[][] steps = new double[2 * inputs][];
      path(row, other, order, false, steps, 0);
      path(row, other, order, true, steps, inputs);
      double[] scores = model.score(steps);
      double[] gains = new double[inputs];
      gains(scores, 0, order, false, value, gains);
      gains(scores, inputs, order, true, value, gains);
      base += scores[0];
      for (int i = 0; i < inputs; i++) {
        double gain = gains[i] / 2;
        sums[i] += gain;
        squares[i] += gain * gain;
      }
    }
    List<Double> values = new ArrayList<>(inputs);
    List<Double> errors = new ArrayList<>(inputs);
    for (int i = 0; i < inputs; i++) {
      double mean = sums[i] / PAIRS;
      double variance = Math.max(0, (squares[i] - PAIRS * mean * mean) / (PAIRS - 1));
      values.add(mean);
      errors.add(TWO_SIDED_95 * Math.sqrt(variance / PAIRS));
    }
    return new Contributions(
        Contributions.Method.SAMPLED,
        Contributions.Unit.SCORE,
        base / PAIRS,
        value,
        values,
        errors,
        background.length);
  }

  /** The rows from the background's on, before each input is turned; the last one is known. */
  private static void path(
      double[] row, double[] other, int[] order, boolean backwards, double[][] steps, int from) {
    double[] at = other.clone();
    for (int i = 0; i < order.length; i++) {
      steps[from + i] = at.clone();
      int input = order[backwards ? order.length - 1 - i : i];
      at[input] = row[input];
    }
  }

  private static void gains(
      double[] scores, int from, int[] order, boolean backwards, double value, double[] gains) {
    for (int i = 0; i < order.length; i++) {
      double after = i + 1 < order.length ? scores[from + i + 1] : value;
      gains[order[backwards ? order.length - 1 - i : i]] += after - scores[from + i];
    }
  }

  private static int[] shuffled(int size, Random random) {
    int[] order = new int[size];
    for (int i = 0; i < size; i++) {
      int at = random.nextInt(i + 1);
      order[i] = order[at];
      order[at] = i;
    }
    return order;
  }
}
