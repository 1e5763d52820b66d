package dev.millrace.core.feature;

import java.io.DataInput;
import java.io.DataOutput;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The last different values of a column, each at the place of its last event in the order (event
 * time, partition, offset). Null is no value; 0.0 and -0.0 are one.
 *
 * <p>Removes, never stale, exact, provided that events leave oldest first, as they leave a window:
 * when the last event of a held value leaves, every older event has left, so none of a value that
 * was let go is there. Some 4 bytes, and for each value held 3 to 8 bytes of its place and the
 * value itself.
 */
final class LastDistinct implements Accumulator {

  static final byte TAG = 7;

  private final int column;
  private final boolean number;
  private final int needed;

  /** Oldest first. */
  private final List<Held> held = new ArrayList<>();

  private record Held(long time, int partition, long offset, Object value) {

    boolean isBefore(Held other) {
      if (time != other.time) {
        return time < other.time;
      }
      return partition != other.partition ? partition < other.partition : offset < other.offset;
    }
  }

  LastDistinct(int column, boolean number, int needed) {
    this.column = column;
    this.number = number;
    this.needed = needed;
  }

  private @Nullable Object value(EventView event) {
    if (number) {
      double value = event.number(column);
      return Double.isNaN(value) ? null : PlainValues.distinct(value);
    }
    return PlainValues.distinct(event.object(column));
  }

  @Override
  public void add(EventView event) {
    Object value = value(event);
    if (value != null) {
      add(new Held(event.timeMillis(), event.partition(), event.offset(), value));
    }
  }

  private void add(Held one) {
    int same = indexOf(one.value);
    if (same >= 0) {
      if (one.isBefore(held.get(same))) {
        return;
      }
      Held unusedBefore = held.remove(same);
    } else if (held.size() == needed && one.isBefore(held.get(0))) {
      return;
    }
    int at = held.size();
    while (at > 0 && one.isBefore(held.get(at - 1))) {
      at--;
    }
    held.add(at, one);
    if (held.size() > needed) {
      Held unusedOldest = held.remove(0);
    }
  }

  private int indexOf(Object value) {
    for (int i = held.size() - 1; i >= 0; i--) {
      if (held.get(i).value.equals(value)) {
        return i;
      }
    }
    return -1;
  }

  @Override
  public boolean removes() {
    return true;
  }

  @Override
  public void remove(EventView event) {
    Object value = value(event);
    int same = value == null ? -1 : indexOf(value);
    if (same >= 0) {
      Held last = held.get(same);
      if (event.compareOrder(last.time, last.partition, last.offset) == 0) {
        Held unusedBefore = held.remove(same);
      }
    }
  }

  @Override
  public void beginFold() {
    held.clear();
  }

  @Override
  public void merge(Accumulator other) {
    for (Held one : ((LastDistinct) other).held) {
      add(one);
    }
  }

  @Override
  public boolean isEmpty() {
    return held.isEmpty();
  }

  /** Newest first. */
  List<Object> values(int most) {
    List<Object> values = new ArrayList<>(Math.min(most, held.size()));
    for (int i = held.size() - 1; i >= 0 && values.size() < most; i--) {
      values.add(held.get(i).value);
    }
    return values;
  }

  @Override
  public LastDistinct copy() {
    LastDistinct copy = new LastDistinct(column, number, needed);
    copy.held.addAll(held);
    return copy;
  }

  @Override
  public void write(DataOutput out) throws IOException {
    out.writeByte(TAG);
    CompactData.writeCount(out, column * 2L + (number ? 1 : 0));
    CompactData.writeCount(out, needed);
    CompactData.writeCount(out, held.size());
    long time = 0;
    long offset = 0;
    for (Held one : held) {
      CompactData.writeSigned(out, one.time - time);
      CompactData.writeSigned(out, one.partition);
      CompactData.writeSigned(out, one.offset - offset);
      CompactData.writeValue(out, one.value);
      time = one.time;
      offset = one.offset;
    }
  }

  static LastDistinct read(DataInput in) throws IOException {
    int header = CompactData.readSize(in);
    LastDistinct read = new LastDistinct(header >>> 1, (header & 1) != 0, CompactData.readSize(in));
    int size = CompactData.readSize(in);
    long time = 0;
    long offset = 0;
    for (int i = 0; i < size; i++) {
      time += CompactData.readSigned(in);
      int partition = (int) CompactData.readSigned(in);
      offset += CompactData.readSigned(in);
      Object value = CompactData.readValue(in);
      if (value == null) {
        throw new IOException("Cannot read the last different values: one is null");
      }
      read.held.add(new Held(time, partition, offset, value));
    }
    return read;
  }
}
