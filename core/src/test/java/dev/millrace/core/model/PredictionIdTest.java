package dev.millrace.core.model;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class PredictionIdTest {

  /** From {@code printf 'flights\\x1fdelay_risk\\x1f42' | sha256sum | cut -c1-32}. */
  @Test
  void isTheFirstHalfOfTheDigest() {
    assertThat(PredictionId.of("flights", "delay_risk", "42"))
        .isEqualTo("1d6c2fa78af7e3194f9fc0b2d0d45e96");
    assertThat(PredictionId.of("flights", "delay_risk", "uçuş-7"))
        .isEqualTo("0b546ae3e13fbb26c3db76319b0ea4a4");
  }

  @Test
  void differsByProjectModelAndEvent() {
    assertThat(PredictionId.of("a", "b", "c"))
        .isNotEqualTo(PredictionId.of("ab", "", "c"))
        .isNotEqualTo(PredictionId.of("a", "bc", ""))
        .isNotEqualTo(PredictionId.of("a", "b", "d"));
  }

  @Test
  void oneInstanceServesManyEvents() {
    PredictionId ids = new PredictionId("flights", "delay_risk");
    String first = ids.of("1");
    assertThat(ids.of("2")).isNotEqualTo(first);
    assertThat(ids.of("1")).isEqualTo(first);
  }
}
