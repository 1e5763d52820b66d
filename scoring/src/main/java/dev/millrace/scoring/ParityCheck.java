package dev.millrace.scoring;

import ai.onnxruntime.OnnxMap;
import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OnnxValue;
import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtSession;
import java.io.IOException;
import java.nio.DoubleBuffer;
import java.nio.FloatBuffer;
import java.nio.LongBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.jspecify.annotations.Nullable;

/**
 * Whether the scores that the stream's operator would give are those of the file: the same rows go
 * through {@link BatchScorer} in large batches and one by one, which has to give equal bits, and
 * all at once through a plain session of ONNX Runtime with its default options, which knows nothing
 * of buffers, batch sizes and layouts.
 */
public final class ParityCheck {

  /** Other batch sizes and threads add floats in another order. */
  public static final double TOLERANCE = 1e-5;

  private static final int BATCH_ROWS = 256;

  /**
   * Compares.
   *
   * @param rows values in the order of the signature, a vector's one after another, a text as its
   *     number among those of {@link #madeUp}
   * @return what differs; null where nothing does
   */
  public static @Nullable String flaw(Path file, OnnxModel model, double[][] rows)
      throws IOException {
    double[] batched = new double[rows.length];
    try (BatchScorer scorer = model.scorer(BATCH_ROWS)) {
      for (int from = 0; from < rows.length; from += BATCH_ROWS) {
        int size = Math.min(BATCH_ROWS, rows.length - from);
        for (int row = 0; row < size; row++) {
          put(scorer, model.columns(), row, rows[from + row]);
        }
        scorer.score(size);
        for (int row = 0; row < size; row++) {
          batched[from + row] = scorer.probability(row);
        }
      }
      for (int row = 0; row < rows.length; row++) {
        put(scorer, model.columns(), 0, rows[row]);
        scorer.score(1);
        double alone = scorer.probability(0);
        if (Double.doubleToLongBits(alone) != Double.doubleToLongBits(batched[row])) {
          return "row %d has score %s alone and %s among others"
              .formatted(row, alone, batched[row]);
        }
      }
    }
    double[] plain;
    try {
      plain = plain(Files.readAllBytes(file), model, rows);
    } catch (OrtException e) {
      return "a plain run of ONNX Runtime fails where the scorer does not: " + e.getMessage();
    }
    for (int row = 0; row < rows.length; row++) {
      boolean bothNone = Double.isNaN(plain[row]) && Double.isNaN(batched[row]);
      double allowed = TOLERANCE * Math.max(1, Math.abs(plain[row]));
      if (!bothNone && !(Math.abs(plain[row] - batched[row]) <= allowed)) {
        return "row %d has score %s here and %s in a plain run of ONNX Runtime"
            .formatted(row, batched[row], plain[row]);
      }
    }
    return null;
  }

  /** Made-up rows of the right types, for where there are no real ones; the same each time. */
  public static double[][] madeUp(OnnxModel model, int count, long seed) {
    Random random = new Random(seed);
    int width = model.columns().stream().mapToInt(InputColumn::width).sum();
    double[][] rows = new double[count][width];
    for (double[] row : rows) {
      int at = 0;
      for (int column = 0; column < model.columns().size(); column++) {
        InputTensor.Kind kind = kind(model, column);
        for (int i = 0; i < model.columns().get(column).width(); i++) {
          row[at++] =
              switch (kind) {
                case FLOAT, DOUBLE -> random.nextGaussian();
                case INT64 -> random.nextInt(2);
                case TEXT -> random.nextInt(ProbeRows.WORDS.size());
              };
        }
      }
    }
    return rows;
  }

  private static InputTensor.Kind kind(OnnxModel model, int column) {
    return model.inputTensors().stream()
        .filter(tensor -> tensor.columns().contains(column))
        .findFirst()
        .orElseThrow()
        .kind();
  }

  private static void put(BatchScorer scorer, List<InputColumn> columns, int row, double[] values) {
    int at = 0;
    for (int column = 0; column < columns.size(); column++) {
      for (int i = 0; i < columns.get(column).width(); i++) {
        double value = values[at++];
        if (columns.get(column).isText()) {
          scorer.put(row, column, ProbeRows.WORDS.get((int) value));
        } else {
          scorer.buffers().put(row, column, i, value);
        }
      }
    }
  }

