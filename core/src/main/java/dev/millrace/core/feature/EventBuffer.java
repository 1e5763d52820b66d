package dev.millrace.core.feature;

import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * The events of one entity that a window can still see, ordered by (event time, partition, offset).
 *
 * <p>Columns: numbers are doubles with NaN for null (an event with a NaN never gets here); anything
 * else is an object. The order is total, so what is computed over it does not depend on the order
 * of arrival. Insertion is an append for events in order and a move of the tail otherwise; eviction
 * drops a prefix.
 */
public final class EventBuffer {

  private static final int CAPACITY_LEAST = 4;

  private int size;
  private long[] times;
  private int[] partitions;
  private long[] offsets;
  private final double[][] numbers;
  private final @Nullable Object[][] objects;

  public EventBuffer(int numberColumns, int objectColumns) {
    this(numberColumns, objectColumns, CAPACITY_LEAST);
  }

  private EventBuffer(int numberColumns, int objectColumns, int capacity) {
    times = new long[capacity];
    partitions = new int[capacity];
    offsets = new long[capacity];
    numbers = new double[numberColumns][capacity];
    objects = new Object[objectColumns][capacity];
  }

  public EventBuffer copy() {
    EventBuffer copy =
        new EventBuffer(numbers.length, objects.length, Math.max(CAPACITY_LEAST, size));
    copy.size = size;
    System.arraycopy(times, 0, copy.times, 0, size);
    System.arraycopy(partitions, 0, copy.partitions, 0, size);
    System.arraycopy(offsets, 0, copy.offsets, 0, size);
    for (int c = 0; c < numbers.length; c++) {
      System.arraycopy(numbers[c], 0, copy.numbers[c], 0, size);
    }
    for (int c = 0; c < objects.length; c++) {
      System.arraycopy(objects[c], 0, copy.objects[c], 0, size);
    }
    return copy;
  }

  /** Puts an event in its place; {@code values} are numbers first, then objects. */
  public void add(long timeMillis, int partition, long offset, @Nullable Object[] values) {
    if (size == times.length) {
      grow();
    }
    int at = size;
    while (at > 0 && before(timeMillis, partition, offset, at - 1)) {
      at--;
    }
    int moved = size - at;
    System.arraycopy(times, at, times, at + 1, moved);
    System.arraycopy(partitions, at, partitions, at + 1, moved);
    System.arraycopy(offsets, at, offsets, at + 1, moved);
    times[at] = timeMillis;
    partitions[at] = partition;
    offsets[at] = offset;
    for (int c = 0; c < numbers.length; c++) {
      System.arraycopy(numbers[c], at, numbers[c], at + 1, moved);
      numbers[c][at] = values[c] instanceof Number n ? n.doubleValue() : Double.NaN;
    }
    for (int c = 0; c < objects.length; c++) {
      System.arraycopy(objects[c], at, objects[c], at + 1, moved);
      objects[c][at] = values[numbers.length + c];
    }
    size++;
  }

  /** Drops every event at or before the given time. */
  public void evictThrough(long timeMillis) {
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

  /** The index of the first event after the given time; {@link #size} where there is none. */
  public int firstAfter(long timeMillis) {
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

  public int size() {
    return size;
  }

  public long timeMillis(int index) {
    return times[index];
  }

  public int partition(int index) {
    return partitions[index];
  }

  public long offset(int index) {
    return offsets[index];
  }

  public int numberColumns() {
    return numbers.length;
  }

  public int objectColumns() {
    return objects.length;
  }

  /** NaN where the event has no value. */
  public double number(int column, int index) {
    return numbers[column][index];
  }

  public @Nullable Object object(int column, int index) {
    return objects[column][index];
  }

  private boolean before(long timeMillis, int partition, long offset, int index) {
    if (timeMillis != times[index]) {
      return timeMillis < times[index];
    }
    if (partition != partitions[index]) {
      return partition < partitions[index];
    }
    return offset < offsets[index];
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
}
