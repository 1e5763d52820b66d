package dev.millrace.core.feature;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.millrace.core.definition.Feature.Function;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Objects;
import java.util.Random;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

class MomentsTest {

  private static final int DEGREE = 4;

  @Test
  void worksTheExamplesOfScipy() {
    // scipy.stats.skew([2, 8, 0, 4, 1, 9, 9, 0]) and kurtosis([1, 2, 3, 4, 5]), in its manual.
    assertThat(of(2, 8, 0, 4, 1, 9, 9, 0).skew()).isCloseTo(0.2650554122698573, within(1e-15));
    assertThat(of(1, 2, 3, 4, 5).skew()).isZero();
    assertThat(of(1, 2, 3, 4, 5).kurtosis()).isCloseTo(-1.3, within(1e-15));
    // NIST StRD NumAcc4: mean 10000000.2, standard deviation exactly 0.1.
    Moments numAcc4 = of(10000000.2);
    for (int i = 0; i < 500; i++) {
      numAcc4.add(RawEvent.number(0, 0, 0, 10000000.1));
      numAcc4.add(RawEvent.number(0, 0, 0, 10000000.3));
    }
    assertThat(numAcc4.mean()).isCloseTo(10000000.2, within(2e-9));
    assertThat(numAcc4.deviation(false)).isCloseTo(0.1, within(1e-9));
  }

  @Test
  void equalTheDefinitionsInExactDecimals() {
    Random random = new Random(3);
    for (int round = 0; round < 80; round++) {
      List<Double> values = new ArrayList<>();
      Moments moments = new Moments(0, DEGREE);
      int count = 1 + random.nextInt(30);
      for (int i = 0; i < count; i++) {
        double value = value(random, round % 8);
        values.add(value);
        moments.add(RawEvent.number(0, 0, 0, value));
        double visitor = value(random, round % 8);
        moments.add(RawEvent.number(0, 0, 0, visitor));
        moments.remove(RawEvent.number(0, 0, 0, visitor));
      }
      moments = (Moments) Written.again(moments);
      near(moments.sum(), NaiveAggregation.moment(Function.SUM, values));
      near(moments.mean(), NaiveAggregation.moment(Function.MEAN, values));
      near(moments.variance(false), NaiveAggregation.moment(Function.VARIANCE, values));
      near(moments.variance(true), NaiveAggregation.moment(Function.VARIANCE_POP, values));
      near(moments.deviation(false), NaiveAggregation.moment(Function.STDDEV, values));
      near(moments.deviation(true), NaiveAggregation.moment(Function.STDDEV_POP, values));
      near(moments.skew(), NaiveAggregation.moment(Function.SKEW, values));
      near(moments.kurtosis(), NaiveAggregation.moment(Function.KURTOSIS, values));
      near(
          moments.standardScore(values.get(values.size() - 1)),
          NaiveAggregation.moment(Function.ZSCORE, values));
    }
  }

  /** To a relative 1e-13, near zero to 1e-13 of one. */
  private static void near(@Nullable Double value, @Nullable Double expected) {
    if (expected == null || !Double.isFinite(expected)) {
      assertThat(value).isNull();
    } else {
      double scale = Math.abs(expected) > 1e-3 || expected == 0 ? Math.abs(expected) : 1;
      double allowed = Math.max(1e-13 * Math.min(scale, 1e300), Double.MIN_VALUE);
      assertThat(value).isCloseTo(expected, within(allowed));
    }
  }

  @Test
  void areTheSameBytesInAnyOrder() {
    Random random = new Random(4);
    for (int round = 0; round < 32; round++) {
      List<Double> values = new ArrayList<>();
      for (int i = 0; i < 50; i++) {
        values.add(value(random, round % 8));
      }
      byte[] first = Written.bytes(of(values));
      for (int order = 0; order < 4; order++) {
        Collections.shuffle(values, random);
        int cut = random.nextInt(values.size());
        Moments merged = of(values.subList(0, cut));
        merged.merge(of(values.subList(cut, values.size())));
        assertThat(Written.bytes(merged)).isEqualTo(first);
      }
    }
  }

  @Test
  void powersOfAllBitsAreExact() {
    Random random = new Random(5);
    for (int i = 0; i < 40_000; i++) {
      double x = Double.longBitsToDouble((random.nextLong() & ~(0x7ffL << 52)) | (1023L << 52));
      // One value and two zeros: each standardized moment is the same for all x.
      Moments moments = of(x, 0, 0);
      double variance = Objects.requireNonNull(moments.variance(true));
      if (Math.abs(variance - x * x * 2 / 9) > 1e-14 || i % 10 == 0) {
        assertThat(variance).isCloseTo(x * x * 2 / 9, within(1e-14));
        assertThat(moments.skew()).isCloseTo(Math.signum(x) * Math.sqrt(0.5), within(1e-14));
        assertThat(moments.kurtosis()).isCloseTo(-1.5, within(1e-14));
      }
    }
  }

  @Test
  void nothingIsNullAndWhatNoDoubleHoldsIsNull() {
    Moments none = new Moments(0, DEGREE);
    none.add(RawEvent.number(0, 0, 0, Double.NaN));
    assertThat(none.isEmpty()).isTrue();
    assertThat(none.sum()).isNull();
    assertThat(none.mean()).isNull();
    assertThat(none.variance(true)).isNull();
    assertThat(none.skew()).isNull();
    assertThat(none.kurtosis()).isNull();
    Moments one = of(5);
    assertThat(one.variance(true)).isZero();
    assertThat(one.variance(false)).isNull();
    assertThat(one.skew()).isNull();
    Moments huge = of(Double.MAX_VALUE, Double.MAX_VALUE, Double.MAX_VALUE / 2);
    assertThat(huge.sum()).isNull();
    assertThat(huge.mean()).isNotNull();
    assertThat(huge.variance(true)).isNull();
    assertThat(huge.deviation(true)).isNotNull();
    assertThat(huge.skew()).isCloseTo(-Math.sqrt(0.5), within(1e-14));
    Moments tiny = of(Double.MIN_VALUE, 3 * Double.MIN_VALUE, 2 * Double.MIN_VALUE);
    assertThat(tiny.kurtosis()).isCloseTo(-1.5, within(1e-14));
  }

  @Test
  void aRatioIsThatOfTheSums() {
    assertThat(of(1, 2).ratioTo(of(1e300, -1e300, 4))).isEqualTo(0.75);
    assertThat(of(1, 2).ratioTo(of(1, -1))).isNull();
    assertThat(of(1, 2).ratioTo(of())).isNull();
    assertThat(of().ratioTo(of(1))).isNull();
  }

  private static Moments of(double... values) {
    Moments moments = new Moments(0, DEGREE);
    for (double value : values) {
      moments.add(RawEvent.number(0, 0, 0, value));
    }
    return moments;
  }

  private static Moments of(List<Double> values) {
    return of(values.stream().mapToDouble(Objects::requireNonNull).toArray());
  }

  private static double value(Random random, int kind) {
    return switch (kind) {
      case 0 -> Math.rint(random.nextGaussian() * 1e4) / 100;
      case 1 -> 1_750_000_000_000.0 + random.nextInt(1000);
      case 2 -> random.nextGaussian() * 1e70;
      case 3 -> random.nextGaussian() * 1e-70;
      case 4 -> random.nextBoolean() ? 0.0 : -0.0;
      case 5 -> 1e15 + random.nextInt(3);
      case 6 -> random.nextInt(7) - 3;
      default -> 0.1;
    };
  }
}
