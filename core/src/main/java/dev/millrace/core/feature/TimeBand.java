package dev.millrace.core.feature;

import java.io.DataInput;
import java.io.DataOutput;
import java.io.IOException;
import java.util.Arrays;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * The first or the last values of a column in the order (event time, partition, offset), with how
 * many come after or before them. Null is no value; without a column every event counts and has
 * none.
 *
 * <p>Removes, exact. Events leave a window oldest first, so the last ones are needed alone, and of
 * the first ones a number of further ones is kept; where what is needed is gone while others are
 * known to exist, it is stale and wants a fold. Some 6 bytes, and for each value kept 3 to 8 bytes
 * of its place and the value itself, 8 for a double.
 */
final class TimeBand implements Accumulator {

  static final byte TAG = 4;

  /** The column of a band that has events and no values. */
  static final int NO_COLUMN = -1;

  private static final int FIRST = 1;
  private static final int NUMBER = 2;
  private static final int LOST = 4;
  private static final int CAPACITY_LEAST = 1;

  private final int column;
  private final boolean number;
  private final boolean first;
  private final int needed;
  private final int further;

  /** Ascending by (time, partition, offset). */
  private long[] times = new long[CAPACITY_LEAST];

  private int[] partitions = new int[CAPACITY_LEAST];
  private long[] offsets = new long[CAPACITY_LEAST];
  private double[] numbers;
  private @Nullable Object[] objects;
  private int size;

  /** How many there are that are not held: later ones of the first, earlier ones of the last. */
  private long others;

  /** Nothing is held while events exist that are not, so no event's side can be told any more. */
  private boolean lost;

  /** How many events a fold that has begun is of. */
  private long folded;

  TimeBand(int column, boolean number, boolean first, int needed, int further) {
    this.column = column;
    this.number = number;
    this.first = first;
    this.needed = needed;
    this.further = further;
    this.numbers = new double[number ? CAPACITY_LEAST : 0];
    this.objects = new Object[hasObjects() ? CAPACITY_LEAST : 0];
  }

  private boolean hasObjects() {
    return !number && column != NO_COLUMN;
  }

  private boolean hasValue(EventView event) {
    if (column == NO_COLUMN) {
      return true;
    }
    return number ? !Double.isNaN(event.number(column)) : event.object(column) != null;
  }

  @Override
  public void add(EventView event) {
    if (!hasValue(event)) {
      return;
    }
    if (lost || (others > 0 && isBeyond(event))) {
      others++;
      return;
    }
    double value = number ? event.number(column) : 0;
    Object object = hasObjects() ? PlainValues.of(event.object(column)) : null;
    insert(event.timeMillis(), event.partition(), event.offset(), value, object);
    trim();
  }

  /** Whether an event lies on the side of those that are not held. */
  private boolean isBeyond(EventView event) {
    int end = first ? size - 1 : 0;
    int order = event.compareOrder(times[end], partitions[end], offsets[end]);
    return first ? order > 0 : order < 0;
  }

  /** The index of the first that is not before the given place. */
  private int indexOf(long time, int partition, long offset) {
    int at = size;
    while (at > 0 && compare(at - 1, time, partition, offset) >= 0) {
      at--;
    }
    return at;
  }

  private int compare(int index, long time, int partition, long offset) {
    int byTime = Long.compare(times[index], time);
    if (byTime != 0) {
      return byTime;
    }
    int byPartition = Integer.compare(partitions[index], partition);
    return byPartition != 0 ? byPartition : Long.compare(offsets[index], offset);
  }

  private void insert(
      long time, int partition, long offset, double value, @Nullable Object object) {
    int at = indexOf(time, partition, offset);
    ensure(size + 1);
    move(at, at + 1, size - at);
    times[at] = time;
    partitions[at] = partition;
    offsets[at] = offset;
    if (number) {
      numbers[at] = value;
    } else if (hasObjects()) {
      objects[at] = object;
    }
    size++;
  }

  private void move(int from, int to, int count) {
    System.arraycopy(times, from, times, to, count);
    System.arraycopy(partitions, from, partitions, to, count);
    System.arraycopy(offsets, from, offsets, to, count);
    if (number) {
      System.arraycopy(numbers, from, numbers, to, count);
    } else if (hasObjects()) {
      System.arraycopy(objects, from, objects, to, count);
    }
  }

  private void ensure(int capacity) {
    if (capacity > times.length) {
      int larger = Math.max(capacity, times.length * 2);
      times = Arrays.copyOf(times, larger);
      partitions = Arrays.copyOf(partitions, larger);
      offsets = Arrays.copyOf(offsets, larger);
      numbers = number ? Arrays.copyOf(numbers, larger) : numbers;
      objects = hasObjects() ? Arrays.copyOf(objects, larger) : objects;
    }
  }

  private void trim() {
    int surplus = size - needed - further;
    if (surplus > 0) {
      drop(surplus);
    }
  }

  private void drop(int count) {
    if (!first) {
      move(count, 0, size - count);
    }
    size -= count;
    others += count;
    if (hasObjects()) {
      Arrays.fill(objects, size, size + count, null);
    }
  }

