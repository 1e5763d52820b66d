package dev.millrace.scoring;

import ai.onnxruntime.NodeInfo;
import ai.onnxruntime.OnnxJavaType;
import ai.onnxruntime.OnnxMap;
import ai.onnxruntime.OnnxSequence;
import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OnnxValue;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtSession;
import ai.onnxruntime.SequenceInfo;
import ai.onnxruntime.TensorInfo;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/** Where among a model's outputs the score of a row is. */
sealed interface ScoreOutput {

  String name();

  /**
   * A tensor {@code [N]}, {@code [N, 1]} or {@code [N, 2]}; of two columns the second counts.
   *
   * @param rank of its shape
   */
  record Plain(String name, OnnxJavaType type, int rank, int columns) implements ScoreOutput {
    long[] shape(int rows) {
      return rank == 1 ? new long[] {rows} : new long[] {rows, columns};
    }
  }

  /**
   * One map a row from class to probability, as classifiers with a ZipMap give it.
   *
   * @param positive the class whose probability is the score: the later one in order
   */
  record Maps(String name, Object positive) implements ScoreOutput {

    void read(OrtSession.Result result, double[] into) throws OrtException {
      List<? extends OnnxValue> rows = ((OnnxSequence) result.get(0)).getValue();
      for (int row = 0; row < rows.size(); row++) {
        try (OnnxValue value = rows.get(row)) {
          Object probability = ((OnnxMap) value).getValue().get(positive);
          into[row] = probability instanceof Number number ? number.doubleValue() : Double.NaN;
        }
      }
    }
  }

  /**
   * The name of the output that has the scores: the file's own word, else the only one it can be.
   */
  static String named(OrtSession session, @Nullable String wanted)
      throws OrtException, UnreadableModelException {
    List<String> tensors = new ArrayList<>();
    List<String> maps = new ArrayList<>();
    for (NodeInfo node : session.getOutputInfo().values()) {
      if (node.getInfo() instanceof TensorInfo tensor
          && (tensor.type == OnnxJavaType.FLOAT || tensor.type == OnnxJavaType.DOUBLE)) {
        tensors.add(node.getName());
      } else if (node.getInfo() instanceof SequenceInfo sequence && sequence.isSequenceOfMaps()) {
        maps.add(node.getName());
      }
    }
    if (wanted != null) {
      if (tensors.contains(wanted) || maps.contains(wanted)) {
        return wanted;
      }
      throw new UnreadableModelException(
          "its metadata says that output %s has the scores, it can be one of %s%s"
              .formatted(wanted, tensors, maps));
    }
    if (tensors.size() == 1) {
      return tensors.get(0);
    }
    if (tensors.isEmpty() && maps.size() == 1) {
      return maps.get(0);
    }
    throw new UnreadableModelException(
        "its outputs %s hold %d float tensors, not one, and %d maps; say which in metadata %s"
            .formatted(
                session.getOutputInfo().keySet(), tensors.size(), maps.size(), OnnxModel.OUTPUT));
  }

  /** What an output is, by what it gave for some rows. */
  static ScoreOutput of(String name, OnnxValue value, int rows)
      throws OrtException, UnreadableModelException {
    if (value instanceof OnnxTensor tensor) {
      return plain(name, tensor.getInfo(), rows);
    }
    List<? extends OnnxValue> maps = ((OnnxSequence) value).getValue();
    TreeMap<Object, Object> classes = new TreeMap<>();
    for (int row = 0; row < maps.size(); row++) {
      try (OnnxValue map = maps.get(row)) {
        Map<?, ?> of = ((OnnxMap) map).getValue();
        classes.putAll(of);
      }
    }
    if (maps.size() != rows
        || classes.size() != 2
        || classes.values().stream()
            .anyMatch(p -> !(p instanceof Float) && !(p instanceof Double))) {
      throw new UnreadableModelException(
          "output %s has %d maps for %d rows, with classes %s; two classes with probabilities are read"
              .formatted(name, maps.size(), rows, classes.keySet()));
    }
    return new Maps(name, classes.lastKey());
  }

  private static Plain plain(String name, TensorInfo info, int rows)
      throws UnreadableModelException {
    long[] shape = info.getShape();
    boolean vector = shape.length == 1 && shape[0] == rows;
    boolean matrix = shape.length == 2 && shape[0] == rows && (shape[1] == 1 || shape[1] == 2);
    if (!vector && !matrix) {
      throw new UnreadableModelException(
          "output %s has shape %s for %d rows, not [N], [N, 1] or [N, 2]"
              .formatted(name, Arrays.toString(shape), rows));
    }
    return new Plain(name, info.type, shape.length, vector ? 1 : (int) shape[1]);
  }
}
