package dev.millrace.core.feature;

import java.io.DataInput;
import java.io.DataOutput;
import java.io.IOException;
import java.math.BigDecimal;
import java.util.Arrays;

/**
 * A run of a number column's values in ascending order, with how many lie below it and above it:
 * the least (for a minimum), the greatest, or those about a rank (for a percentile). Null is no
 * value; -0.0 is less than 0.0; equal values are all kept.
 *
 * <p>Removes, exact. It keeps what is needed and a number of further values, on both sides of a
 * rank. A value outside the run is only counted. When what is needed lies no longer in the run, it
 * is stale and wants a fold: for values in no particular order that is after more removals than
 * there are values kept beyond what is needed. Some 5 bytes and 8 for each value kept, at most
 * needed + further (for a rank 1 + 3 * further).
 */
final class ValueBand implements Accumulator {

  static final byte TAG = 3;

  /** Where in the order the run lies. */
  enum Place {
    LEAST(0),
    GREATEST(1),
    RANK(2);

    private final int code;

    Place(int code) {
      this.code = code;
    }

    private static Place of(int code) throws IOException {
      return switch (code) {
        case 0 -> LEAST;
        case 1 -> GREATEST;
        case 2 -> RANK;
        default -> throw new IOException("Cannot read a run of values: unknown place " + code);
      };
    }
  }

  private static final int CAPACITY_LEAST = 4;

  private final int column;
  private final Place place;
  private final int needed;
  private final int further;
  private final double p;

  private double[] values = new double[CAPACITY_LEAST];
  private int size;
  private long below;
  private long above;

  /** Nothing is held while values exist that are not, so no value's side can be told any more. */
  private boolean lost;

  /** While folding, a run about a rank takes everything: its rank is known only at the end. */
  private boolean folding;

  private ValueBand(int column, Place place, int needed, int further, double p) {
    this.column = column;
    this.place = place;
    this.needed = needed;
    this.further = further;
    this.p = p;
  }

  static ValueBand least(int column, int needed, int further) {
    return new ValueBand(column, Place.LEAST, needed, further, 0);
  }

  static ValueBand greatest(int column, int needed, int further) {
    return new ValueBand(column, Place.GREATEST, needed, further, 0);
  }

  /** About the least value whose rank is at least p * n. */
  static ValueBand rank(int column, double p, int further) {
    return new ValueBand(column, Place.RANK, 1, further, p);
  }

  @Override
  public void add(EventView event) {
    double value = event.number(column);
    if (Double.isNaN(value)) {
      return;
    }
    if (size == 0 && below + above > 0) {
      lost = true;
    }
    if (lost) {
      above++;
    } else if (below > 0 && Double.compare(value, values[0]) < 0) {
      below++;
    } else if (above > 0 && Double.compare(value, values[size - 1]) > 0) {
      above++;
    } else if (folding && place == Place.RANK) {
      ensure(size + 1);
      values[size++] = value;
    } else {
      insert(value);
      trim();
    }
  }

  private void insert(double value) {
    int at = Arrays.binarySearch(values, 0, size, value);
    at = at < 0 ? -at - 1 : at;
    ensure(size + 1);
    System.arraycopy(values, at, values, at + 1, size - at);
    values[at] = value;
    size++;
  }

  private void ensure(int capacity) {
    if (capacity > values.length) {
      values = Arrays.copyOf(values, Math.max(capacity, values.length * 2));
    }
  }

  @Override
  public boolean removes() {
    return true;
  }

  @Override
  public void remove(EventView event) {
    double value = event.number(column);
    if (Double.isNaN(value)) {
      return;
    }
    int at = lost ? -1 : Arrays.binarySearch(values, 0, size, value);
    if (at >= 0) {
      System.arraycopy(values, at + 1, values, at, size - at - 1);
      size--;
    } else if (!lost && size > 0 && below > 0 && Double.compare(value, values[0]) < 0) {
      below--;
    } else if (above > 0) {
      above--;
    } else {
      below--;
    }
    if (below + above == 0 && size == 0) {
      lost = false;
    } else if (size == 0) {
      lost = true;
    }
    trim();
  }

  /** Lets go of what lies farthest from what is needed. */
  private void trim() {
    if (lost || (folding && place == Place.RANK)) {
      return;
    }
    switch (place) {
      case LEAST -> dropAbove(size - needed - further);
      case GREATEST -> dropBelow(size - needed - further);
      case RANK -> {
        if (size > 1 + 3 * further) {
          trimAbout(rankIndex());
        }
      }
    }
  }

  private void trimAbout(long index) {
    dropAbove((int) Math.min(size, size - 1 - index - further));
    dropBelow((int) Math.min(size, index - further));
  }

  private void dropAbove(int count) {
    if (count > 0) {
      size -= count;
      above += count;
    }
  }

  private void dropBelow(int count) {
    if (count > 0) {
      System.arraycopy(values, count, values, 0, size - count);
      size -= count;
      below += count;
    }
  }

  /** The index in the run of the value at the rank; outside of it where it is not held. */
  private long rankIndex() {
    return rank(p, count()) - 1 - below;
  }