  @Override
  public boolean removes() {
    return true;
  }

  @Override
  public void remove(EventView event) {
    if (!hasValue(event)) {
      return;
    }
    int at = indexOf(event.timeMillis(), event.partition(), event.offset());
    boolean held =
        at < size && compare(at, event.timeMillis(), event.partition(), event.offset()) == 0;
    if (held) {
      move(at + 1, at, size - at - 1);
      size--;
      if (hasObjects()) {
        objects[size] = null;
      }
    } else {
      others--;
    }
    lost = size == 0 && others > 0;
  }

  @Override
  public boolean stale() {
    return lost || (others > 0 && size < needed);
  }

  @Override
  public void beginFold() {
    folded = size + others;
    drop(size);
    others = 0;
    lost = false;
  }

  @Override
  public boolean foldIsFull() {
    return first && size == needed + further && folded >= size;
  }

  @Override
  public void endFold() {
    if (foldIsFull()) {
      others = folded - size;
    }
    folded = 0;
  }

  /** Where the events that one of the two does not hold begin, going away from the needed end. */
  private record End(long time, int partition, long offset) {}

  private @Nullable End end() {
    if (others == 0 || size == 0) {
      return null;
    }
    int at = first ? size - 1 : 0;
    return new End(times[at], partitions[at], offsets[at]);
  }

  @Override
  public void merge(Accumulator other) {
    TimeBand band = (TimeBand) other;
    End mine = end();
    End theirs = band.end();
    lost |= band.lost;
    others += band.others;
    for (int i = 0; i < band.size; i++) {
      Object object = hasObjects() ? band.objects[i] : null;
      double value = number ? band.numbers[i] : 0;
      insert(band.times[i], band.partitions[i], band.offsets[i], value, object);
    }
    if (lost) {
      drop(size);
      return;
    }
    cut(mine);
    cut(theirs);
    trim();
  }

  /** Lets go of what lies beyond: whether events that are not held lie before it is unknown. */
  private void cut(@Nullable End end) {
    if (end == null) {
      return;
    }
    int at = indexOf(end.time, end.partition, end.offset);
    if (first) {
      // Those before the end, and the one at it where it is still held.
      int kept = at;
      if (at < size && compare(at, end.time, end.partition, end.offset) == 0) {
        kept++;
      }
      drop(size - kept);
    } else {
      drop(at);
    }
  }

  int size() {
    return size;
  }

  @Override
  public boolean isEmpty() {
    return size + others == 0;
  }

  /** Counted from the needed end: 0 is the very first, or the very last. */
  Object value(int index) {
    int at = first ? index : size - 1 - index;
    return number ? (Object) numbers[at] : Objects.requireNonNull(objects[at]);
  }

  /** Counted from the needed end. */
  long timeMillis(int index) {
    return times[first ? index : size - 1 - index];
  }

  @Override
  public TimeBand copy() {
    TimeBand copy = new TimeBand(column, number, first, needed, further);
    copy.times = times.clone();
    copy.partitions = partitions.clone();
    copy.offsets = offsets.clone();
    copy.numbers = numbers.clone();
    copy.objects = objects.clone();
    copy.size = size;
    copy.others = others;
    copy.lost = lost;
    copy.folded = folded;
    return copy;
  }

  @Override
  public void write(DataOutput out) throws IOException {
    out.writeByte(TAG);
    out.writeByte((first ? FIRST : 0) | (number ? NUMBER : 0) | (lost ? LOST : 0));
    CompactData.writeCount(out, column + 1L);
    CompactData.writeCount(out, needed);
    CompactData.writeCount(out, further);
    CompactData.writeCount(out, others);
    CompactData.writeCount(out, size);
    long time = 0;
    long offset = 0;
    for (int i = 0; i < size; i++) {
      CompactData.writeSigned(out, times[i] - time);
      CompactData.writeSigned(out, partitions[i]);
      CompactData.writeSigned(out, offsets[i] - offset);
      time = times[i];
      offset = offsets[i];
      if (number) {
        out.writeDouble(numbers[i]);
      } else if (hasObjects()) {
        CompactData.writeValue(out, objects[i]);
      }
    }
  }

  static TimeBand read(DataInput in) throws IOException {
    int flags = in.readByte();
    int column = CompactData.readSize(in) - 1;
    int needed = CompactData.readSize(in);
    int further = CompactData.readSize(in);
    TimeBand band =
        new TimeBand(column, (flags & NUMBER) != 0, (flags & FIRST) != 0, needed, further);
    band.lost = (flags & LOST) != 0;
    band.others = CompactData.readCount(in);
    band.size = CompactData.readSize(in);
    band.ensure(band.size);
    long time = 0;
    long offset = 0;
    for (int i = 0; i < band.size; i++) {
      time += CompactData.readSigned(in);
      band.times[i] = time;
      band.partitions[i] = (int) CompactData.readSigned(in);
      offset += CompactData.readSigned(in);
      band.offsets[i] = offset;
      if (band.number) {
        band.numbers[i] = in.readDouble();
      } else if (band.hasObjects()) {
        band.objects[i] = CompactData.readValue(in);
      }
    }
    return band;
  }
}
