package dev.millrace.scoring;

import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtSession;
import dev.millrace.core.row.Numbers;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Scores batches of rows with buffers that are made once: fill rows with {@code put}, call {@link
 * #score(int)}, read with {@link #probability}. For one thread.
 *
 * <p>A tensor's shape is fixed, so there is a set of tensors for each of the batch sizes that are
 * powers of two up to the first that holds maxRows, all over the same direct buffers. A batch runs
 * in the smallest that holds it; rows beyond it keep what an earlier batch left and are scored for
 * nothing. {@link BatchInvariance} says why, and which size is the first.
 *
 * <p>Only texts, and scores that come as maps, are copied for each batch.
 */
public final class BatchScorer implements AutoCloseable {

  /**
   * A batch size.
   *
   * @param inputs empty where they are made for each batch
   * @param outputs empty where the model makes its own
   */
  private record Bucket(int rows, Map<String, OnnxTensor> inputs, Map<String, OnnxTensor> outputs) {
    void close() {
      inputs.values().forEach(OnnxTensor::close);
      outputs.values().forEach(OnnxTensor::close);
    }
  }

  private final OnnxModel model;
  private final int maxRows;
  private final int leastRows;
  private final InputBuffers inputs;
  private final ScoreBuffer scores;
  private final List<Bucket> buckets = new ArrayList<>();
  private final @Nullable RunWatch watch;

  /** What a run may take, by batch size. */
  private final long[] limitNanos;

  private boolean closed;

  /** Buffers; of a warm scorer every batch size has run. */
  BatchScorer(OnnxModel model, int maxRows, int leastRows, boolean warm) {
    if (maxRows < 1) {
      throw new IllegalArgumentException(
          "Cannot score batches of at most " + maxRows + " rows: there must be at least 1");
    }
    this.model = model;
    this.maxRows = maxRows;
    this.leastRows = leastRows;
    int most = Math.max(leastRows, powerOfTwo(maxRows));
    this.inputs = new InputBuffers(model.layout(), most);
    this.scores = ScoreBuffer.of(model.output(), most);
    this.limitNanos = new long[place(most) + 1];
    RunWatch opened = null;
    boolean made = false;
    try {
      RunLimits limits = model.limits();
      if (limits != null) {
        opened = RunWatch.open();
        Arrays.fill(limitNanos, limits.firstNanos(model.device().provider()));
      }
      this.watch = opened;
      for (int rows = leastRows; rows <= most; rows *= 2) {
        buckets.add(bucket(rows));
      }
      if (warm) {
        for (Bucket bucket : buckets) {
          // The first run of a shape plans its memory; the second shows that the plan holds.
          run(bucket);
          long start = System.nanoTime();
          run(bucket);
          if (limits != null) {
            limitNanos[place(bucket.rows())] = limits.nanos(System.nanoTime() - start);
          }
        }
      }
      made = true;
    } catch (OrtException e) {
      throw failed(opened, maxRows, e);
    } finally {
      if (!made) {
        closeTensors();
        if (opened != null) {
          opened.close();
        }
      }
    }
  }

  /** The largest batch. */
  public int maxRows() {
    return maxRows;
  }

  /** F, the inputs that a row needs. */
  public int inputs() {
    return model.inputs();
  }

  /** How many values an input of a row has: 1, or as many as the vector is long. */
  public int width(int column) {
    return model.layout().columns().get(column).width();
  }

  /** The batch sizes that are run. */
  List<Integer> sizes() {
    return buckets.stream().map(Bucket::rows).toList();
  }

  InputBuffers buffers() {
    return inputs;
  }

  /**
   * Sets one input of a row, as its tensor has it; NaN says that it is missing. A tensor of whole
   * numbers has none for that: the row's score is then NaN.
   */
  public void put(int row, int column, double value) {
    inputs.put(row, column, value);
  }

  /** Sets one input of a row to a whole number. */
  public void put(int row, int column, long value) {
    inputs.put(row, column, value);
  }

  /** Sets one input of a row to a text; an empty one says that it is missing. */
  public void put(int row, int column, String value) {
    inputs.put(row, column, value);
  }

  /** Sets one input of a row that is a vector of this length. */
  public void put(int row, int column, Numbers vector) {
    inputs.put(row, column, vector);
  }

  /**
   * Scores the first {@code rows} rows.
   *
   * @throws RunEndedException where it took longer than the model's limits allow
   * @throws IllegalStateException where the model cannot run
   */
  public void score(int rows) {
    if (closed) {
      throw new IllegalStateException("Cannot score: the scorer is closed");
    }
    if (rows < 1 || rows > maxRows) {
      throw new IllegalArgumentException(
          "Cannot score " + rows + " rows: the scorer takes 1 to " + maxRows);
    }
    int size = Math.max(leastRows, powerOfTwo(rows));
    try {
      run(buckets.get(place(size)));
    } catch (OrtException e) {
      // What makes a run endless must not be among the rows beyond the next batch.
      inputs.clear();
      throw failed(watch, rows, e);
    }
  }

  /** The score of a row of the last batch; NaN where the model gives none. */
  public double probability(int row) {
    return inputs.isUnfit(row) ? Double.NaN : scores.at(row);
  }

  /** Frees the tensors, then lets go of the model. */
  @Override
  public void close() {
    if (closed) {
      return;
    }
    closed = true;
    closeTensors();
    if (watch != null) {
      watch.close();
    }
    model.scorerClosed();
  }

  /** Where a batch size stands among them. */
  private int place(int size) {
    return Integer.numberOfTrailingZeros(size) - Integer.numberOfTrailingZeros(leastRows);
  }

  private Bucket bucket(int rows) throws OrtException {
    Map<String, OnnxTensor> in = inputs.hasTexts() ? Map.of() : inputs.tensors(rows);
    boolean made = false;
    try {
      @Nullable OnnxTensor out = scores.tensor(rows);
      made = true;
      return new Bucket(rows, in, out == null ? Map.of() : Map.of(model.output().name(), out));
    } finally {
      if (!made) {
        in.values().forEach(OnnxTensor::close);
      }
    }
  }

  private void run(Bucket bucket) throws OrtException {
    if (!inputs.hasTexts()) {
      run(bucket, bucket.inputs());
      return;
    }
    Map<String, OnnxTensor> tensors = inputs.tensors(bucket.rows());
    try {
      run(bucket, tensors);
    } finally {
      tensors.values().forEach(OnnxTensor::close);
    }
  }

  private void run(Bucket bucket, Map<String, OnnxTensor> tensors) throws OrtException {
    if (!bucket.outputs().isEmpty()) {
      model.session().run(tensors, bucket.outputs(), watch, limitNanos[place(bucket.rows())]);
      return;
    }
    try (OrtSession.Result result =
        model
            .session()
            .run(tensors, model.output().name(), watch, limitNanos[place(bucket.rows())])) {
      scores.read(result);
    }
  }

  /** The least that is no smaller. */
  private static int powerOfTwo(int rows) {
    return rows == 1 ? 1 : Integer.highestOneBit(rows - 1) << 1;
  }

  private void closeTensors() {
    buckets.forEach(Bucket::close);
    buckets.clear();
  }

  private IllegalStateException failed(@Nullable RunWatch ending, int rows, OrtException e) {
    if (ending != null && ending.ended()) {
      return new RunEndedException(
          "Cannot score %d rows with model %s on %s: after %d ms it had not come back and was ended"
              .formatted(rows, model.sha256(), model.device(), ending.limitMillis()),
          e);
    }
    return new IllegalStateException(
        "Cannot score %d rows with model %s on %s: %s"
            .formatted(rows, model.sha256(), model.device(), e.getMessage()),
        e);
  }
}
