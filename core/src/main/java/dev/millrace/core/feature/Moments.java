package dev.millrace.core.feature;

import java.io.DataInput;
import java.io.DataOutput;
import java.io.IOException;
import org.jspecify.annotations.Nullable;

/**
 * How many values a number column has, and the sums of their powers up to a degree. Null is no
 * value.
 *
 * <p>Removes, never stale. The sums are {@link ExactSum}s of exact powers, so nothing is rounded
 * before a statistic is read, and no power overflows or underflows. What is read: the sum is
 * correctly rounded, the mean within one unit in the last place of that, and the central moments
 * are computed from the exact sums with whole numbers and rounded a few times at the end, so they
 * are within some 1e-15 of their size however far the mean lies from the spread. A result that no
 * double holds reads as null.
 *
 * <p>Some 3 bytes and 2 + 4d for each power, where d digits of 32 bits span its sum: 2 to 4 for
 * values of like size, times the power.
 */
final class Moments implements Accumulator {

  static final byte TAG = 2;

  private static final int EXPONENT_MASK = 0x7ff;
  private static final long FRACTION_MASK = (1L << 52) - 1;
  private static final int LEAST_EXPONENT = -1074;

  /** The most bits of a whole number whose k-th power a positive long holds. */
  private static final int[] POWER_BITS = {0, 63, 31, 21, 15};

  private final int column;
  private final ExactSum[] sums;
  private long count;

  /**
   * @param degree the highest power, 1 to 4
   */
  Moments(int column, int degree) {
    this(column, degree, 0, new ExactSum[degree]);
    for (int i = 0; i < degree; i++) {
      sums[i] = new ExactSum();
    }
  }

  private Moments(int column, int degree, long count, ExactSum[] sums) {
    if (degree < 1 || degree > 4) {
      throw new IllegalArgumentException("Cannot sum powers up to " + degree + "; 1 to 4");
    }
    this.column = column;
    this.count = count;
    this.sums = sums;
  }

  @Override
  public void add(EventView event) {
    double value = event.number(column);
    if (!Double.isNaN(value)) {
      count++;
      sums[0].add(value);
      if (sums.length > 1) {
        addPowers(value, false);
      }
    }
  }

  @Override
  public boolean removes() {
    return true;
  }

  @Override
  public void remove(EventView event) {
    double value = event.number(column);
    if (!Double.isNaN(value)) {
      count--;
      sums[0].subtract(value);
      if (sums.length > 1) {
        addPowers(value, true);
      }
    }
  }

  /** The value is m * 2^e, so its k-th power is m^k * 2^(k e), with whole numbers. */
  private void addPowers(double value, boolean out) {
    long bits = Double.doubleToRawLongBits(value);
    int exponent = (int) (bits >>> 52) & EXPONENT_MASK;
    long mantissa = bits & FRACTION_MASK;
    if (exponent == 0) {
      if (mantissa == 0) {
        return;
      }
      exponent = 1;
    } else {
      mantissa |= 1L << 52;
    }
    int zeros = Long.numberOfTrailingZeros(mantissa);
    mantissa >>>= zeros;
    exponent += zeros - 1 + LEAST_EXPONENT;
    int width = 64 - Long.numberOfLeadingZeros(mantissa);
    long power = mantissa;
    int[] words = null;
    for (int k = 2; k <= sums.length; k++) {
      boolean negative = (bits < 0 && (k & 1) == 1) != out;
      int position = k * exponent + ExactSum.UNIT_POSITION;
      if (width <= POWER_BITS[k]) {
        power *= mantissa;
        sums[k - 1].addMagnitude(power, position, negative);
      } else {
        words = words == null ? words(power) : words;
        words = product(words, mantissa);
        sums[k - 1].addWords(words, words.length, position, negative);
      }
    }
  }

  private static int[] words(long number) {
    return new int[] {(int) number, (int) (number >>> 32)};
  }

  /** The words of a whole number, lowest first, times a number below 2^53. */
  private static int[] product(int[] words, long factor) {
    int[] product = new int[words.length + 2];
    long low = factor & 0xffffffffL;
    long high = factor >>> 32;
    long carry = 0;
    // The upper half's product with the word below, which belongs one place higher.
    long pending = 0;
    for (int i = 0; i < words.length; i++) {
      long word = words[i] & 0xffffffffL;
      long lower = word * low;
      long sum = (lower & 0xffffffffL) + (pending & 0xffffffffL) + carry;
      product[i] = (int) sum;
      carry = (sum >>> 32) + (lower >>> 32) + (pending >>> 32);
      pending = word * high;
    }
    long sum = (pending & 0xffffffffL) + carry;
    product[words.length] = (int) sum;
    product[words.length + 1] = (int) ((sum >>> 32) + (pending >>> 32));
    return product;
  }

  @Override
  public void beginFold() {
    count = 0;
    for (ExactSum sum : sums) {
      sum.clear();
    }
  }

