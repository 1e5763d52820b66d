package dev.millrace.core.drift;

import org.jspecify.annotations.Nullable;

/**
 * Page's test for a rise of the mean ([1], [2]): it sums how much each value exceeds the mean by
 * more than an allowance, and alarms where the sum has risen by more than a limit from its lowest
 * point. Clamping the sum at 0 is the same as tracking the lowest point.
 *
 * <p>The mean is that of the values so far, and where there is a reference it begins as the
 * reference's and counts for as many values as the test is told: a version that is a little worse
 * alive than out of its folds does not alarm for ever, and one that is much worse does. Constant
 * memory, one addition a value. The expected number of values to a false alarm grows exponentially
 * in {@code delta * lambda / variance}, which is why lambda is found by resampling.
 *
 * <p>[1] Page: Continuous inspection schemes, Biometrika 41 (1954). [2] Hinkley: Inference about
 * the change-point from cumulative sum tests, Biometrika 58 (1971).
 */
public final class PageHinkley {

  /**
   * What the test is run with.
   *
   * @param mean of the reference; null where there is not enough of it
   * @param weight how many values the reference mean counts for
   * @param delta allowance for each value
   * @param lambda the sum beyond which there is an alarm; null where there is not enough reference
   */
  public record Parameters(
      @Nullable Double mean, double weight, double delta, @Nullable Double lambda) {}

  private final double referenceMean;
  private final double weight;
  private final double delta;
  private final double fading;
  private final boolean clamped;

  private long count;
  private double mean;
  private double sum;
  private long sinceMillis;

  /**
   * The clamped test.
   *
   * @param weight how many values the reference mean counts for
   */
  public PageHinkley(double referenceMean, double weight, double delta) {
    this(referenceMean, weight, delta, 1, true);
  }

  /**
   * A variant of the test.
   *
   * @param fading what is left of the sum at each value; 1 keeps all
   * @param clamped whether the sum stays at 0 instead of falling below
   */
  PageHinkley(double referenceMean, double weight, double delta, double fading, boolean clamped) {
    this.referenceMean = referenceMean;
    this.weight = weight;
    this.mean = referenceMean;
    this.delta = delta;
    this.fading = fading;
    this.clamped = clamped;
  }

  /** Goes on where {@link #state} was taken. */
  public void restore(State state) {
    count = state.count;
    mean = state.count == 0 ? referenceMean : state.mean;
    sum = state.sum;
    sinceMillis = state.sinceMillis;
  }

  /** What the test remembers. */
  public State state() {
    return new State(count, mean, sum, sinceMillis);
  }

  /**
   * What the test remembers.
   *
   * @param sinceMillis time of the first value of the present rise
   */
  public record State(long count, double mean, double sum, long sinceMillis) {
    public static final State START = new State(0, 0, 0, 0);
  }

  /** Takes one value and gives the statistic. */
  public double add(double value, long timeMillis) {
    count++;
    mean += (value - mean) / (weight + count);
    if (sum <= 0) {
      sinceMillis = timeMillis;
    }
    sum = fading * sum + (value - mean - delta);
    if (clamped && sum < 0) {
      sum = 0;
    }
    return sum;
  }

  public long count() {
    return count;
  }

  public double statistic() {
    return sum;
  }

  /** When the present rise began. */
  public long sinceMillis() {
    return sinceMillis;
  }
}
