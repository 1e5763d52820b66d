package dev.millrace.core.feature;

import java.io.DataInput;
import java.io.DataOutput;
import java.io.IOException;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * A page of an entity's events, ordered by (event time, partition, offset), with links to the pages
 * before and after it. Mutable; one owner.
 *
 * <p>Number columns are doubles with NaN for null; anything else is an object. The order is total,
 * so what is folded over pages does not depend on the order of arrival.
 */
public final class EventPage {

  /** Where there is no page. */
  public static final long NONE = -1;

  /** How many events a page takes before a new one is begun. */
  static final int FULL = 64;

  /** How many events an older page takes, by events that come late, before it is split. */
  static final int SPLIT = 2 * FULL;

  private static final int CAPACITY_LEAST = 4;

  long before = NONE;
  long after = NONE;

  private int size;
  private long[] times;
  private int[] partitions;
  private long[] offsets;
  private final double[][] numbers;
  private final @Nullable Object[][] objects;

  EventPage(int numberColumns, int objectColumns) {
    this(numberColumns, objectColumns, CAPACITY_LEAST);
  }

  private EventPage(int numberColumns, int objectColumns, int capacity) {
    times = new long[capacity];
    partitions = new int[capacity];
    offsets = new long[capacity];
    numbers = new double[numberColumns][capacity];
    objects = new Object[objectColumns][capacity];
  }

  /** A page of no columns, for serializers. */
  public static EventPage nothing() {
    return new EventPage(0, 0);
  }

  public EventPage copy() {
    EventPage copy = slice(0, size);
    copy.before = before;
    copy.after = after;
    return copy;
  }

  int size() {
    return size;
  }

  long timeMillis(int index) {
    return times[index];
  }

  /** Puts an event in its place and says at which index. */
  int add(EventView event) {
    if (size == times.length) {
      grow();
    }
    int at = size;
    while (at > 0 && isBefore(event, at - 1)) {
      at--;
    }
    int moved = size - at;
    if (moved > 0) {
      System.arraycopy(times, at, times, at + 1, moved);
      System.arraycopy(partitions, at, partitions, at + 1, moved);
      System.arraycopy(offsets, at, offsets, at + 1, moved);
      for (double[] column : numbers) {
        System.arraycopy(column, at, column, at + 1, moved);
      }
      for (@Nullable Object[] column : objects) {
        System.arraycopy(column, at, column, at + 1, moved);
      }
    }
    times[at] = event.timeMillis();
    partitions[at] = event.partition();
    offsets[at] = event.offset();
    for (int c = 0; c < numbers.length; c++) {
      numbers[c][at] = event.number(c);
    }
    for (int c = 0; c < objects.length; c++) {
      objects[c][at] = PlainValues.of(event.object(c));
    }
    size++;
    return at;
  }

  /** Whether the event's place is before that of the event at the index. */
  boolean isBefore(EventView event, int index) {
    return event.compareOrder(times[index], partitions[index], offsets[index]) < 0;
  }

  /** The index of the first event after the given time; {@link #size} where there is none. */
  int firstAfter(long timeMillis) {
    int low = 0;
    int high = size;
    while (low < high) {
      int middle = (low + high) >>> 1;
      if (times[middle] <= timeMillis) {
        low = middle + 1;
      } else {
        high = middle;
      }
    }
    return low;
  }

  /** Drops every event at or before the given time. */
  void evictThrough(long timeMillis) {
    int from = firstAfter(timeMillis);
    if (from == 0) {
      return;
    }
    int left = size - from;
    System.arraycopy(times, from, times, 0, left);
    System.arraycopy(partitions, from, partitions, 0, left);
    System.arraycopy(offsets, from, offsets, 0, left);
    for (double[] column : numbers) {
      System.arraycopy(column, from, column, 0, left);
    }
    for (@Nullable Object[] column : objects) {
      System.arraycopy(column, from, column, 0, left);
      Arrays.fill(column, left, size, null);
    }
    size = left;
  }

