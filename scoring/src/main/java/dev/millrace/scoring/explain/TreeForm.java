package dev.millrace.scoring.explain;

import java.util.ArrayList;
import java.util.List;

/**
 * A sum of trees.
 *
 * <p><b>Contributions</b> are interventional Shapley values [1]: of the game in which the inputs of
 * a set are the row's and all others those of a row of the background. For one tree and one row of
 * the background that game is a sum over leaves: with A the inputs on the way to a leaf that have
 * to be the row's, and B those that have to be the background's, a leaf of weight w counts for sets
 * that hold all of A and none of B. Of such a game the Shapley value of each input of A is
 * w·(a−1)!·b!/(a+b)!, and of each of B −w·a!·(b−1)!/(a+b)!. So one walk that follows both rows, and
 * forks where they part, gives all of them: exact but for rounding, and no more work than the
 * leaves that can be reached.
 *
 * <p>[1] Lundberg et al., From local explanations to global understanding with explainable AI for
 * trees, Nature Machine Intelligence 2 (2020), section "Interventional feature perturbation".
 *
 * @param roots node of each tree
 * @param features by node; a leaf has {@link #LEAF}
 * @param thresholds by node
 * @param modes by node: how a value is compared
 * @param yes by node: where to go if the comparison holds
 * @param no by node: where to go otherwise
 * @param missingYes by node: whether a missing value goes to {@code yes}
 * @param weights by node; only leaves have one
 */
record TreeForm(
    int[] roots,
    int[] features,
    float[] thresholds,
    Mode[] modes,
    int[] yes,
    int[] no,
    boolean[] missingYes,
    double[] weights,
    double base,
    Contributions.Unit unit)
    implements ModelForm {

  static final int LEAF = -1;

  /** How a node compares a value with its threshold. */
  enum Mode {
    BRANCH_LT,
    BRANCH_LEQ,
    BRANCH_GT,
    BRANCH_GTE,
    BRANCH_EQ,
    BRANCH_NEQ,
    LEAF;

    boolean holds(float value, float threshold) {
      return switch (this) {
        case BRANCH_LT -> value < threshold;
        case BRANCH_LEQ -> value <= threshold;
        case BRANCH_GT -> value > threshold;
        case BRANCH_GTE -> value >= threshold;
        case BRANCH_EQ -> value == threshold;
        case BRANCH_NEQ -> value != threshold;
        case LEAF -> throw new IllegalStateException("Cannot branch at a leaf");
      };
    }
  }

  @Override
  public double margin(double[] row) {
    double sum = base;
    for (int root : roots) {
      int node = root;
      while (features[node] != LEAF) {
        node = next(node, row);
      }
      sum += weights[node];
    }
    return sum;
  }

  private int next(int node, double[] row) {
    float value = (float) row[features[node]];
    boolean holds =
        Float.isNaN(value) ? missingYes[node] : modes[node].holds(value, thresholds[node]);
    return holds ? yes[node] : no[node];
  }

  @Override
  public Contributions contributions(double[] row, double[][] background) {
    double[] sums = new double[row.length];
    double baseSum = 0;
    for (double[] other : background) {
      baseSum += margin(other);
      Walk walk = new Walk(row, other, sums);
      for (int root : roots) {
        walk.from(root);
      }
    }
    List<Double> values = new ArrayList<>(sums.length);
    for (double sum : sums) {
      values.add(sum / background.length);
    }
    return new Contributions(
        Contributions.Method.TREES,
        unit,
        baseSum / background.length,
        margin(row),
        values,
        null,
        background.length);
  }

  /** One row beside one of the background. */
  private final class Walk {
    private final double[] row;
    private final double[] other;
    private final double[] sums;

    /** Whether an input has to be the row's (1) or the background's (-1) on the way here. */
    private final int[] sides;

    private int ofRow;
    private int ofOther;

    Walk(double[] row, double[] other, double[] sums) {
      this.row = row;
      this.other = other;
      this.sums = sums;
      this.sides = new int[row.length];
    }

    void from(int node) {
      int feature = features[node];
      if (feature == LEAF) {
        leaf(weights[node]);
        return;
      }
      int withRow = next(node, row);
      int withOther = next(node, other);
      if (sides[feature] != 0 || withRow == withOther) {
        from(sides[feature] < 0 ? withOther : withRow);
        return;
      }
      sides[feature] = 1;
      ofRow++;
      from(withRow);
      ofRow--;
      sides[feature] = -1;
      ofOther++;
      from(withOther);
      ofOther--;
      sides[feature] = 0;
    }

    private void leaf(double weight) {
      if (ofRow + ofOther == 0) {
        return;
      }
      double ways = choices(ofRow + ofOther, ofRow);
      for (int feature = 0; feature < sides.length; feature++) {
        if (sides[feature] > 0) {
          sums[feature] += weight / (ofRow * ways);
        } else if (sides[feature] < 0) {
          sums[feature] -= weight / (ofOther * ways);
        }
      }
    }
  }

  /** How many sets of some there are. */
  private static double choices(int all, int some) {
    double ways = 1;
    for (int i = 1; i <= some; i++) {
      ways = ways * (all - some + i) / i;
    }
    return ways;
  }
}
