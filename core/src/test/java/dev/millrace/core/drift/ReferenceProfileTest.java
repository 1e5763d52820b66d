package dev.millrace.core.drift;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class ReferenceProfileTest {

  @Test
  void isReadAsItWasWrittenAndMadeAgainTheSame() throws Exception {
    ReferenceRows rows = new SimulatedTraffic(1, 0, 14, 1_000, 99).reference(0, 14);
    ReferenceProfile profile = ReferenceProfile.of("m", rows, SimulatedTraffic.hourly(1, 30), 7);
    byte[] json = profile.json();
    ReferenceProfile read = ReferenceProfile.parse(json);
    assertThat(read).isEqualTo(profile);
    assertThat(read.json()).isEqualTo(json);
    assertThat(read.sha256()).isEqualTo(ReferenceProfile.sha256(json));
    assertThat(ReferenceProfile.of("m", rows, SimulatedTraffic.hourly(1, 30), 7).json())
        .isEqualTo(json);
  }
}
