package dev.millrace.core.feature;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

class ExactSumTest {

  @Test
  void isTheExactSumRoundedOnce() throws IOException {
    Random random = new Random(1);
    for (int round = 0; round < 600; round++) {
      ExactSum sum = new ExactSum();
      BigDecimal exact = BigDecimal.ZERO;
      int count = 1 + random.nextInt(40);
      for (int i = 0; i < count; i++) {
        double value = value(random, round % 6);
        boolean out = random.nextInt(3) == 0;
        sum.add(value, 0, out);
        exact = exact.add(new BigDecimal(out ? -value : value));
        if (random.nextInt(8) == 0) {
          sum = again(sum);
        }
      }
      assertThat(sum.value()).as("%s", exact).isEqualTo(exact.doubleValue() + 0.0);
      assertThat(decimal(sum.exact())).isEqualByComparingTo(exact);
    }
  }

  @Test
  void noOrderAndNoGroupingChangesABit() throws IOException {
    Random random = new Random(2);
    for (int round = 0; round < 100; round++) {
      List<Double> values = new ArrayList<>();
      for (int i = 0; i < 60; i++) {
        values.add(value(random, round % 6));
      }
      byte[] first = bytes(sumOf(values));
      for (int order = 0; order < 5; order++) {
        Collections.shuffle(values, random);
        ExactSum merged = new ExactSum();
        for (int from = 0; from < values.size(); ) {
          int to = Math.min(values.size(), from + 1 + random.nextInt(20));
          merged.merge(sumOf(values.subList(from, to)));
          from = to;
        }
        // What comes and goes leaves nothing behind.
        double visitor = value(random, 1);
        merged.add(visitor);
        merged.subtract(visitor);
        assertThat(bytes(merged)).isEqualTo(first);
      }
    }
  }

  @Test
  void valuesOfLikeSizeTakeFewBytes() throws IOException {
    ExactSum sum = new ExactSum();
    for (int i = 0; i < 1000; i++) {
      sum.add(19.99 + i);
    }
    assertThat(bytes(sum)).hasSizeLessThanOrEqualTo(16);
    assertThat(bytes(new ExactSum())).hasSize(1);
  }

  @Test
  void halvesRoundToEven() {
    double one = 1;
    double half = Math.ulp(one) / 2;
    assertThat(sumOf(List.of(one, half)).value()).isEqualTo(one);
    assertThat(sumOf(List.of(one, half, Double.MIN_VALUE)).value()).isEqualTo(Math.nextUp(one));
    assertThat(sumOf(List.of(Math.nextUp(one), half)).value())
        .isEqualTo(Math.nextUp(Math.nextUp(one)));
    assertThat(sumOf(List.of(-one, -half, -Double.MIN_VALUE)).value()).isEqualTo(-Math.nextUp(one));
  }

  @Test
  void theEndsOfTheRangeHold() {
    double most = Double.MAX_VALUE;
    assertThat(sumOf(List.of(most, most, -most)).value()).isEqualTo(most);
    assertThat(sumOf(List.of(most, most)).value()).isInfinite();
    assertThat(sumOf(List.of(most, Math.ulp(most) / 4)).value()).isEqualTo(most);
    assertThat(sumOf(List.of(Double.MIN_VALUE, Double.MIN_VALUE)).value())
        .isEqualTo(2 * Double.MIN_VALUE);
    assertThat(sumOf(List.of(-0.0)).value()).isEqualTo(0.0);
    assertThat(sumOf(List.of(1e300, 1.0, -1e300)).value()).isEqualTo(1.0);
  }

  @Test
  void carriesArePassedOnBeforeADigitOverflows() {
    ExactSum sum = new ExactSum();
    sum.add(0x1.fffffffffffffp31);
    ExactSum doubled = sum;
    for (int i = 0; i < 64; i++) {
      ExactSum twice = doubled.copy();
      twice.merge(doubled);
      doubled = twice;
    }
    assertThat(doubled.value()).isEqualTo(0x1.fffffffffffffp95);
    for (int i = 0; i < 63; i++) {
      ExactSum twice = doubled.copy();
      twice.merge(doubled);
      doubled = twice;
    }
    assertThat(doubled.value()).isEqualTo(0x1.fffffffffffffp158);
  }

  private static ExactSum sumOf(List<Double> values) {
    ExactSum sum = new ExactSum();
    values.forEach(sum::add);
    return sum;
  }

  private static double value(Random random, int kind) {
    return switch (kind) {
      case 0 -> Math.rint(random.nextGaussian() * 1e4) / 100;
      case 1 -> {
        double any = Double.longBitsToDouble(random.nextLong());
        yield Double.isFinite(any) && Math.abs(any) < 1e306 ? any : 1e-310;
      }
      case 2 -> random.nextInt(5) * Double.MIN_VALUE;
      case 3 -> (random.nextBoolean() ? 1 : -1) * 1e16 + random.nextInt(3);
      case 4 -> random.nextInt(2000) - 1000;
      default -> random.nextBoolean() ? -0.0 : random.nextGaussian() * 1e-300;
    };
  }

  private static BigDecimal decimal(Dyadic number) {
    BigDecimal units = new BigDecimal(number.units());
    BigDecimal two = new BigDecimal(BigInteger.TWO);
    return number.exponent() >= 0
        ? units.multiply(two.pow(number.exponent()))
        : units.divide(two.pow(-number.exponent()));
  }

  private static byte[] bytes(ExactSum sum) throws IOException {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    sum.write(new DataOutputStream(bytes));
    return bytes.toByteArray();
  }

  private static ExactSum again(ExactSum sum) throws IOException {
    byte[] bytes = bytes(sum);
    ExactSum read = ExactSum.read(new DataInputStream(new ByteArrayInputStream(bytes)));
    assertThat(bytes(read)).isEqualTo(bytes);
    return read;
  }
}
