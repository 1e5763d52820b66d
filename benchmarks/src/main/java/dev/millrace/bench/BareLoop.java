package dev.millrace.bench;

import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtSession;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.util.Map;

/** What a program does that only calls ONNX Runtime, as well as it can. For one thread. */
final class BareLoop implements AutoCloseable {

  private final OrtSession session;
  private final double[][] rows;
  private final int batch;
  private final int features;
  private final FloatBuffer in;
  private final OnnxTensor input;
  private final OnnxTensor output;
  private final FloatBuffer out;
  private final Map<String, OnnxTensor> inputs;
  private final Map<String, OnnxTensor> outputs;
  private int at;

  /** Read, so that nobody leaves the reading of scores out. */
  private double sum;

  /**
   * A session of its own.
   *
   * @param rows taken in turn; as many as a power of two
   */
  BareLoop(byte[] onnx, double[][] rows, int batch) throws OrtException {
    this.rows = rows;
    this.batch = batch;
    this.features = rows[0].length;
    OrtEnvironment environment = OrtEnvironment.getEnvironment();
    try (OrtSession.SessionOptions options = new OrtSession.SessionOptions()) {
      options.setIntraOpNumThreads(1);
      options.setInterOpNumThreads(1);
      session = environment.createSession(onnx, options);
    }
    in = floats(batch * features);
    out = floats(batch);
    input = OnnxTensor.createTensor(environment, in, new long[] {batch, features});
    output = OnnxTensor.createTensor(environment, out, new long[] {batch, 1});
    inputs = Map.of(session.getInputNames().iterator().next(), input);
    outputs = Map.of(session.getOutputNames().iterator().next(), output);
  }

  /** Scores as many rows, whole batches of them. */
  void score(int count) throws OrtException {
    for (int done = 0; done < count; done += batch) {
      for (int row = 0; row < batch; row++) {
        double[] values = rows[at++ & (rows.length - 1)];
        for (int column = 0; column < features; column++) {
          in.put(row * features + column, (float) values[column]);
        }
      }
      // The outputs are ours, and stay.
      var unusedResult = session.run(inputs, outputs);
      for (int row = 0; row < batch; row++) {
        sum += out.get(row);
      }
    }
    if (!Double.isFinite(sum)) {
      throw new IllegalStateException("Cannot measure: a score is no number");
    }
  }

  private static FloatBuffer floats(int count) {
    return ByteBuffer.allocateDirect(count * Float.BYTES)
        .order(ByteOrder.nativeOrder())
        .asFloatBuffer();
  }

  @Override
  public void close() throws OrtException {
    input.close();
    output.close();
    session.close();
  }
}
