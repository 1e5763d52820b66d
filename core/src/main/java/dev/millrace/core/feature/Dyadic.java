package dev.millrace.core.feature;

import java.math.BigInteger;

/** An exact dyadic rational: units * 2^exponent. Sums and products of doubles are such numbers. */
record Dyadic(BigInteger units, int exponent) {

  static final Dyadic ZERO = new Dyadic(BigInteger.ZERO, 0);

  static Dyadic of(long number) {
    return new Dyadic(BigInteger.valueOf(number), 0);
  }

  static Dyadic of(double value) {
    ExactSum sum = new ExactSum();
    sum.add(value);
    return sum.exact();
  }

  Dyadic plus(Dyadic other) {
    if (units.signum() == 0) {
      return other;
    }
    if (other.units.signum() == 0) {
      return this;
    }
    int common = Math.min(exponent, other.exponent);
    BigInteger left = units.shiftLeft(exponent - common);
    BigInteger right = other.units.shiftLeft(other.exponent - common);
    return new Dyadic(left.add(right), common);
  }

  Dyadic minus(Dyadic other) {
    return plus(new Dyadic(other.units.negate(), other.exponent));
  }

  Dyadic times(Dyadic other) {
    return new Dyadic(units.multiply(other.units), exponent + other.exponent);
  }

  Dyadic times(long factor) {
    return new Dyadic(units.multiply(BigInteger.valueOf(factor)), exponent);
  }

  int signum() {
    return units.signum();
  }

  /** To some 2^-53 of its size, in a form that neither overflows nor underflows. */
  Scaled scaled() {
    int surplus = Math.max(0, units.bitLength() - 62);
    return Scaled.of((double) units.shiftRight(surplus).longValue(), exponent + (long) surplus);
  }

  /** A double mantissa in [1, 2), or zero, with a sign, and its own exponent. */
  record Scaled(double mantissa, long exponent) {

    static Scaled of(double value, long exponent) {
      if (value == 0) {
        return new Scaled(0, 0);
      }
      int own = Math.getExponent(value);
      return new Scaled(Math.scalb(value, -own), exponent + own);
    }

    Scaled times(Scaled other) {
      return of(mantissa * other.mantissa, exponent + other.exponent);
    }

    Scaled over(Scaled other) {
      return of(mantissa / other.mantissa, exponent - other.exponent);
    }

    Scaled squareRoot() {
      long half = exponent >> 1;
      return of(Math.sqrt((exponent & 1) == 0 ? mantissa : 2 * mantissa), half);
    }

    /** Infinite or zero where a double does not reach. */
    double value() {
      int reachable = (int) Math.max(-2200, Math.min(2200, exponent));
      return Math.scalb(mantissa, reachable);
    }
  }
}