  /** The rank, from 1, of the least value whose rank is at least p * n: ceil(p n), not below 1. */
  static long rank(double p, long count) {
    // 0.07 * 100 is more than 7 as doubles, and 7 in the decimals the definition is written in.
    BigDecimal decimal = BigDecimal.valueOf(p);
    long rank;
    if (decimal.scale() <= 9 && count < 1_000_000_000) {
      long scale = 1;
      for (int i = 0; i < decimal.scale(); i++) {
        scale *= 10;
      }
      rank = Math.floorDiv(decimal.unscaledValue().longValue() * count + scale - 1, scale);
    } else {
      rank = (long) Math.ceil(p * count);
    }
    return Math.max(1, Math.min(count, rank));
  }

  @Override
  public boolean stale() {
    if (folding) {
      return false;
    }
    if (lost) {
      return true;
    }
    return switch (place) {
      case LEAST -> above > 0 && size < needed;
      case GREATEST -> below > 0 && size < needed;
      case RANK -> {
        if (below == 0 && above == 0) {
          yield false;
        }
        long index = rankIndex();
        yield index < 0 || index >= size;
      }
    };
  }

  @Override
  public void beginFold() {
    size = 0;
    below = 0;
    above = 0;
    lost = false;
    folding = true;
  }

  @Override
  public void endFold() {
    folding = false;
    if (place == Place.RANK) {
      Arrays.sort(values, 0, size);
      trim();
      if (values.length > 4 * (1 + 3 * further) && values.length > 2 * size) {
        values = Arrays.copyOf(values, Math.max(CAPACITY_LEAST, size));
      }
    }
  }

  /**
   * What both know is the part of the order between the higher of their lower ends and the lower of
   * their upper ends; a side on which nothing is left out has no end.
   */
  @Override
  public void merge(Accumulator other) {
    ValueBand band = (ValueBand) other;
    lost |= band.lost;
    double from = Double.NEGATIVE_INFINITY;
    double to = Double.POSITIVE_INFINITY;
    if (!lost) {
      from = Math.max(lowerEnd(), band.lowerEnd());
      to = Math.min(upperEnd(), band.upperEnd());
    }
    below += band.below;
    above += band.above;
    ensure(size + band.size);
    System.arraycopy(band.values, 0, values, size, band.size);
    size += band.size;
    Arrays.sort(values, 0, size);
    if (lost || from > to) {
      lost = true;
      above += size;
      size = 0;
      return;
    }
    int lower = 0;
    while (lower < size && Double.compare(values[lower], from) < 0) {
      lower++;
    }
    int upper = size;
    while (upper > lower && Double.compare(values[upper - 1], to) > 0) {
      upper--;
    }
    dropAbove(size - upper);
    dropBelow(lower);
    lost = size == 0 && below + above > 0;
    trim();
  }

  private double lowerEnd() {
    return below == 0 ? Double.NEGATIVE_INFINITY : values[0];
  }

  private double upperEnd() {
    return above == 0 ? Double.POSITIVE_INFINITY : values[size - 1];
  }

  long count() {
    return below + size + above;
  }

  @Override
  public boolean isEmpty() {
    return count() == 0;
  }

  /** The needed values that there are: ascending for the least, descending for the greatest. */
  double[] needed(int most) {
    double[] found = new double[Math.min(most, size)];
    for (int i = 0; i < found.length; i++) {
      found[i] = place == Place.GREATEST ? values[size - 1 - i] : values[i];
    }
    return found;
  }

  /** The value at the rank; NaN where there is none. */
  double atRank() {
    return size == 0 ? Double.NaN : values[(int) rankIndex()];
  }

  @Override
  public ValueBand copy() {
    ValueBand copy = new ValueBand(column, place, needed, further, p);
    copy.values = Arrays.copyOf(values, Math.max(CAPACITY_LEAST, size));
    copy.size = size;
    copy.below = below;
    copy.above = above;
    copy.lost = lost;
    copy.folding = folding;
    return copy;
  }

  @Override
  public void write(DataOutput out) throws IOException {
    out.writeByte(TAG);
    out.writeByte(place.code | (lost ? 0x10 : 0));
    CompactData.writeCount(out, column);
    CompactData.writeCount(out, needed);
    CompactData.writeCount(out, further);
    if (place == Place.RANK) {
      out.writeDouble(p);
    }
    CompactData.writeCount(out, below);
    CompactData.writeCount(out, above);
    CompactData.writeCount(out, size);
    for (int i = 0; i < size; i++) {
      out.writeDouble(values[i]);
    }
  }

  static ValueBand read(DataInput in) throws IOException {
    int header = in.readByte();
    Place place = Place.of(header & 0xf);
    int column = CompactData.readSize(in);
    int needed = CompactData.readSize(in);
    int further = CompactData.readSize(in);
    double p = place == Place.RANK ? in.readDouble() : 0;
    ValueBand band = new ValueBand(column, place, needed, further, p);
    band.lost = (header & 0x10) != 0;
    band.below = CompactData.readCount(in);
    band.above = CompactData.readCount(in);
    int size = CompactData.readSize(in);
    band.ensure(size);
    band.size = size;
    for (int i = 0; i < size; i++) {
      band.values[i] = in.readDouble();
    }
    return band;
  }
}
