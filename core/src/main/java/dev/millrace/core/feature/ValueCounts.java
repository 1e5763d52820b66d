package dev.millrace.core.feature;

import java.io.DataInput;
import java.io.DataOutput;
import java.io.IOException;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * How often each value of an object column occurs, for the least values in their own order, with
 * how many events have a greater value that is not held. Null is no value; 0.0 and -0.0 are one.
 *
 * <p>Removes, exact up to the values needed and a number of further ones; stale where fewer than
 * the needed are left while others are known to exist. Some 6 bytes, and for each value held the
 * value and one to three bytes.
 */
final class ValueCounts implements Accumulator {

  static final byte TAG = 6;

  private final int column;
  private final int needed;
  private final int further;
  private final TreeMap<Object, Long> counts = new TreeMap<>(PlainValues.ORDER);
  private long others;

  ValueCounts(int column, int needed, int further) {
    this.column = column;
    this.needed = needed;
    this.further = further;
  }

  @Override
  public void add(EventView event) {
    Object value = PlainValues.distinct(event.object(column));
    if (value != null) {
      add(value);
    }
  }

  private void add(Object value) {
    // With nothing held and others known, it cannot be told whether they are greater.
    if (others > 0 && (counts.isEmpty() || isBeyond(value))) {
      others++;
      return;
    }
    Long unusedBefore = counts.merge(value, 1L, Long::sum);
    trim();
  }

  private boolean isBeyond(Object value) {
    return PlainValues.ORDER.compare(value, counts.lastKey()) > 0;
  }

  private void trim() {
    while (counts.size() > needed + further) {
      others += counts.pollLastEntry().getValue();
    }
  }

  @Override
  public boolean removes() {
    return true;
  }

  @Override
  public void remove(EventView event) {
    Object value = PlainValues.distinct(event.object(column));
    if (value == null) {
      return;
    }
    Long count = counts.get(value);
    if (count == null) {
      others--;
    } else if (count == 1) {
      Long unusedBefore = counts.remove(value);
    } else {
      Long unusedBefore = counts.put(value, count - 1);
    }
  }

  @Override
  public boolean stale() {
    return others > 0 && counts.size() < needed;
  }

  @Override
  public void beginFold() {
    counts.clear();
    others = 0;
  }

  @Override
  public void merge(Accumulator other) {
    ValueCounts values = (ValueCounts) other;
    Object end = end();
    Object otherEnd = values.end();
    boolean lost = isLost() || values.isLost();
    others += values.others;
    values.counts.forEach((value, count) -> counts.merge(value, count, Long::sum));
    if (lost) {
      cut(counts);
    } else {
      if (end != null) {
        cut(counts.tailMap(end, false));
      }
      if (otherEnd != null) {
        cut(counts.tailMap(otherEnd, false));
      }
      trim();
    }
  }

  /** The greatest value below which every value is held; null where all are. */
  private @Nullable Object end() {
    return others == 0 || counts.isEmpty() ? null : counts.lastKey();
  }

  private boolean isLost() {
    return others > 0 && counts.isEmpty();
  }

  private void cut(SortedMap<Object, Long> beyond) {
    for (long count : beyond.values()) {
      others += count;
    }
    beyond.clear();
  }

  /** How many different values there are; more than are held count as those that are held. */
  int distinct() {
    return counts.size();
  }

  /** Of the least values. */
  Map<Object, Long> counts() {
    return counts;
  }

  @Override
  public boolean isEmpty() {
    return counts.isEmpty() && others == 0;
  }

  @Override
  public ValueCounts copy() {
    ValueCounts copy = new ValueCounts(column, needed, further);
    copy.counts.putAll(counts);
    copy.others = others;
    return copy;
  }

  @Override
  public void write(DataOutput out) throws IOException {
    out.writeByte(TAG);
    CompactData.writeCount(out, column);
    CompactData.writeCount(out, needed);
    CompactData.writeCount(out, further);
    CompactData.writeCount(out, others);
    CompactData.writeCount(out, counts.size());
    for (Map.Entry<Object, Long> entry : counts.entrySet()) {
      CompactData.writeValue(out, entry.getKey());
      CompactData.writeCount(out, entry.getValue());
    }
  }

  static ValueCounts read(DataInput in) throws IOException {
    int column = CompactData.readSize(in);
    int needed = CompactData.readSize(in);
    int further = CompactData.readSize(in);
    ValueCounts read = new ValueCounts(column, needed, further);
    read.others = CompactData.readCount(in);
    int size = CompactData.readSize(in);
    for (int i = 0; i < size; i++) {
      Object value = CompactData.readValue(in);
      long count = CompactData.readCount(in);
      if (value == null) {
        throw new IOException("Cannot read counts of values: a value is null");
      }
      Long unusedBefore = read.counts.put(value, count);
    }
    return read;
  }
}
