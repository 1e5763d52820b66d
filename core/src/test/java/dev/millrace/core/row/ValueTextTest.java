package dev.millrace.core.row;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ValueTextTest {

  @ParameterizedTest
  @CsvSource({
    "42, 42",
    "3.5, 3.5",
    "-0.0, -0",
    "0, 0",
    "1e10, 10000000000",
    "12345678.5, 12345678.5",
    "2.0E-3, 0.002",
    "2.2250738585072014E-308, 2.2250738585072014E-308",
    "1e300, 1E300",
    "0.1, 0.1",
    "1e-7, 0.0000001",
    "2e20, 200000000000000000000",
    "2e-44, 2E-44",
  })
  void isTheShortestDecimalWithoutATrailingZero(double value, String text) {
    assertThat(ValueText.of(value)).isEqualTo(text);
  }

  @Test
  void parsesBackToTheSameBits() {
    Random random = new Random(5);
    for (int i = 0; i < 200_000; i++) {
      double value = Double.longBitsToDouble(random.nextLong());
      if (Double.isFinite(value)) {
        assertThat(Double.parseDouble(ValueText.of(value))).isEqualTo(value);
      }
    }
  }

  @Test
  void isShorterThanTheJdksTextWhereThatIsNotTheShortest() {
    assertThat(ValueText.of(2.0E-3)).isEqualTo("0.002");
    assertThat(ValueText.of(2.2E-322)).hasSizeLessThanOrEqualTo("2.2E-322".length());
  }

  @Test
  void writesOtherTypesAsTheyRead() {
    assertThat(ValueText.of((Object) 42L)).isEqualTo("42");
    assertThat(ValueText.of((Object) true)).isEqualTo("true");
    assertThat(ValueText.of("JFK")).isEqualTo("JFK");
  }
}
