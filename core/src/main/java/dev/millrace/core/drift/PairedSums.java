package dev.millrace.core.drift;

/**
 * Differences of the clipped log loss of two versions on the same events: the baseline's less the
 * version's, so that more is better. Summed as whole billionths, in any order.
 */
public final class PairedSums {

  private long count;
  private long sum;
  private long squares;

  public PairedSums() {}

  /** Sums as {@link #count}, {@link #sum} and {@link #squares} give them. */
  public PairedSums(long count, long sum, long squares) {
    this.count = count;
    this.sum = sum;
    this.squares = squares;
  }

  public void add(double baselineScore, double versionScore, double label) {
    double difference = Loss.log(baselineScore, label) - Loss.log(versionScore, label);
    count++;
    sum += ScoredSums.fixed(difference);
    squares += ScoredSums.fixed(difference * difference);
  }

  public void add(PairedSums other) {
    count += other.count;
    sum += other.sum;
    squares += other.squares;
  }

  public long count() {
    return count;
  }

  public long sum() {
    return sum;
  }

  public long squares() {
    return squares;
  }

  /** The mean difference; NaN without events. */
  public double mean() {
    return count == 0 ? Double.NaN : ScoredSums.number(sum) / count;
  }

  /** The sample's variance; NaN below two events. */
  public double variance() {
    if (count < 2) {
      return Double.NaN;
    }
    double mean = mean();
    return Math.max(0, (ScoredSums.number(squares) - mean * mean * count) / (count - 1));
  }
}
