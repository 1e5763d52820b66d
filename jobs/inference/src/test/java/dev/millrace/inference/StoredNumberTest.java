package dev.millrace.inference;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class StoredNumberTest {

  @Test
  void isTheJdksToTheBit() {
    Random random = new Random(20261122);
    for (int i = 0; i < 300_000; i++) {
      double any = ByteBuffer.allocate(Long.BYTES).putLong(0, random.nextLong()).getDouble(0);
      assertSame(Double.toString(any));
      assertSame(Double.toString(random.nextGaussian() * 1000));
      assertSame(Double.toString(random.nextInt(1_000_000) / 100.0));
      assertSame(String.valueOf(random.nextLong()));
      // More digits than a double has, and just beside the middle of two doubles.
      assertSame(
          random.nextLong(1L << 53) + "." + random.nextLong(1L << 60) + "e" + (i % 600 - 300));
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "0", "-0.0", "1e400", "-1e400", "1e-400", "4.9E-324", "2.2250738585072014E-308", "NaN",
        "Infinity", "-Infinity", "9007199254740993", "0x1.8p3", " 7 ", "7d", ".5", "5."
      })
  void takesWhatTheJdkTakes(String text) {
    assertSame(text);
  }

  @Test
  void takesTruthsAsNumbers() {
    assertThat(StoredNumber.of(bytes("true"))).isEqualTo(1);
    assertThat(StoredNumber.of(bytes("false"))).isZero();
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "[1.0,2.0]", "{}", "True", "1,5", "١", "1e"})
  void refusesWhatTheJdkRefuses(String text) {
    assertThatThrownBy(() -> Double.parseDouble(text)).isInstanceOf(NumberFormatException.class);
    assertThatThrownBy(() -> StoredNumber.of(bytes(text)))
        .isInstanceOf(NumberFormatException.class);
  }

  private static void assertSame(String text) {
    long expected = Double.doubleToRawLongBits(Double.parseDouble(text));
    if (Double.doubleToRawLongBits(StoredNumber.of(bytes(text))) != expected) {
      assertThat(StoredNumber.of(bytes(text))).as(text).isEqualTo(Double.parseDouble(text));
      throw new AssertionError(text + " has other bits");
    }
  }

  private static byte[] bytes(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }
}
