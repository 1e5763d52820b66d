package dev.millrace.scoring;

import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OrtException;
import dev.millrace.core.row.Numbers;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.DoubleBuffer;
import java.nio.FloatBuffer;
import java.nio.LongBuffer;
import java.util.Arrays;
import java.util.BitSet;

/** The values of one tensor for the rows of a batch, row after row. For one thread. */
sealed interface InputValues {

  /** Beyond it a double does not say which whole number is meant. */
  double MAX_WHOLE = 1L << 53;

  InputLayout.Node node();

  void put(int at, double value);

  void put(int at, long value);

  default void put(int at, String value) {
    throw new IllegalArgumentException(
        "Cannot put text %s into input %s, which takes numbers".formatted(value, node().name()));
  }

  /** Puts all of them, the first at this place. */
  default void put(int at, Numbers vector) {
    if (vector instanceof Numbers.Longs longs) {
      long[] values = longs.array();
      for (int i = 0; i < values.length; i++) {
        put(at + i, values[i]);
      }
    } else {
      for (int i = 0; i < vector.size(); i++) {
        put(at + i, vector.at(i));
      }
    }
  }

  /** A tensor over the first rows. */
  OnnxTensor tensor(int rows) throws OrtException;

  static InputValues of(InputLayout.Node node, int rows) {
    int values = Math.multiplyExact(rows, node.width());
    return switch (node.type()) {
      case FLOAT -> new Floats(node, direct(values, Float.BYTES).asFloatBuffer());
      case DOUBLE -> new Doubles(node, direct(values, Double.BYTES).asDoubleBuffer());
      case INT64 -> new Wholes(node, direct(values, Long.BYTES).asLongBuffer(), new BitSet(values));
      case STRING -> new Texts(node, new String[values]);
      default -> throw new IllegalArgumentException("Cannot take values of " + node.type());
    };
  }

  static ByteBuffer direct(int values, int bytes) {
    return ByteBuffer.allocateDirect(Math.multiplyExact(values, bytes))
        .order(ByteOrder.nativeOrder());
  }

  private static long[] shape(InputLayout.Node node, int rows) {
    return node.hasRank2() ? new long[] {rows, node.width()} : new long[] {rows};
  }

  record Floats(InputLayout.Node node, FloatBuffer buffer) implements InputValues {
    @Override
    public void put(int at, double value) {
      buffer.put(at, (float) value);
    }

    @Override
    public void put(int at, long value) {
      buffer.put(at, (float) value);
    }

    @Override
    public void put(int at, Numbers vector) {
      if (vector instanceof Numbers.Floats floats) {
        float[] values = floats.array();
        buffer.put(at, values, 0, values.length);
      } else {
        InputValues.super.put(at, vector);
      }
    }

    @Override
    public OnnxTensor tensor(int rows) throws OrtException {
      return OnnxTensor.createTensor(
          OnnxSession.environment(), buffer.slice(0, rows * node.width()), shape(node, rows));
    }
  }

  record Doubles(InputLayout.Node node, DoubleBuffer buffer) implements InputValues {
    @Override
    public void put(int at, double value) {
      buffer.put(at, value);
    }

    @Override
    public void put(int at, long value) {
      buffer.put(at, (double) value);
    }

    @Override
    public void put(int at, Numbers vector) {
      if (vector instanceof Numbers.Doubles doubles) {
        double[] values = doubles.array();
        buffer.put(at, values, 0, values.length);
      } else {
        InputValues.super.put(at, vector);
      }
    }

    @Override
    public OnnxTensor tensor(int rows) throws OrtException {
      return OnnxTensor.createTensor(
          OnnxSession.environment(), buffer.slice(0, rows * node.width()), shape(node, rows));
    }
  }

  /**
   * Whole numbers, of which none says that it is missing.
   *
   * @param unfit where a value was put that is no whole number
   */
  record Wholes(InputLayout.Node node, LongBuffer buffer, BitSet unfit) implements InputValues {
    @Override
    public void put(int at, double value) {
      // NaN is unequal to itself.
      if (value == Math.rint(value) && Math.abs(value) <= MAX_WHOLE) {
        put(at, (long) value);
      } else {
        buffer.put(at, 0);
        unfit.set(at);
      }
    }

    @Override
    public void put(int at, long value) {
      buffer.put(at, value);
      unfit.clear(at);
    }

    boolean isUnfit(int row) {
      int first = unfit.nextSetBit(row * node.width());
      return first >= 0 && first < (row + 1) * node.width();
    }

    @Override
    public OnnxTensor tensor(int rows) throws OrtException {
      return OnnxTensor.createTensor(
          OnnxSession.environment(), buffer.slice(0, rows * node.width()), shape(node, rows));
    }
  }

  /** Texts; an empty one stands for a missing one. */
  // Nobody compares these.
  @SuppressWarnings("ArrayRecordComponent")
  record Texts(InputLayout.Node node, String[] values) implements InputValues {

    public Texts {
      Arrays.fill(values, "");
    }

    @Override
    public void put(int at, double value) {
      if (!Double.isNaN(value)) {
        throw new IllegalArgumentException(
            "Cannot put number %s into input %s, which takes text".formatted(value, node.name()));
      }
      values[at] = "";
    }

    @Override
    public void put(int at, long value) {
      put(at, (double) value);
    }

    @Override
    public void put(int at, String value) {
      values[at] = value;
    }

    @Override
    public OnnxTensor tensor(int rows) throws OrtException {
      return OnnxTensor.createTensor(
          OnnxSession.environment(), Arrays.copyOf(values, rows * node.width()), shape(node, rows));
    }
  }
}
