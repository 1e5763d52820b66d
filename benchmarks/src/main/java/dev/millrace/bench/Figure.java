package dev.millrace.bench;

import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * One figure that an issue asks for, under a name that stays.
 *
 * @param value the median of what was measured
 * @param ceiling what is possible at best on the same machine in the same run; null where nothing
 *     says it
 * @param peer what another way to the same result reaches, or what was predicted; null where there
 *     is none
 * @param ratio what the goal is compared with
 * @param goal the number to reach
 * @param met whether it is reached
 * @param spread the least and the largest of the repeats
 * @param note what was measured, in a few words
 */
public record Figure(
    String name,
    double value,
    String unit,
    @Nullable Double ceiling,
    @Nullable Double peer,
    @Nullable Double ratio,
    double goal,
    boolean met,
    double[] spread,
    String note) {

  /** A figure that must not fall below its goal: a speed beside a slower peer. */
  static Figure atLeast(
      String name,
      Samples value,
      String unit,
      @Nullable Double ceiling,
      @Nullable Double peer,
      double ratio,
      double goal,
      String note) {
    return of(name, value, unit, ceiling, peer, ratio, goal, ratio >= goal, note);
  }

  /** A figure that must not exceed its goal: a cost, a bound. */
  static Figure atMost(
      String name,
      Samples value,
      String unit,
      @Nullable Double ceiling,
      @Nullable Double peer,
      double ratio,
      double goal,
      String note) {
    return of(name, value, unit, ceiling, peer, ratio, goal, ratio <= goal, note);
  }

  static Figure of(
      String name,
      Samples value,
      String unit,
      @Nullable Double ceiling,
      @Nullable Double peer,
      @Nullable Double ratio,
      double goal,
      boolean met,
      String note) {
    return new Figure(
        name,
        rounded(value.median()),
        unit,
        ceiling == null ? null : rounded(ceiling),
        peer == null ? null : rounded(peer),
        ratio == null ? null : rounded(ratio),
        goal,
        met,
        new double[] {rounded(value.least()), rounded(value.largest())},
        note);
  }

  /** Four digits: more would promise what no repeat gives again. */
  static double rounded(double value) {
    return Double.parseDouble(String.format(Locale.ROOT, "%.4g", value));
  }
}
