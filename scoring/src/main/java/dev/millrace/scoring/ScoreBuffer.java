package dev.millrace.scoring;

import ai.onnxruntime.OnnxJavaType;
import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtSession;
import java.nio.DoubleBuffer;
import java.nio.FloatBuffer;
import org.jspecify.annotations.Nullable;

/** Where the scores of a batch are left. For one thread. */
sealed interface ScoreBuffer {

  double at(int row);

  /** A tensor over the first rows that the model writes to; null where it makes its own. */
  @Nullable OnnxTensor tensor(int rows) throws OrtException;

  /** Takes the scores from what the model made. */
  default void read(OrtSession.Result result) throws OrtException {
    throw new IllegalStateException("Cannot read scores twice");
  }

  static ScoreBuffer of(ScoreOutput output, int rows) {
    if (output instanceof ScoreOutput.Maps maps) {
      return new OfMaps(maps, new double[rows]);
    }
    ScoreOutput.Plain plain = (ScoreOutput.Plain) output;
    int values = Math.multiplyExact(rows, plain.columns());
    return plain.type() == OnnxJavaType.DOUBLE
        ? new Doubles(plain, InputValues.direct(values, Double.BYTES).asDoubleBuffer())
        : new Floats(plain, InputValues.direct(values, Float.BYTES).asFloatBuffer());
  }

  record Floats(ScoreOutput.Plain output, FloatBuffer buffer) implements ScoreBuffer {
    @Override
    public double at(int row) {
      return buffer.get((row + 1) * output.columns() - 1);
    }

    @Override
    public OnnxTensor tensor(int rows) throws OrtException {
      return OnnxTensor.createTensor(
          OnnxSession.environment(), buffer.slice(0, rows * output.columns()), output.shape(rows));
    }
  }

  record Doubles(ScoreOutput.Plain output, DoubleBuffer buffer) implements ScoreBuffer {
    @Override
    public double at(int row) {
      return buffer.get((row + 1) * output.columns() - 1);
    }

    @Override
    public OnnxTensor tensor(int rows) throws OrtException {
      return OnnxTensor.createTensor(
          OnnxSession.environment(), buffer.slice(0, rows * output.columns()), output.shape(rows));
    }
  }

  // Nobody compares these.
  @SuppressWarnings("ArrayRecordComponent")
  record OfMaps(ScoreOutput.Maps output, double[] scores) implements ScoreBuffer {
    @Override
    public double at(int row) {
      return scores[row];
    }

    @Override
    public @Nullable OnnxTensor tensor(int rows) {
      return null;
    }

    @Override
    public void read(OrtSession.Result result) throws OrtException {
      output.read(result, scores);
    }
  }
}
