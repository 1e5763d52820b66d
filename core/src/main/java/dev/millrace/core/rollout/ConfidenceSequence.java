package dev.millrace.core.rollout;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * An interval for a mean that may be looked at after each observation: over all looks together it
 * misses the mean with a probability of about {@code alpha}.
 *
 * <p>The asymptotic confidence sequence of Waudby-Smith, Arbour, Sinha, Kennedy and Ramdas,
 * "Time-uniform central limit theory and asymptotic confidence sequences" (2023), equation 9, with
 * the mixture's scale chosen as GrowthBook does, so that the interval is tightest at {@code tau}
 * observations: {@code rho = sqrt((-2 ln alpha + ln(-2 ln alpha + 1)) / tau)}, half-width {@code s
 * sqrt(2 (n rho^2 + 1) ln(sqrt(n rho^2 + 1) / alpha) / (n rho)^2)}.
 *
 * @param count of observations
 * @param mean of them
 * @param low null below two observations, where there is no variance
 */
public record ConfidenceSequence(
    int count, @Nullable Double mean, @Nullable Double low, @Nullable Double high) {

  /** The interval after these observations, of which about {@code tau} are planned. */
  public static ConfidenceSequence of(List<Double> observations, double alpha, double tau) {
    int n = observations.size();
    double mean = 0;
    double squares = 0;
    int seen = 0;
    for (double x : observations) {
      seen++;
      double step = x - mean;
      mean += step / seen;
      squares += step * (x - mean);
    }
    if (n < 2) {
      return new ConfidenceSequence(n, n == 0 ? null : mean, null, null);
    }
    double half = Math.sqrt(squares / (n - 1)) * halfWidth(n, alpha, tau);
    return new ConfidenceSequence(n, mean, mean - half, mean + half);
  }

  /** Half of the interval's width where the observations' variance is 1. */
  static double halfWidth(int n, double alpha, double tau) {
    double rho = rho(alpha, tau);
    double spread = n * rho * rho + 1;
    return Math.sqrt(2 * spread * Math.log(Math.sqrt(spread) / alpha)) / (n * rho);
  }

  static double rho(double alpha, double tau) {
    double twice = -2 * Math.log(alpha);
    return Math.sqrt((twice + Math.log(twice + 1)) / tau);
  }
}
