package dev.millrace.core.drift;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.Arrays;
import java.util.Random;
import org.assertj.core.data.Offset;
import org.junit.jupiter.api.Test;

/** Worked examples of others, without smoothing: they have no empty bins, or say how they fill. */
class DivergenceTest {

  private static final Offset<Double> EXACT = within(1e-9);

  /** Reference and current counts of Evidently's tests. */
  private static final long[] REFERENCE = {16, 18, 16, 14, 12, 12};

  private static final long[] CURRENT = {16, 16, 16, 16, 16, 8};

  @Test
  void evidentlysCountsByScipy() {
    assertThat(Divergence.psi(REFERENCE, CURRENT, 0)).isCloseTo(0.0372183816, within(1e-9));
    assertThat(Divergence.jensenShannon(REFERENCE, CURRENT, 0))
        .as("base 2")
        .isCloseTo(0.0817342133, within(1e-9));
    assertThat(Divergence.jensenShannon(REFERENCE, CURRENT, 0) * Math.sqrt(Math.log(2)))
        .as("natural")
        .isCloseTo(0.0680481962, within(1e-9));
  }

  @Test
  void evidentlysZeroFilledShares() {
    // Shares 0, 2/3, 1/3 with the zero taken as 1e-4, not normalised again, against thirds.
    double third = 1.0 / 3;
    double expected = (1e-4 - third) * Math.log(1e-4 / third) + third * Math.log(2);
    assertThat(expected).isCloseTo(2.9341472, within(1e-6));
    long[] reference = {3, 20_000, 10_000};
    long[] current = {10_001, 10_001, 10_001};
    assertThat(Divergence.psi(reference, current, 0)).isCloseTo(2.9341472, within(1e-2));
  }

  @Test
  void psiInClosedForm() {
    assertThat(Divergence.psi(new long[] {2, 2, 2, 2, 2}, new long[] {1, 2, 3, 2, 2}, 0))
        .isCloseTo(0.1 * Math.log(2) + 0.1 * Math.log(1.5), EXACT)
        .isCloseTo(0.1098612, within(1e-6));
    assertThat(Divergence.psi(new long[] {1, 1, 1, 1}, new long[] {4, 3, 2, 1}, 0))
        .isCloseTo(0.2282174, within(1e-6));
    assertThat(Divergence.psi(new long[] {5, 5}, new long[] {9, 1}, 0))
        .isCloseTo(0.8788898, within(1e-6));
  }

  @Test
  void jensenShannonByScipysManual() {
    assertThat(Divergence.jensenShannon(new long[] {1, 0}, new long[] {1, 1}, 0))
        .isCloseTo(0.5579230452, EXACT)
        .isCloseTo(0.46450140402245893 / Math.sqrt(Math.log(2)), EXACT);
    assertThat(Divergence.jensenShannon(new long[] {1, 0, 0}, new long[] {0, 1, 0}, 0))
        .isCloseTo(1.0, EXACT);
  }

  @Test
  void ofThreeThingsCalledJensenShannonItIsTheDistanceInBase2() {
    long[] uniform = {25, 25, 25, 25};
    assertThat(Divergence.jensenShannon(uniform, new long[] {33, 27, 23, 17}, 0))
        .isCloseTo(0.1005009, within(1e-6));
    assertThat(Divergence.jensenShannon(uniform, new long[] {40, 30, 20, 10}, 0))
        .isCloseTo(0.2005033, within(1e-6));
  }

  @Test
  void smoothingKeepsAnEmptyBinFinite() {
    assertThat(Divergence.psi(new long[] {4, 0}, new long[] {0, 4}, 0.5))
        .isCloseTo(2 * 0.8 * Math.log(9), EXACT);
    assertThat(Divergence.jensenShannon(new long[] {0, 0}, new long[] {0, 0}, 0.5)).isZero();
  }

  @Test
  void whatTheBinsAddSumsUp() {
    Random random = new Random(3);
    for (int round = 0; round < 200; round++) {
      long[] reference = random.longs(13, 0, 50).toArray();
      long[] window = random.longs(13, 0, 9).toArray();
      assertThat(Divergence.psi(reference, window, 0.5))
          .isCloseTo(
              Arrays.stream(Divergence.psiByBin(reference, window, 0.5)).sum(), within(1e-12))
          .isCloseTo(naivePsi(reference, window), EXACT);
      assertThat(Divergence.jensenShannon(reference, window, 0.5))
          .isCloseTo(naiveJensenShannon(reference, window), EXACT)
          .isBetween(0.0, 1.0);
    }
  }

  private static double naivePsi(long[] reference, long[] window) {
    double sum = 0;
    for (int i = 0; i < reference.length; i++) {
      double r = (reference[i] + 0.5) / (Arrays.stream(reference).sum() + 6.5);
      double c = (window[i] + 0.5) / (Arrays.stream(window).sum() + 6.5);
      sum += r * Math.log(r / c) + c * Math.log(c / r);
    }
    return sum;
  }

  /** As entropy of the mixture less the mean entropy. */
  private static double naiveJensenShannon(long[] reference, long[] window) {
    double sum = 0;
    for (int i = 0; i < reference.length; i++) {
      double r = (reference[i] + 0.5) / (Arrays.stream(reference).sum() + 6.5);
      double c = (window[i] + 0.5) / (Arrays.stream(window).sum() + 6.5);
      sum += plogp((r + c) / 2) - plogp(r) / 2 - plogp(c) / 2;
    }
    return Math.sqrt(-sum);
  }

  private static double plogp(double p) {
    return p * Math.log(p) / Math.log(2);
  }
}
