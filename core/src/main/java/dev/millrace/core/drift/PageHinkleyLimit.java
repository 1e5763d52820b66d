package dev.millrace.core.drift;

import dev.millrace.core.definition.Model;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;

/**
 * Chooses the limit of the Page-Hinkley test: a tenth of the budget of false alarms is its own, and
 * the limit comes from periods built of resampled days of the reference.
 */
final class PageHinkleyLimit {

  /** Where the reference does not suffice. */
  static final PageHinkley.Parameters UNKNOWN = new PageHinkley.Parameters(null, 0, 0, null);

  /** Its part of the budget. */
  static final double BUDGET_SHARE = 0.1;

  /**
   * A few weeks of reference hold few of the bursts of losses that make a rise, and a version is a
   * little worse alive than out of its folds: in a month of the fraud example without any change
   * the largest rise was 1.03 times what resampled days promise once in ten months, twice it was
   * beyond 0.94. A real change passes the doubled limit within hours.
   */
  private static final double LIMIT_MARGIN = 2;

  private static final long DAY_MILLIS = 24 * 3_600_000L;
  private static final int PERIODS_MAX = 400;
  private static final int PERIODS_MIN = 40;
  private static final double PERIOD_STEPS_MAX = 2e8;

  /** A rise of the loss by less than this part of it is not looked for: folds flatter a little. */
  private static final double ALLOWED_LOSS_SHARE = 0.5;

  /** How many days of events the reference mean counts for. */
  private static final double WEIGHT_DAYS = 7;

  private final ReferenceRows rows;
  private final int fromRow;
  private final int toRow;
  private final Model.Monitoring monitoring;
  private final long seed;

  /**
   * @param fromRow of the whole windows
   * @param toRow the row after them
   */
  PageHinkleyLimit(
      ReferenceRows rows, int fromRow, int toRow, Model.Monitoring monitoring, long seed) {
    this.rows = rows;
    this.fromRow = fromRow;
    this.toRow = toRow;
    this.monitoring = monitoring;
    this.seed = seed;
  }

  /** The residuals' mean, an allowance and a limit that resampled days seldom reach. */
  PageHinkley.Parameters parameters() {
    double[][] days = residualsByDay();
    double[] daySums = Arrays.stream(days).mapToDouble(day -> Arrays.stream(day).sum()).toArray();
    double sum = Arrays.stream(daySums).sum();
    long count = Arrays.stream(days).mapToLong(day -> day.length).sum();
    if (count == 0 || days.length < 2) {
      return UNKNOWN;
    }
    double mean = sum / count;
    double squares = 0;
    for (double[] day : days) {
      double off = Arrays.stream(day).average().orElse(mean) - mean;
      squares += off * off;
    }
    double delta =
        Math.max(Math.sqrt(squares / (days.length - 1)), meanLogLoss() * ALLOWED_LOSS_SHARE);
    double weight = (double) count / days.length * WEIGHT_DAYS;
    double limit = largestRise(new PageHinkley(mean, weight, delta), Arrays.asList(days));
    double share = Math.min(0.5, BUDGET_SHARE * monitoring.falseAlarms());
    int daysOfPeriod =
        (int) Math.max(1, -Math.floorDiv(-monitoring.falseAlarmsPer().toMillis(), DAY_MILLIS));
    double steps = (double) daysOfPeriod * count / days.length;
    int periods = (int) Math.min(PERIODS_MAX, Math.max(PERIODS_MIN, PERIOD_STEPS_MAX / steps));
    SplittableRandom random = new SplittableRandom(seed);
    double[] rises = new double[periods];
    for (int i = 0; i < periods; i++) {
      // The reference mean is itself one of many that might have been.
      double meanDrawn = 0;
      long drawn = 0;
      for (int d = 0; d < days.length; d++) {
        int day = random.nextInt(days.length);
        meanDrawn += daySums[day];
        drawn += days[day].length;
      }
      List<double[]> period = new ArrayList<>();
      for (int d = 0; d < daysOfPeriod; d++) {
        period.add(days[random.nextInt(days.length)]);
      }
      rises[i] = largestRise(new PageHinkley(meanDrawn / drawn, weight, delta), period);
    }
    Arrays.sort(rises);
    double quantile = rises[(int) Math.min(periods - 1, Math.floor(periods * (1 - share)))];
    double lambda = LIMIT_MARGIN * Math.max(limit, quantile);
    return new PageHinkley.Parameters(mean, weight, delta, lambda);
  }

  private double meanLogLoss() {
    double sum = 0;
    long count = 0;
    for (int row = fromRow; row < toRow; row++) {
      if (!Double.isNaN(rows.labels()[row])) {
        sum += Loss.log(rows.scores()[row], rows.labels()[row]);
        count++;
      }
    }
    return count == 0 ? 0 : sum / count;
  }

  private double[][] residualsByDay() {
    List<double[]> days = new ArrayList<>();
    int row = fromRow;
    while (row < toRow) {
      long day = Math.floorDiv(rows.eventTimesMillis()[row], DAY_MILLIS);
      double[] residuals = new double[toRow - row];
      int n = 0;
      while (row < toRow && Math.floorDiv(rows.eventTimesMillis()[row], DAY_MILLIS) == day) {
        if (!Double.isNaN(rows.labels()[row])) {
          residuals[n++] = Loss.residual(rows.scores()[row], rows.labels()[row]);
        }
        row++;
      }
      if (n > 0) {
        days.add(Arrays.copyOf(residuals, n));
      }
    }
    return days.toArray(double[][]::new);
  }

  private static double largestRise(PageHinkley test, List<double[]> days) {
    double largest = 0;
    for (double[] day : days) {
      for (double residual : day) {
        largest = Math.max(largest, test.add(residual, 0));
      }
    }
    return largest;
  }
}
