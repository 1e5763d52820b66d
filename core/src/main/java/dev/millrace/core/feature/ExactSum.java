package dev.millrace.core.feature;

import java.io.DataInput;
import java.io.DataOutput;
import java.io.IOException;
import java.math.BigInteger;
import java.util.Arrays;

/**
 * A sum of doubles, and of their powers, without any rounding: what was added can be taken out
 * again, sums can be merged, and neither order nor grouping changes a bit.
 *
 * <p>A small superaccumulator [1]: a number in base 2^32, each digit held in a long with room for
 * some 2^29 additions before carries have to be passed on. Digit i weighs 2^(32 i - 1088); only the
 * range of digits in use is held, and it grows as needed, so powers and shifted values can neither
 * overflow nor underflow. Values must be finite. The sum is rounded once, half to even, when it is
 * read; beyond the range of doubles it reads as infinite.
 *
 * <p>What is written is the one canonical form of the number: sign, magnitude, no zero digits at
 * the ends; two bytes and four for each digit, of which a sum of money has two to four.
 *
 * <p>[1] R. Neal, Fast exact summation using small and large superaccumulators, arXiv:1505.05571.
 */
public final class ExactSum {

  /** The position of bit 0 of digit 0 is that of 2^-1088: a multiple of 32 below 2^-1074. */
  static final int UNIT_POSITION = 1088;

  private static final long DIGIT = 0xffffffffL;
  private static final int DIGIT_BITS = 32;
  private static final int ADDITIONS_MOST = 1 << 28;
  private static final int CAPACITY_LEAST = 4;

  private static final int EXPONENT_MASK = 0x7ff;
  private static final long FRACTION_MASK = (1L << 52) - 1;
  private static final int LEAST_EXPONENT = -1074;

  /** The index of {@code digits[0]}. */
  private int low;

  private long[] digits = new long[CAPACITY_LEAST];

  /** False until the first addition, when {@link #low} is chosen. */
  private boolean placed;

  private int additions;

  void clear() {
    Arrays.fill(digits, 0);
    placed = false;
    additions = 0;
  }

  public void add(double value) {
    add(value, 0, false);
  }

  public void subtract(double value) {
    add(value, 0, true);
  }

  /** Adds value * 2^shift, or takes it out. */
  void add(double value, int shift, boolean out) {
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
    int position = exponent - 1 + LEAST_EXPONENT + UNIT_POSITION + shift;
    addMagnitude(mantissa, position, (bits < 0) != out);
  }

  /** Adds magnitude * 2^(position - 1088); the magnitude is less than 2^63. */
  void addMagnitude(long magnitude, int position, boolean negative) {
    int index = position >> 5;
    int shift = position & 31;
    long lower = (magnitude & DIGIT) << shift;
    long upper = (magnitude >>> DIGIT_BITS) << shift;
    long first = lower & DIGIT;
    long second = (lower >>> DIGIT_BITS) + (upper & DIGIT);
    long third = upper >>> DIGIT_BITS;
    int at = place(index, 3);
    if (negative) {
      digits[at] -= first;
      digits[at + 1] -= second;
      digits[at + 2] -= third;
    } else {
      digits[at] += first;
      digits[at + 1] += second;
      digits[at + 2] += third;
    }
    counted(1);
  }

  /** Adds the number whose base 2^32 digits are the words, lowest first. */
  void addWords(int[] words, int count, int position, boolean negative) {
    int shift = position & 31;
    int at = place(position >> 5, count + 1);
    for (int i = 0; i < count; i++) {
      long shifted = (words[i] & DIGIT) << shift;
      long first = shifted & DIGIT;
      long second = shifted >>> DIGIT_BITS;
      digits[at + i] += negative ? -first : first;
      digits[at + i + 1] += negative ? -second : second;
    }
    counted(1);
  }

  public void merge(ExactSum other) {
    merge(other, 0);
  }

  /** Adds other * 2^(32 * digitShift). */
  void merge(ExactSum other, int digitShift) {
    if (!other.placed) {
      return;
    }
    int at = place(other.low + digitShift, other.digits.length);
    for (int i = 0; i < other.digits.length; i++) {
      digits[at + i] += other.digits[i];
    }
    counted(other.additions + 1);
  }

  /** The index into digits of the given digit, after making room for it and those above it. */
  private int place(int index, int count) {
    if (!placed) {
      placed = true;
      low = index;
      if (digits.length < count) {
        digits = new long[count];
      }
      return 0;
    }
    int at = index - low;
    if (at < 0 || at + count > digits.length) {
      grow(index, index + count);
      at = index - low;
    }
    return at;
  }

  private void grow(int from, int to) {
    int newLow = Math.min(low, from);
    int newHigh = Math.max(low + digits.length, to);
    long[] grown = new long[newHigh - newLow];
    System.arraycopy(digits, 0, grown, low - newLow, digits.length);
    digits = grown;
    low = newLow;
  }

  private void counted(int more) {
    additions += more;
    if (additions >= ADDITIONS_MOST) {
      carry();
    }
  }

