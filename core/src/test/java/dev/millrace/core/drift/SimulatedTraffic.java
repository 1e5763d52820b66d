package dev.millrace.core.drift;

import dev.millrace.core.definition.Model;
import java.time.Duration;
import java.util.List;
import java.util.Random;

/**
 * Events with daily and weekly cycles whose mix goes with the hour and wanders from day to day, and
 * a score that is the truth; a change may make a part of the events positive that the score does
 * not see, and move an input.
 */
final class SimulatedTraffic {

  static final long DAY = 24 * 3_600_000L;

  /** A Monday, UTC. */
  static final long START = 1_704_067_200_000L;

  static final List<String> INPUTS = List.of("amount", "channel", "velocity", "age");

  final double[][] columns;
  final double[] scores;
  final double[] labels;
  final long[] times;

  SimulatedTraffic(long seed, int fromDay, int days, int perDay, int changeDay) {
    Random random = new Random(seed);
    int n = days * perDay;
    columns = new double[INPUTS.size()][n];
    scores = new double[n];
    labels = new double[n];
    times = new long[n];
    int row = 0;
    for (int day = fromDay; day < fromDay + days; day++) {
      boolean weekend = Math.floorMod(day, 7) >= 5;
      double mood = 0.03 * new Random(seed * 31 + day).nextGaussian();
      long[] atDay = new long[perDay];
      for (int i = 0; i < perDay; i++) {
        double hour;
        do {
          hour = random.nextDouble() * 24;
        } while (random.nextDouble()
            > 0.35 + 0.65 * Math.max(0, Math.sin((hour - 6) / 24 * 2 * Math.PI)));
        atDay[i] = START + day * DAY + (long) (hour * 3_600_000);
      }
      java.util.Arrays.sort(atDay);
      for (int i = 0; i < perDay; i++, row++) {
        times[row] = atDay[i];
        double hour = (times[row] % DAY) / 3_600_000.0;
        double night = hour < 6 ? 1 : 0;
        boolean changed = day >= changeDay;
        boolean newPattern = changed && random.nextDouble() < 0.01;
        columns[0][row] =
            Math.exp(3 + 0.3 * (weekend ? 1 : 0) + 0.2 * night + mood + random.nextGaussian())
                * (newPattern ? 4 : 1);
        columns[1][row] = random.nextInt(10) < (weekend ? 4 : 6) ? 1 : random.nextInt(4);
        columns[2][row] =
            random.nextDouble() < 0.02
                ? Double.NaN
                : Math.floor(-Math.log(random.nextDouble()) * (3 + night));
        columns[3][row] = random.nextInt(5000);
        double odds =
            -5
                + 0.8 * (Math.log(Math.max(1e-3, columns[0][row])) - 3)
                + 0.7 * night
                + 0.3 * random.nextGaussian();
        scores[row] = 1 / (1 + Math.exp(-odds));
        labels[row] = newPattern || random.nextDouble() < scores[row] ? 1 : 0;
      }
    }
  }

  ReferenceRows reference(int fromDay, int days) {
    return new ReferenceRows(
        INPUTS,
        columns,
        scores,
        labels,
        times,
        START + fromDay * DAY,
        START + (fromDay + days) * DAY);
  }

  static Model.Monitoring hourly(double falseAlarms, int perDays) {
    return new Model.Monitoring(
        Duration.ofHours(1), Duration.ofDays(7), List.of(), falseAlarms, Duration.ofDays(perDays));
  }
}
