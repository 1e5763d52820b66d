package dev.millrace.core.drift;

/**
 * How far two sets of counts over the same bins are apart.
 *
 * <ul>
 *   <li><b>PSI</b>: the sum over bins of (r − c) ln(r / c), r and c being the shares of a bin in
 *       the reference and in the window; the symmetric Kullback-Leibler divergence of Jeffreys
 *       ([1]). Additive over bins.
 *   <li><b>Jensen-Shannon</b>: the distance, that is the square root of the divergence, base 2
 *       ([2], [3]): 0 for equal shares, 1 for disjoint ones.
 * </ul>
 *
 * <p>A bin that is empty on one side makes PSI infinite, so a constant is added to each count of
 * both sides. In the stream it is one half; the worked examples of others are without.
 *
 * <p>[1] Jeffreys: An invariant form for the prior probability in estimation problems, Proc. R.
 * Soc. A 186 (1946). [2] Lin: Divergence measures based on the Shannon entropy, IEEE Trans. Inf.
 * Theory 37 (1991). [3] Endres, Schindelin: A new metric for probability distributions, IEEE Trans.
 * Inf. Theory 49 (2003).
 */
public final class Divergence {

  /** What the stream adds to each count. */
  public static final double SMOOTHING = 0.5;

  private static final double LN_2 = Math.log(2);

  public static double psi(long[] reference, long[] window, double smoothing) {
    double sum = 0;
    for (double bin : psiByBin(reference, window, smoothing)) {
      sum += bin;
    }
    return sum;
  }

  /** The summands of {@link #psi}. */
  public static double[] psiByBin(long[] reference, long[] window, double smoothing) {
    double referenceTotal = total(reference, smoothing);
    double windowTotal = total(window, smoothing);
    double[] bins = new double[reference.length];
    for (int i = 0; i < bins.length; i++) {
      double r = (reference[i] + smoothing) / referenceTotal;
      double c = (window[i] + smoothing) / windowTotal;
      bins[i] = r == c ? 0 : (r - c) * Math.log(r / c);
    }
    return bins;
  }

  public static double jensenShannon(long[] reference, long[] window, double smoothing) {
    double sum = 0;
    for (double bin : jensenShannonByBin(reference, window, smoothing)) {
      sum += bin;
    }
    return Math.sqrt(Math.max(0, sum));
  }

  /** What each bin adds to the divergence; the distance is the root of their sum. */
  public static double[] jensenShannonByBin(long[] reference, long[] window, double smoothing) {
    double referenceTotal = total(reference, smoothing);
    double windowTotal = total(window, smoothing);
    double[] bins = new double[reference.length];
    for (int i = 0; i < bins.length; i++) {
      double r = (reference[i] + smoothing) / referenceTotal;
      double c = (window[i] + smoothing) / windowTotal;
      double middle = (r + c) / 2;
      bins[i] = (half(r, middle) + half(c, middle)) / 2 / LN_2;
    }
    return bins;
  }

  private static double half(double share, double middle) {
    return share == 0 ? 0 : share * Math.log(share / middle);
  }

  private static double total(long[] counts, double smoothing) {
    double total = smoothing * counts.length;
    for (long count : counts) {
      total += count;
    }
    return total;
  }

  private Divergence() {}
}