  private static double[] plain(byte[] onnx, OnnxModel model, double[][] rows) throws OrtException {
    OrtEnvironment environment = OnnxSession.environment();
    Map<String, OnnxTensor> inputs = new HashMap<>();
    try (OrtSession.SessionOptions options = new OrtSession.SessionOptions();
        OrtSession session = environment.createSession(onnx, options)) {
      boolean[] unfit = new boolean[rows.length];
      for (InputTensor tensor : model.inputTensors()) {
        inputs.put(tensor.name(), tensor(environment, tensor, model.columns(), rows, unfit));
      }
      try (OrtSession.Result result = session.run(inputs)) {
        OnnxValue output = result.get(model.output().name()).orElseThrow();
        double[] scores = read(output, model.output(), rows.length);
        for (int row = 0; row < rows.length; row++) {
          scores[row] = unfit[row] ? Double.NaN : scores[row];
        }
        return scores;
      }
    } finally {
      inputs.values().forEach(OnnxTensor::close);
    }
  }

  private static OnnxTensor tensor(
      OrtEnvironment environment,
      InputTensor tensor,
      List<InputColumn> columns,
      double[][] rows,
      boolean[] unfit)
      throws OrtException {
    double[] values = new double[rows.length * tensor.width()];
    int next = 0;
    for (int row = 0; row < rows.length; row++) {
      for (int column : tensor.columns()) {
        int from = columns.subList(0, column).stream().mapToInt(InputColumn::width).sum();
        for (int i = 0; i < columns.get(column).width(); i++) {
          values[next++] = rows[row][from + i];
        }
      }
    }
    long[] shape =
        tensor.hasRank2() ? new long[] {rows.length, tensor.width()} : new long[] {rows.length};
    return switch (tensor.kind()) {
      case FLOAT -> {
        FloatBuffer floats = FloatBuffer.allocate(values.length);
        for (int i = 0; i < values.length; i++) {
          floats.put(i, (float) values[i]);
        }
        yield OnnxTensor.createTensor(environment, floats, shape);
      }
      case DOUBLE -> OnnxTensor.createTensor(environment, DoubleBuffer.wrap(values), shape);
      case INT64 -> {
        LongBuffer wholes = LongBuffer.allocate(values.length);
        for (int i = 0; i < values.length; i++) {
          unfit[i / tensor.width()] |= values[i] != Math.rint(values[i]);
          wholes.put(i, (long) values[i]);
        }
        yield OnnxTensor.createTensor(environment, wholes, shape);
      }
      case TEXT -> {
        String[] texts = new String[values.length];
        for (int i = 0; i < values.length; i++) {
          texts[i] = ProbeRows.WORDS.get((int) values[i]);
        }
        yield OnnxTensor.createTensor(environment, texts, shape);
      }
    };
  }

  /** As anybody would read it: the last value of a row. */
  private static double[] read(OnnxValue output, ScoreOutput as, int rows) throws OrtException {
    double[] scores = new double[rows];
    if (as instanceof ScoreOutput.Maps maps) {
      List<?> list = (List<?>) output.getValue();
      for (int row = 0; row < rows; row++) {
        if (list.get(row) instanceof OnnxMap map
            && map.getValue().get(maps.positive()) instanceof Number number) {
          scores[row] = number.doubleValue();
        }
      }
      return scores;
    }
    Object value = output.getValue();
    for (int row = 0; row < rows; row++) {
      if (value instanceof float[][] matrix) {
        scores[row] = matrix[row][matrix[row].length - 1];
      } else if (value instanceof double[][] matrix) {
        scores[row] = matrix[row][matrix[row].length - 1];
      } else if (value instanceof float[] vector) {
        scores[row] = vector[row];
      } else if (value instanceof double[] vector) {
        scores[row] = vector[row];
      }
    }
    return scores;
  }

  private ParityCheck() {}
}
