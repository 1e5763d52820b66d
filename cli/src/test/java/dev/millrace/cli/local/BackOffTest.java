package dev.millrace.cli.local;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class BackOffTest {
  @Test
  void doublesUntilItIsLongEnough() {
    BackOff backOff = new BackOff();
    long[] waits = new long[9];
    for (int i = 0; i < waits.length; i++) {
      waits[i] = backOff.afterDeathMillis(0);
    }
    assertThat(waits)
        .containsExactly(500, 1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000, 30_000);
  }

  @Test
  void beginsAgainAfterAStableLife() {
    BackOff backOff = new BackOff();
    backOff.afterDeathMillis(0);
    backOff.afterDeathMillis(BackOff.STABLE_MILLIS - 1);
    assertThat(backOff.afterDeathMillis(BackOff.STABLE_MILLIS)).isEqualTo(500);
    assertThat(backOff.afterDeathMillis(0)).isEqualTo(1_000);
  }
}
