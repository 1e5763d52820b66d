package dev.millrace.core.feature;

import java.io.DataInput;
import java.io.DataOutput;
import java.io.IOException;
import java.util.SortedMap;
import java.util.TreeMap;
import org.apache.datasketches.common.ArrayOfStringsSerDe;
import org.apache.datasketches.frequencies.ErrorType;
import org.apache.datasketches.frequencies.ItemsSketch;
import org.apache.datasketches.memory.Memory;
import org.jspecify.annotations.Nullable;

/**
 * About how often the most frequent values of an object column occur: a Misra-Gries sketch with
 * batched decrements [1]. Null is no value; 0.0 and -0.0 are one.
 *
 * <p>Does not remove. With a map of k places it holds at most 0.75 k values; up to so many
 * different ones it is exact, beyond them every estimate is at most 3.5 / k of all events too high
 * and never too low, and each value more frequent than that is there. Some 40 bytes, and for each
 * value held 12 and the value.
 *
 * <p>[1] D. Anderson et al., A high-performance algorithm for identifying frequent items in data
 * streams, IMC 2017.
 */
final class FrequentItems implements Accumulator {

  static final byte TAG = 10;

  private static final int SIZE_LEAST = 8;
  private static final byte[] NO_BYTES = {};
  private static final ArrayOfStringsSerDe TEXTS = new ArrayOfStringsSerDe();

  private final int column;
  private final int size;

  /** As it was read, until something changes. */
  private byte @Nullable [] bytes;

  private @Nullable ItemsSketch<String> sketch;

  /** The error of sketches that let go of every value, which the library forgets with them. */
  private long forgotten;

  /**
   * @param size of the map; rounded up to a power of two
   */
  FrequentItems(int column, int size) {
    this(column, size, null);
  }

  private FrequentItems(int column, int size, byte @Nullable [] bytes) {
    this.column = column;
    this.size = Math.max(SIZE_LEAST, Integer.highestOneBit(2 * size - 1));
    this.bytes = bytes;
  }

  /** To be changed. */
  private ItemsSketch<String> changing() {
    ItemsSketch<String> current = current();
    bytes = null;
    return current;
  }

  /** A sketch that holds no value any more counts as a fresh one, but for its error. */
  private void settle() {
    if (sketch != null && sketch.isEmpty()) {
      forgotten += sketch.getMaximumError();
      sketch = null;
      bytes = null;
    }
  }

  private ItemsSketch<String> current() {
    if (sketch == null) {
      sketch =
          bytes == null
              ? new ItemsSketch<>(size)
              : ItemsSketch.getInstance(Memory.wrap(bytes), TEXTS);
    }
    return sketch;
  }

  @Override
  public void add(EventView event) {
    Object value = PlainValues.distinct(event.object(column));
    if (value != null) {
      changing().update(PlainValues.text(value));
    }
  }

  @Override
  public boolean removes() {
    return false;
  }

  @Override
  public void beginFold() {
    bytes = null;
    sketch = null;
    forgotten = 0;
  }

  @Override
  public void merge(Accumulator other) {
    FrequentItems items = (FrequentItems) other;
    items.settle();
    forgotten += items.forgotten;
    if (items.holdsValues()) {
      ItemsSketch<String> unusedThis = changing().merge(items.current());
    }
  }

  private boolean holdsValues() {
    return bytes != null || (sketch != null && !sketch.isEmpty());
  }

  @Override
  public boolean isEmpty() {
    return forgotten == 0 && bytes == null && (sketch == null || sketch.getStreamLength() == 0);
  }

  /** By value: every one that may be more frequent than the error. */
  SortedMap<String, Long> estimates() {
    SortedMap<String, Long> estimates = new TreeMap<>();
    for (ItemsSketch.Row<String> row : current().getFrequentItems(ErrorType.NO_FALSE_NEGATIVES)) {
      Long unusedBefore = estimates.put(row.getItem(), row.getEstimate() + forgotten);
    }
    return estimates;
  }

  /** By how much an estimate may be too high. */
  long error() {
    return current().getMaximumError() + forgotten;
  }

  @Override
  public FrequentItems copy() {
    settle();
    FrequentItems copy = new FrequentItems(column, size, holdsValues() ? bytes() : null);
    copy.forgotten = forgotten;
    return copy;
  }

  private byte[] bytes() {
    if (bytes == null) {
      bytes = current().toByteArray(TEXTS);
    }
    return bytes;
  }

  @Override
  public void write(DataOutput out) throws IOException {
    settle();
    out.writeByte(TAG);
    CompactData.writeCount(out, column);
    CompactData.writeCount(out, size);
    CompactData.writeCount(out, forgotten);
    CompactData.writeBytes(out, holdsValues() ? bytes() : NO_BYTES);
  }

  static FrequentItems read(DataInput in) throws IOException {
    int column = CompactData.readSize(in);
    int size = CompactData.readSize(in);
    long forgotten = CompactData.readCount(in);
    byte[] bytes = CompactData.readBytes(in);
    FrequentItems read = new FrequentItems(column, size, bytes.length == 0 ? null : bytes);
    read.forgotten = forgotten;
    return read;
  }
}
