package dev.millrace.core.feature;

import java.io.DataInput;
import java.io.DataOutput;
import java.io.IOException;

/**
 * How many events there are, or how many meet a condition, whose column is 1 for them. Removes,
 * never stale, exact; three to five bytes.
 */
final class EventCount implements Accumulator {

  static final byte TAG = 1;

  /** Instead of a condition's column: every event counts. */
  static final int EVERY = -1;

  private final int column;
  private long events;
  private long count;

  EventCount(int column) {
    this.column = column;
  }

  long count() {
    return column == EVERY ? events : count;
  }

  @Override
  public void add(EventView event) {
    events++;
    if (column != EVERY && event.number(column) == 1) {
      count++;
    }
  }

  @Override
  public boolean removes() {
    return true;
  }

  @Override
  public void remove(EventView event) {
    events--;
    if (column != EVERY && event.number(column) == 1) {
      count--;
    }
  }

  @Override
  public void beginFold() {
    events = 0;
    count = 0;
  }

  @Override
  public void merge(Accumulator other) {
    EventCount counted = (EventCount) other;
    events += counted.events;
    count += counted.count;
  }

  @Override
  public boolean isEmpty() {
    return events == 0;
  }

  @Override
  public EventCount copy() {
    EventCount copy = new EventCount(column);
    copy.events = events;
    copy.count = count;
    return copy;
  }

  @Override
  public void write(DataOutput out) throws IOException {
    out.writeByte(TAG);
    CompactData.writeCount(out, column + 1L);
    CompactData.writeCount(out, events);
    if (column != EVERY) {
      CompactData.writeCount(out, count);
    }
  }

  static EventCount read(DataInput in) throws IOException {
    EventCount read = new EventCount(CompactData.readSize(in) - 1);
    read.events = CompactData.readCount(in);
    if (read.column != EVERY) {
      read.count = CompactData.readCount(in);
    }
    return read;
  }
}