  /** Brings every digit but the highest into [0, 2^32); the highest has the sign. */
  private void carry() {
    int top = digits.length - 1;
    long carry = 0;
    for (int i = 0; i < top; i++) {
      long digit = digits[i] + carry;
      digits[i] = digit & DIGIT;
      carry = digit >> DIGIT_BITS;
    }
    long highest = digits[top] + carry;
    if (Math.abs(highest) > DIGIT) {
      digits[top] = highest & DIGIT;
      grow(low, low + top + 2);
      digits[top + 1] = highest >> DIGIT_BITS;
    } else {
      digits[top] = highest;
    }
    additions = 1;
  }

  /** The canonical form: sign, and a magnitude whose first and last digits are not zero. */
  private record Magnitude(boolean negative, int low, int[] digits) {}

  private Magnitude magnitude() {
    if (!placed) {
      return new Magnitude(false, 0, new int[0]);
    }
    carry();
    boolean negative = digits[digits.length - 1] < 0;
    int[] words = new int[digits.length];
    long carry = 0;
    for (int i = 0; i < digits.length; i++) {
      long digit = (negative ? -digits[i] : digits[i]) + carry;
      words[i] = (int) digit;
      carry = digit >> DIGIT_BITS;
    }
    int from = 0;
    int to = words.length;
    while (to > 0 && words[to - 1] == 0) {
      to--;
    }
    while (from < to && words[from] == 0) {
      from++;
    }
    return from == to
        ? new Magnitude(false, 0, new int[0])
        : new Magnitude(negative, low + from, Arrays.copyOfRange(words, from, to));
  }

  /** The sum rounded half to even; infinite beyond the range of doubles. */
  public double value() {
    Magnitude exact = magnitude();
    int[] words = exact.digits;
    int top = words.length - 1;
    if (top < 0) {
      return 0;
    }
    // The highest 64 bits of the magnitude, its first bit at the top, and whether more follow.
    int zeros = Integer.numberOfLeadingZeros(words[top]);
    long high = (words[top] & DIGIT) << DIGIT_BITS | word(words, top - 1);
    long below = word(words, top - 2);
    long bits = high << zeros | below >>> (DIGIT_BITS - zeros);
    boolean more = (below << (DIGIT_BITS + zeros)) != 0 || top > 2;
    int exponent = DIGIT_BITS * (exact.low + top) - UNIT_POSITION + 31 - zeros;
    double rounded = rounded(bits, more, exponent);
    return exact.negative ? -rounded : rounded;
  }

  private static long word(int[] words, int index) {
    return index < 0 ? 0 : words[index] & DIGIT;
  }

  /** The double nearest to bits * 2^(exponent - 63), bit 63 being set. */
  private static double rounded(long bits, boolean more, int exponent) {
    int kept = Math.min(53, exponent - LEAST_EXPONENT + 1);
    if (kept < 0) {
      return 0;
    }
    long mantissa = kept == 0 ? 0 : bits >>> (64 - kept);
    long rest = bits << kept;
    long half = Long.MIN_VALUE;
    if (Long.compareUnsigned(rest, half) > 0 || (rest == half && (more || (mantissa & 1) != 0))) {
      mantissa++;
    }
    return Math.scalb((double) mantissa, exponent - kept + 1);
  }

  /** The sum itself. */
  Dyadic exact() {
    Magnitude exact = magnitude();
    if (exact.digits.length == 0) {
      return Dyadic.ZERO;
    }
    byte[] bytes = new byte[exact.digits.length * 4];
    for (int i = 0; i < exact.digits.length; i++) {
      int word = exact.digits[exact.digits.length - 1 - i];
      bytes[4 * i] = (byte) (word >>> 24);
      bytes[4 * i + 1] = (byte) (word >>> 16);
      bytes[4 * i + 2] = (byte) (word >>> 8);
      bytes[4 * i + 3] = (byte) word;
    }
    BigInteger units = new BigInteger(exact.negative ? -1 : 1, bytes);
    return new Dyadic(units, DIGIT_BITS * exact.low - UNIT_POSITION);
  }

  public boolean isZero() {
    return magnitude().digits.length == 0;
  }

  public ExactSum copy() {
    ExactSum copy = new ExactSum();
    copy.low = low;
    copy.digits = digits.clone();
    copy.placed = placed;
    copy.additions = additions;
    return copy;
  }

  public void write(DataOutput out) throws IOException {
    Magnitude exact = magnitude();
    CompactData.writeCount(out, exact.digits.length * 2L + (exact.negative ? 1 : 0));
    if (exact.digits.length > 0) {
      CompactData.writeSigned(out, exact.low);
    }
    for (int word : exact.digits) {
      out.writeInt(word);
    }
  }

  public static ExactSum read(DataInput in) throws IOException {
    ExactSum sum = new ExactSum();
    int header = CompactData.readSize(in);
    int count = header >>> 1;
    if (count == 0) {
      return sum;
    }
    sum.placed = true;
    sum.low = (int) CompactData.readSigned(in);
    sum.digits = new long[Math.max(CAPACITY_LEAST, count + 1)];
    for (int i = 0; i < count; i++) {
      long digit = in.readInt() & DIGIT;
      sum.digits[i] = (header & 1) == 0 ? digit : -digit;
    }
    sum.additions = 1;
    return sum;
  }
}
