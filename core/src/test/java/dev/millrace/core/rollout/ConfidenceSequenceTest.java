package dev.millrace.core.rollout;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ConfidenceSequenceTest {

  @ParameterizedTest
  @CsvSource({
    "100, 0.66943886",
    "1000, 0.10637547",
    "5000, 0.04292434",
    "10000, 0.03061477",
    "100000, 0.01055207"
  })
  void halfWidthsAreThePublishedOnes(int n, double halfWidth) {
    assertThat(ConfidenceSequence.halfWidth(n, 0.05, 5000)).isCloseTo(halfWidth, within(1e-8));
  }

  @ParameterizedTest
  @CsvSource({"5000, 0.0398400668", "1000, 0.0890850975"})
  void theScaleIsGrowthBooks(double tau, double rho) {
    assertThat(ConfidenceSequence.rho(0.05, tau)).isCloseTo(rho, within(1e-10));
  }

  @Test
  void theWidthGrowsWithTheDeviation() {
    ConfidenceSequence sequence = ConfidenceSequence.of(List.of(1.0, 2.0, 3.0, 4.0), 0.05, 12);
    double half = Math.sqrt(5.0 / 3) * ConfidenceSequence.halfWidth(4, 0.05, 12);
    assertThat(sequence.mean()).isCloseTo(2.5, within(1e-12));
    assertThat(sequence.low()).isCloseTo(2.5 - half, within(1e-12));
    assertThat(sequence.high()).isCloseTo(2.5 + half, within(1e-12));
  }

  @Test
  void oneObservationHasNoInterval() {
    ConfidenceSequence sequence = ConfidenceSequence.of(List.of(1.0), 0.05, 12);
    assertThat(sequence).isEqualTo(new ConfidenceSequence(1, 1.0, null, null));
    assertThat(ConfidenceSequence.of(List.of(), 0.05, 12).mean()).isNull();
  }

  @Test
  void looksAfterEveryBlockMissTheMeanSeldom() {
    SplittableRandom random = new SplittableRandom(11);
    int missed = 0;
    int runs = 4000;
    for (int run = 0; run < runs; run++) {
      List<Double> blocks = new ArrayList<>();
      boolean miss = false;
      for (int block = 0; block < 60 && !miss; block++) {
        blocks.add(random.nextGaussian());
        ConfidenceSequence sequence = ConfidenceSequence.of(blocks, 0.05, 12);
        miss =
            blocks.size() >= RolloutControl.BLOCKS_MIN
                && sequence.low() != null
                && sequence.high() != null
                && (sequence.low() > 0 || sequence.high() < 0);
      }
      missed += miss ? 1 : 0;
    }
    assertThat(missed / (double) runs).isLessThanOrEqualTo(0.05);
  }
}
