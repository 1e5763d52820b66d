package dev.millrace.cli.events;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;

class PaceTest {
  @Test
  void speedDividesEventTime() {
    assertThat(Pace.bySpeed(60).dueNanos(9, 1_000, 61_000)).isEqualTo(1_000_000_000L);
  }

  @Test
  void rateCountsEvents() {
    assertThat(Pace.byRate(200).dueNanos(100, 0, 99)).isEqualTo(500_000_000L);
  }

  @Test
  void noSpeedIsRefused() {
    assertThatThrownBy(() -> Pace.bySpeed(0))
        .hasMessage("Cannot play with speed 0.0: it must be above 0");
  }
}
