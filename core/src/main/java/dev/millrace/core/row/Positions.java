package dev.millrace.core.row;

import java.util.Arrays;

/**
 * One offset per partition: the last record of each that a row includes. Immutable.
 *
 * <p>Positions are partially ordered: {@link #atLeast} holds only where no partition is behind.
 */
public final class Positions {

  public static final Positions NONE = new Positions(new int[0], new long[0]);

  private final int[] partitions;
  private final long[] offsets;

  private Positions(int[] partitions, long[] offsets) {
    this.partitions = partitions;
    this.offsets = offsets;
  }

  /**
   * Positions from parallel arrays.
   *
   * @param partitions ascending, without repeats
   */
  public static Positions of(int[] partitions, long[] offsets) {
    if (partitions.length != offsets.length) {
      throw new IllegalArgumentException(
          "Cannot pair " + partitions.length + " partitions with " + offsets.length + " offsets");
    }
    for (int i = 1; i < partitions.length; i++) {
      if (partitions[i - 1] >= partitions[i]) {
        throw new IllegalArgumentException(
            "Cannot take positions " + Arrays.toString(partitions) + ": partitions must ascend");
      }
    }
    return new Positions(partitions.clone(), offsets.clone());
  }

  /** Reads what {@link #toString} writes: {@code 0:17,3:4}. */
  public static Positions parse(String text) {
    if (text.isEmpty()) {
      return NONE;
    }
    Positions positions = NONE;
    int from = 0;
    while (from <= text.length()) {
      int comma = text.indexOf(',', from);
      int to = comma < 0 ? text.length() : comma;
      int colon = text.indexOf(':', from);
      if (colon < 0 || colon > to) {
        throw new IllegalArgumentException(
            "Cannot read positions '" + text + "': expected <partition>:<offset>[,…]");
      }
      positions =
          positions.advance(
              Integer.parseInt(text, from, colon, 10), Long.parseLong(text, colon + 1, to, 10));
      from = to + 1;
    }
    return positions;
  }

  /** The positions after one more record; a partition never goes back. */
  public Positions advance(int partition, long offset) {
    int at = Arrays.binarySearch(partitions, partition);
    if (at >= 0) {
      if (offsets[at] >= offset) {
        return this;
      }
      long[] advanced = offsets.clone();
      advanced[at] = offset;
      return new Positions(partitions, advanced);
    }
    int insert = -at - 1;
    int[] morePartitions = new int[partitions.length + 1];
    long[] moreOffsets = new long[offsets.length + 1];
    System.arraycopy(partitions, 0, morePartitions, 0, insert);
    System.arraycopy(offsets, 0, moreOffsets, 0, insert);
    morePartitions[insert] = partition;
    moreOffsets[insert] = offset;
    System.arraycopy(partitions, insert, morePartitions, insert + 1, partitions.length - insert);
    System.arraycopy(offsets, insert, moreOffsets, insert + 1, offsets.length - insert);
    return new Positions(morePartitions, moreOffsets);
  }

  /** Whether a row at these positions includes the record. */
  public boolean covers(int partition, long offset) {
    int at = Arrays.binarySearch(partitions, partition);
    return at >= 0 && offsets[at] >= offset;
  }

  /** Whether no partition of {@code other} is ahead of these. */
  public boolean atLeast(Positions other) {
    for (int i = 0; i < other.partitions.length; i++) {
      if (!covers(other.partitions[i], other.offsets[i])) {
        return false;
      }
    }
    return true;
  }

  public int size() {
    return partitions.length;
  }

  public int partition(int index) {
    return partitions[index];
  }

  public long offset(int index) {
    return offsets[index];
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof Positions that
        && Arrays.equals(partitions, that.partitions)
        && Arrays.equals(offsets, that.offsets);
  }

  @Override
  public int hashCode() {
    return 31 * Arrays.hashCode(partitions) + Arrays.hashCode(offsets);
  }

  /** {@code <partition>:<offset>}, joined by commas, partitions ascending. */
  @Override
  public String toString() {
    StringBuilder text = new StringBuilder(partitions.length * 12);
    for (int i = 0; i < partitions.length; i++) {
      if (i > 0) {
        text.append(',');
      }
      text.append(partitions[i]).append(':').append(offsets[i]);
    }
    return text.toString();
  }
}