  /** Keeps the first half and gives the second. */
  EventPage splitHalf() {
    int half = size / 2;
    EventPage second = slice(half, size);
    for (@Nullable Object[] column : objects) {
      Arrays.fill(column, half, size, null);
    }
    size = half;
    return second;
  }

  private EventPage slice(int from, int to) {
    int length = to - from;
    EventPage slice =
        new EventPage(numbers.length, objects.length, Math.max(CAPACITY_LEAST, length));
    slice.size = length;
    System.arraycopy(times, from, slice.times, 0, length);
    System.arraycopy(partitions, from, slice.partitions, 0, length);
    System.arraycopy(offsets, from, slice.offsets, 0, length);
    for (int c = 0; c < numbers.length; c++) {
      System.arraycopy(numbers[c], from, slice.numbers[c], 0, length);
    }
    for (int c = 0; c < objects.length; c++) {
      System.arraycopy(objects[c], from, slice.objects[c], 0, length);
    }
    return slice;
  }

  private void grow() {
    int capacity = times.length * 2;
    times = Arrays.copyOf(times, capacity);
    partitions = Arrays.copyOf(partitions, capacity);
    offsets = Arrays.copyOf(offsets, capacity);
    for (int c = 0; c < numbers.length; c++) {
      numbers[c] = Arrays.copyOf(numbers[c], capacity);
    }
    for (int c = 0; c < objects.length; c++) {
      objects[c] = Arrays.copyOf(objects[c], capacity);
    }
  }

  /** Times and offsets as differences, so that an event costs its columns and a few bytes. */
  public void write(DataOutput out) throws IOException {
    CompactData.writeSigned(out, before);
    CompactData.writeSigned(out, after);
    CompactData.writeCount(out, numbers.length);
    CompactData.writeCount(out, objects.length);
    CompactData.writeCount(out, size);
    long time = 0;
    long offset = 0;
    for (int i = 0; i < size; i++) {
      CompactData.writeSigned(out, times[i] - time);
      CompactData.writeCount(out, partitions[i]);
      CompactData.writeSigned(out, offsets[i] - offset);
      time = times[i];
      offset = offsets[i];
      for (double[] column : numbers) {
        out.writeDouble(column[i]);
      }
      for (@Nullable Object[] column : objects) {
        CompactData.writeValue(out, column[i]);
      }
    }
  }

  public static EventPage read(DataInput in) throws IOException {
    long before = CompactData.readSigned(in);
    long after = CompactData.readSigned(in);
    int numberColumns = CompactData.readSize(in);
    int objectColumns = CompactData.readSize(in);
    int size = CompactData.readSize(in);
    EventPage page =
        new EventPage(numberColumns, objectColumns, Math.max(CAPACITY_LEAST, size + 1));
    page.before = before;
    page.after = after;
    page.size = size;
    long time = 0;
    long offset = 0;
    for (int i = 0; i < size; i++) {
      time += CompactData.readSigned(in);
      page.times[i] = time;
      page.partitions[i] = CompactData.readSize(in);
      offset += CompactData.readSigned(in);
      page.offsets[i] = offset;
      for (double[] column : page.numbers) {
        column[i] = in.readDouble();
      }
      for (@Nullable Object[] column : page.objects) {
        column[i] = CompactData.readValue(in);
      }
    }
    return page;
  }

  /** Stands at one event of a page at a time. */
  static final class Cursor implements EventView {
    private EventPage page = new EventPage(0, 0);
    private int index;

    Cursor at(EventPage newPage, int newIndex) {
      page = newPage;
      index = newIndex;
      return this;
    }

    @Override
    public long timeMillis() {
      return page.times[index];
    }

    @Override
    public int partition() {
      return page.partitions[index];
    }

    @Override
    public long offset() {
      return page.offsets[index];
    }

    @Override
    public double number(int column) {
      return page.numbers[column][index];
    }

    @Override
    public @Nullable Object object(int column) {
      return page.objects[column][index];
    }
  }
}