  /** The other may have a higher degree. */
  @Override
  public void merge(Accumulator other) {
    Moments moments = (Moments) other;
    count += moments.count;
    for (int i = 0; i < sums.length; i++) {
      sums[i].merge(moments.sums[i]);
    }
  }

  @Override
  public boolean isEmpty() {
    return count == 0;
  }

  long count() {
    return count;
  }

  @Nullable Double sum() {
    return count == 0 ? null : finite(sums[0].value());
  }

  @Nullable Double mean() {
    if (count == 0) {
      return null;
    }
    double sum = sums[0].value();
    return Double.isInfinite(sum)
        ? finite(sums[0].exact().scaled().over(whole(count)).value())
        : finite(sum / count);
  }

  /** The sum of squares about the mean over n - 1, or over n for the population's. */
  @Nullable Double variance(boolean population) {
    Dyadic.Scaled variance = scaledVariance(population);
    return variance == null ? null : finite(variance.value());
  }

  @Nullable Double deviation(boolean population) {
    Dyadic.Scaled variance = scaledVariance(population);
    return variance == null ? null : finite(variance.squareRoot().value());
  }

  private Dyadic.@Nullable Scaled scaledVariance(boolean population) {
    long freedom = population ? count : count - 1;
    if (freedom < 1) {
      return null;
    }
    return spread().scaled().over(whole(count)).over(whole(freedom));
  }

  /** n^2 times the population's variance. */
  private Dyadic spread() {
    Dyadic first = sums[0].exact();
    return sums[1].exact().times(count).minus(first.times(first));
  }

  /** g1 = m3 / m2^(3/2) of the population's central moments; null where the variance is zero. */
  @Nullable Double skew() {
    if (count == 0) {
      return null;
    }
    Dyadic spread = spread();
    if (spread.signum() == 0) {
      return null;
    }
    Dyadic first = sums[0].exact();
    Dyadic third =
        sums[2]
            .exact()
            .times(count)
            .times(count)
            .minus(sums[1].exact().times(first).times(count).times(3))
            .plus(first.times(first).times(first).times(2));
    Dyadic.Scaled square = spread.scaled();
    return finite(third.scaled().over(square.times(square.squareRoot())).value());
  }

  /** g2 = m4 / m2^2 - 3 of the population's central moments; null where the variance is zero. */
  @Nullable Double kurtosis() {
    if (count == 0) {
      return null;
    }
    Dyadic spread = spread();
    if (spread.signum() == 0) {
      return null;
    }
    Dyadic first = sums[0].exact();
    Dyadic square = first.times(first);
    Dyadic fourth =
        sums[3]
            .exact()
            .times(count)
            .times(count)
            .times(count)
            .minus(sums[2].exact().times(first).times(count).times(count).times(4))
            .plus(sums[1].exact().times(square).times(count).times(6))
            .minus(square.times(square).times(3));
    // The three is taken off before anything is rounded.
    Dyadic excess = fourth.minus(spread.times(spread).times(3));
    Dyadic.Scaled scaled = spread.scaled();
    return finite(excess.scaled().over(scaled.times(scaled)).value());
  }

  /** How many sample standard deviations a value lies above the mean; null where that is zero. */
  @Nullable Double standardScore(double value) {
    if (count < 2) {
      return null;
    }
    Dyadic.Scaled variance = scaledVariance(false);
    if (variance == null || variance.mantissa() == 0) {
      return null;
    }
    Dyadic distance = Dyadic.of(value).times(count).minus(sums[0].exact());
    return finite(distance.scaled().over(whole(count)).over(variance.squareRoot()).value());
  }

  /** The sum over another's sum; null where either has no value or the other's sum is zero. */
  @Nullable Double ratioTo(Moments denominator) {
    if (count == 0 || denominator.count == 0) {
      return null;
    }
    Dyadic below = denominator.sums[0].exact();
    return below.signum() == 0
        ? null
        : finite(sums[0].exact().scaled().over(below.scaled()).value());
  }

  private static Dyadic.Scaled whole(long number) {
    return Dyadic.Scaled.of((double) number, 0);
  }

  private static @Nullable Double finite(double value) {
    return Double.isFinite(value) ? (Double) value : null;
  }

  @Override
  public Moments copy() {
    ExactSum[] copies = new ExactSum[sums.length];
    for (int i = 0; i < copies.length; i++) {
      copies[i] = sums[i].copy();
    }
    return new Moments(column, copies.length, count, copies);
  }

  @Override
  public void write(DataOutput out) throws IOException {
    out.writeByte(TAG);
    CompactData.writeCount(out, column * 4L + sums.length - 1);
    CompactData.writeCount(out, count);
    for (ExactSum sum : sums) {
      sum.write(out);
    }
  }

  static Moments read(DataInput in) throws IOException {
    int header = CompactData.readSize(in);
    int degree = (header & 3) + 1;
    long count = CompactData.readCount(in);
    ExactSum[] sums = new ExactSum[degree];
    for (int i = 0; i < degree; i++) {
      sums[i] = ExactSum.read(in);
    }
    return new Moments(header >>> 2, degree, count, sums);
  }
}
