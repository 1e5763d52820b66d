package dev.millrace.core.drift;

import java.util.List;

/** The statistics of one input in one window, from counts by bin. */
public final class DriftStatistics {

  private static final List<Statistic> OF_NUMBERS =
      List.of(Statistic.PSI, Statistic.JENSEN_SHANNON, Statistic.NULL_RATE);
  private static final List<Statistic> OF_CATEGORIES =
      List.of(
          Statistic.PSI,
          Statistic.JENSEN_SHANNON,
          Statistic.NULL_RATE,
          Statistic.UNSEEN_CATEGORIES);

  /** Which statistics an input has. */
  public static List<Statistic> of(ReferenceProfile.Kind kind) {
    return kind == ReferenceProfile.Kind.NUMERIC ? OF_NUMBERS : OF_CATEGORIES;
  }

  /** The statistic's value of a window that has events. */
  public static double value(Statistic statistic, Bins bins, long[] reference, long[] window) {
    return switch (statistic) {
      case PSI -> Divergence.psi(reference, window, Divergence.SMOOTHING);
      case JENSEN_SHANNON -> Divergence.jensenShannon(reference, window, Divergence.SMOOTHING);
      case NULL_RATE -> rate(window, bins.nullBin());
      case UNSEEN_CATEGORIES -> rate(window, bins.otherBin());
      default ->
          throw new IllegalArgumentException("Cannot compute " + statistic + " from counts by bin");
    };
  }

  /** What each bin adds to the statistic: for a rate the bin itself alone. */
  public static double[] contributions(
      Statistic statistic, Bins bins, long[] reference, long[] window) {
    return switch (statistic) {
      case PSI -> Divergence.psiByBin(reference, window, Divergence.SMOOTHING);
      case JENSEN_SHANNON -> Divergence.jensenShannonByBin(reference, window, Divergence.SMOOTHING);
      default -> {
        double[] contributions = new double[bins.size()];
        int bin = statistic == Statistic.NULL_RATE ? bins.nullBin() : bins.otherBin();
        contributions[bin] = rate(window, bin);
        yield contributions;
      }
    };
  }

  private static double rate(long[] window, int bin) {
    long events = 0;
    for (long count : window) {
      events += count;
    }
    return events == 0 ? 0 : (double) window[bin] / events;
  }

  private DriftStatistics() {}
}
