package dev.millrace.core.drift;

import dev.millrace.core.definition.Model;
import java.util.Arrays;
import java.util.SplittableRandom;

/**
 * Chooses the standardised threshold by the largest value of each day of a reference.
 *
 * <p>What counts is how often anything at all alarms. So the largest standardised value of each day
 * is taken, over all slots and statistics; days are resampled as wholes ([1]), which keeps whatever
 * hangs together within a day; and one standardised threshold is chosen so that the expected number
 * of days with an alarm is the budget. A budget of less than one alarm in the reference needs more
 * than was seen: a Gumbel distribution, fitted to the daily maxima by L-moments ([2], [3]), is
 * extrapolated, and the threshold is never below the largest value of the reference.
 *
 * <p>[1] Künsch: The jackknife and the bootstrap for general stationary observations, Ann. Stat. 17
 * (1989). [2] Gumbel: Statistics of Extremes, 1958. [3] Hosking: L-moments, J. R. Stat. Soc. B 52
 * (1990).
 */
final class DayMaxima {

  private static final long DAY_MILLIS = 24 * 3_600_000L;
  private static final int RESAMPLES = 400;
  private static final double EULER = 0.5772156649015329;

  /** The standardised value that a day exceeds as seldom as the budget says. */
  static double threshold(double[] days, Model.Monitoring monitoring, long seed) {
    double perDay =
        monitoring.falseAlarms()
            * (1 - PageHinkleyLimit.BUDGET_SHARE)
            * DAY_MILLIS
            / monitoring.falseAlarmsPer().toMillis();
    if (perDay * days.length >= 1) {
      double[] sorted = days.clone();
      Arrays.sort(sorted);
      int exceeding = (int) Math.min(sorted.length - 1, Math.floor(perDay * days.length));
      return sorted[sorted.length - 1 - exceeding];
    }
    SplittableRandom random = new SplittableRandom(seed);
    double[] quantiles = new double[RESAMPLES];
    double[] resampled = new double[days.length];
    for (int i = 0; i < RESAMPLES; i++) {
      for (int d = 0; d < resampled.length; d++) {
        resampled[d] = days[random.nextInt(days.length)];
      }
      quantiles[i] = gumbelQuantile(resampled, perDay);
    }
    Arrays.sort(quantiles);
    return Math.max(quantiles[RESAMPLES / 2], Arrays.stream(days).max().orElseThrow());
  }

  /** What a Gumbel distribution fitted by L-moments exceeds with a probability. */
  private static double gumbelQuantile(double[] values, double exceeded) {
    double[] sorted = values.clone();
    Arrays.sort(sorted);
    int n = sorted.length;
    double mean = 0;
    double weighted = 0;
    for (int i = 0; i < n; i++) {
      mean += sorted[i] / n;
      weighted += n == 1 ? sorted[i] / 2 : sorted[i] * i / (n - 1) / n;
    }
    double scale = (2 * weighted - mean) / Math.log(2);
    double location = mean - EULER * scale;
    return location - scale * Math.log(-Math.log1p(-exceeded));
  }

  private DayMaxima() {}
}
