package dev.millrace.core.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import org.junit.jupiter.api.Test;

class CanaryAssignmentTest {

  private static final int UNITS = 100_000;

  private final CanaryAssignment assignment = CanaryAssignment.of("fraud_risk", 2);

  @Test
  void sharesAreWhatTheySay() {
    for (double share : new double[] {0, 0.05, 0.2, 0.5, 1}) {
      long served = count(share);
      double sigma = Math.sqrt(UNITS * share * (1 - share));
      assertThat((double) served).isCloseTo(UNITS * share, within(4 * sigma + 1e-9));
    }
  }

  @Test
  void aGrowingShareOnlyAddsUnits() {
    for (int unit = 0; unit < UNITS; unit++) {
      boolean small = assignment.serves("card" + unit, 0.2);
      boolean large = assignment.serves("card" + unit, 0.5);
      assertThat(small && !large).isFalse();
    }
  }

  @Test
  void anotherVersionsCanaryHasOtherUnits() {
    CanaryAssignment next = CanaryAssignment.of("fraud_risk", 3);
    int both = 0;
    for (int unit = 0; unit < UNITS; unit++) {
      both += assignment.serves("u" + unit, 0.2) && next.serves("u" + unit, 0.2) ? 1 : 0;
    }
    assertThat((double) both).isCloseTo(UNITS * 0.04, within(4 * Math.sqrt(UNITS * 0.04 * 0.96)));
  }

  private long count(double share) {
    long served = 0;
    for (int unit = 0; unit < UNITS; unit++) {
      served += assignment.serves("card" + unit, share) ? 1 : 0;
    }
    return served;
  }
}
