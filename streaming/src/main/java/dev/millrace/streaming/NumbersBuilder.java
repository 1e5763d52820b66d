package dev.millrace.streaming;

import dev.millrace.core.row.Numbers;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import org.apache.avro.Schema;

/** Gathers the numbers of a vector of which nobody knows beforehand how long it is. */
final class NumbersBuilder {

  private static final int FIRST = 16;

  private final Schema.Type type;
  private float[] floats = {};
  private double[] doubles = {};
  private long[] longs = {};
  private int size;
  private int capacity;

  /** Of elements of this Avro type, which is FLOAT, DOUBLE, INT or LONG. */
  NumbersBuilder(Schema.Type type) {
    this.type = type;
  }

  /** Makes room for so many more; a vector that comes in many parts is not copied for each. */
  void expect(long more) {
    int needed = Math.toIntExact(size + more);
    if (needed > capacity) {
      grow(Math.max(needed, capacity == 0 ? 0 : Math.multiplyExact(capacity, 2)));
    }
  }

  void add(float value) {
    room();
    floats[size++] = value;
  }

  void add(double value) {
    room();
    doubles[size++] = value;
  }

  void add(long value) {
    room();
    longs[size++] = value;
  }

  /** Adds floats or doubles as Avro writes them, in one piece. */
  void addAll(byte[] littleEndian) {
    ByteBuffer bytes = ByteBuffer.wrap(littleEndian).order(ByteOrder.LITTLE_ENDIAN);
    if (type == Schema.Type.FLOAT) {
      int count = littleEndian.length / Float.BYTES;
      expect(count);
      var unused = bytes.asFloatBuffer().get(floats, size, count);
      size += count;
    } else {
      int count = littleEndian.length / Double.BYTES;
      expect(count);
      var unused = bytes.asDoubleBuffer().get(doubles, size, count);
      size += count;
    }
  }

  private void room() {
    if (size == capacity) {
      grow(Math.max(FIRST, Math.multiplyExact(capacity, 2)));
    }
  }

  private void grow(int to) {
    capacity = to;
    switch (type) {
      case FLOAT -> floats = Arrays.copyOf(floats, to);
      case DOUBLE -> doubles = Arrays.copyOf(doubles, to);
      default -> longs = Arrays.copyOf(longs, to);
    }
  }

  Numbers build() {
    return switch (type) {
      case FLOAT -> Numbers.of(size == capacity ? floats : Arrays.copyOf(floats, size));
      case DOUBLE -> Numbers.of(size == capacity ? doubles : Arrays.copyOf(doubles, size));
      default -> Numbers.of(size == capacity ? longs : Arrays.copyOf(longs, size));
    };
  }
}
