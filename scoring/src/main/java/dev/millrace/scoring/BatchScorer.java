package dev.millrace.scoring;

import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OrtException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Scores batches of rows with buffers that are made once: fill rows with {@link #put}, call {@link
 * #score(int)}, read with {@link #probability}. For one thread.
 *
 * <p>A tensor's shape is fixed, so there is one pair of tensors for each of the batch sizes 1, 2,
 * 4, …, maxRows, all over the same two direct buffers. A batch runs in the smallest that holds it;
 * rows beyond it keep what an earlier batch left and are scored for nothing.
 */
public final class BatchScorer implements AutoCloseable {

  private record Bucket(
      int rows,
      OnnxTensor in,
      OnnxTensor out,
      Map<String, OnnxTensor> inputs,
      Map<String, OnnxTensor> outputs) {}

  private final OnnxModel model;
  private final int maxRows;
  private final int inputs;
  private final FloatBuffer in;
  private final FloatBuffer out;
  private final int outColumns;
  private final int outColumn;
  private final List<Bucket> buckets = new ArrayList<>();
  private boolean closed;

  BatchScorer(OnnxModel model, int maxRows) {
    if (maxRows < 1) {
      throw new IllegalArgumentException(
          "Cannot score batches of at most " + maxRows + " rows: there must be at least 1");
    }
    this.model = model;
    this.maxRows = maxRows;
    this.inputs = model.inputs();
    this.outColumns = model.outputColumns();
    this.outColumn = outColumns - 1;
    this.in = direct(maxRows, inputs);
    this.out = direct(maxRows, outColumns);
    boolean warm = false;
    try {
      for (int rows = 1; rows < maxRows; rows *= 2) {
        buckets.add(bucket(rows));
      }
      buckets.add(bucket(maxRows));
      for (Bucket bucket : buckets) {
        // The first run of a shape plans its memory; the second shows that the plan holds.
        run(bucket);
        run(bucket);
      }
      warm = true;
    } catch (OrtException e) {
      throw failed(maxRows, e);
    } finally {
      if (!warm) {
        closeTensors();
      }
    }
  }

  /** The largest batch. */
  public int maxRows() {
    return maxRows;
  }

  /** F, the values a row needs. */
  public int inputs() {
    return inputs;
  }

  /** Sets one value of a row; NaN says that it is missing. */
  public void put(int row, int column, float value) {
    if (column < 0 || column >= inputs) {
      throw new IndexOutOfBoundsException("column " + column + " of " + inputs);
    }
    in.put(row * inputs + column, value);
  }

  /** Sets one value of a row, rounded to float; NaN says that it is missing. */
  public void put(int row, int column, double value) {
    put(row, column, (float) value);
  }

  /** Scores the first {@code rows} rows. */
  public void score(int rows) {
    if (closed) {
      throw new IllegalStateException("Cannot score: the scorer is closed");
    }
    if (rows < 1 || rows > maxRows) {
      throw new IllegalArgumentException(
          "Cannot score " + rows + " rows: the scorer takes 1 to " + maxRows);
    }
    int at = rows == 1 ? 0 : Integer.SIZE - Integer.numberOfLeadingZeros(rows - 1);
    try {
      run(buckets.get(at));
    } catch (OrtException e) {
      throw failed(rows, e);
    }
  }

  /** The probability of a row of the last batch; NaN where the model gives none. */
  public double probability(int row) {
    return out.get(row * outColumns + outColumn);
  }

  /** Frees the tensors, then lets go of the model. */
  @Override
  public void close() {
    if (closed) {
      return;
    }
    closed = true;
    closeTensors();
    model.scorerClosed();
  }

  private Bucket bucket(int rows) throws OrtException {
    OnnxTensor inTensor =
        OnnxTensor.createTensor(
            OnnxModel.environment(), in.slice(0, rows * inputs), new long[] {rows, inputs});
    boolean made = false;
    try {
      OnnxTensor outTensor =
          OnnxTensor.createTensor(
              OnnxModel.environment(), out.slice(0, rows * outColumns), model.outputShape(rows));
      made = true;
      return new Bucket(
          rows,
          inTensor,
          outTensor,
          Map.of(model.input(), inTensor),
          Map.of(model.output(), outTensor));
    } finally {
      if (!made) {
        inTensor.close();
      }
    }
  }

  private void run(Bucket bucket) throws OrtException {
    model.run(bucket.inputs(), Set.of(), bucket.outputs());
  }

  private void closeTensors() {
    for (Bucket bucket : buckets) {
      bucket.in().close();
      bucket.out().close();
    }
    buckets.clear();
  }

  private IllegalStateException failed(int rows, OrtException e) {
    return new IllegalStateException(
        "Cannot score %d rows with model %s: %s".formatted(rows, model.sha256(), e.getMessage()),
        e);
  }

  private static FloatBuffer direct(int rows, int columns) {
    return ByteBuffer.allocateDirect(Math.multiplyExact(rows * columns, Float.BYTES))
        .order(ByteOrder.nativeOrder())
        .asFloatBuffer();
  }
}
