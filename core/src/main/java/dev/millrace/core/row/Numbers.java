package dev.millrace.core.row;

import java.util.AbstractList;
import java.util.RandomAccess;

/**
 * A list of numbers that holds them side by side, not as an object each: an image of an event has
 * hundreds. Nobody changes the array that one was made of.
 */
public abstract sealed class Numbers extends AbstractList<Number> implements RandomAccess {

  private Numbers() {}

  public static Numbers of(float[] values) {
    return new Floats(values);
  }

  public static Numbers of(double[] values) {
    return new Doubles(values);
  }

  public static Numbers of(long[] values) {
    return new Longs(values);
  }

  /** One of them as a double. */
  public abstract double at(int index);

  /** Whether there is none that is infinite or NaN. */
  public abstract boolean isFinite();

  /** About how much of the heap they take. */
  public abstract long bytes();

  /** Numbers of 32 bits. */
  public static final class Floats extends Numbers {
    private final float[] values;

    private Floats(float[] values) {
      this.values = values;
    }

    /** The array itself. */
    public float[] array() {
      return values;
    }

    @Override
    public double at(int index) {
      return values[index];
    }

    @Override
    public boolean isFinite() {
      for (float value : values) {
        if (!Float.isFinite(value)) {
          return false;
        }
      }
      return true;
    }

    @Override
    public Number get(int index) {
      return values[index];
    }

    @Override
    public int size() {
      return values.length;
    }

    @Override
    public long bytes() {
      return (long) Float.BYTES * values.length;
    }
  }

  /** Numbers of 64 bits. */
  public static final class Doubles extends Numbers {
    private final double[] values;

    private Doubles(double[] values) {
      this.values = values;
    }

    /** The array itself. */
    public double[] array() {
      return values;
    }

    @Override
    public double at(int index) {
      return values[index];
    }

    @Override
    public boolean isFinite() {
      for (double value : values) {
        if (!Double.isFinite(value)) {
          return false;
        }
      }
      return true;
    }

    @Override
    public Number get(int index) {
      return values[index];
    }

    @Override
    public int size() {
      return values.length;
    }

    @Override
    public long bytes() {
      return (long) Double.BYTES * values.length;
    }
  }

  /** Whole numbers. */
  public static final class Longs extends Numbers {
    private final long[] values;

    private Longs(long[] values) {
      this.values = values;
    }

    /** The array itself. */
    public long[] array() {
      return values;
    }

    @Override
    public double at(int index) {
      return values[index];
    }

    @Override
    public boolean isFinite() {
      return true;
    }

    @Override
    public Number get(int index) {
      return values[index];
    }

    @Override
    public int size() {
      return values.length;
    }

    @Override
    public long bytes() {
      return (long) Long.BYTES * values.length;
    }
  }
}
