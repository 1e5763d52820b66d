package dev.millrace.scoring;

import ai.onnx.proto.OnnxMl.ModelProto;
import ai.onnx.proto.OnnxMl.StringStringEntryProto;
import com.google.protobuf.InvalidProtocolBufferException;
import dev.millrace.core.model.TextInput;
import java.net.URLDecoder;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.StringJoiner;
import org.jspecify.annotations.Nullable;

/**
 * Rows whose scores are known, in the file of a model: what its maker's own program gave for them.
 * Whoever loads the file compares, so that a version which computes something else on this machine
 * never serves. The file's sha256 covers them.
 *
 * <p>Rows are values in the order of the signature, a vector's one after another, joined by commas,
 * a missing one empty; rows and scores are joined by semicolons. A text is percent-encoded, as in
 * URLs.
 */
public final class GoldenRows {

  /** Key of the model's metadata that has the rows. */
  public static final String ROWS = "millrace.golden.rows";

  /** Key of the model's metadata that has their scores. */
  public static final String SCORES = "millrace.golden.scores";

  /**
   * How far a score may be off, and by which share of it where it is larger than 1: floats are
   * summed in another order on another machine.
   */
  public static final double TOLERANCE = 1e-4;

  /** More would only make loading slower. */
  static final int MOST = 64;

  private final List<InputColumn> columns;

  /** Of Doubles and texts. */
  private final Object[][] rows;

  private final double[] scores;

  private GoldenRows(List<InputColumn> columns, Object[][] rows, double[] scores) {
    this.columns = columns;
    this.rows = rows;
    this.scores = scores;
  }

  /**
   * The file with rows in its metadata.
   *
   * @param rows inputs in the order of the signature, NaN where one is missing
   * @param scores of the rows, as another program than ONNX Runtime gave them
   */
  public static byte[] with(byte[] onnx, float[][] rows, float[] scores) {
    List<List<?>> lists = new ArrayList<>();
    for (float[] row : rows) {
      List<Float> values = new ArrayList<>();
      for (float value : row) {
        values.add(value);
      }
      lists.add(values);
    }
    return with(onnx, lists, scores);
  }

  /**
   * The same for rows of numbers and texts.
   *
   * @param rows inputs in the order of the signature; NaN, or an empty text, where one is missing
   */
  public static byte[] with(byte[] onnx, List<? extends List<?>> rows, float[] scores) {
    if (rows.size() != scores.length || rows.size() > MOST) {
      throw new IllegalArgumentException(
          "Cannot store %d golden rows with %d scores: there are as many, at most %d"
              .formatted(rows.size(), scores.length, MOST));
    }
    StringJoiner joinedRows = new StringJoiner(";");
    StringJoiner joinedScores = new StringJoiner(";");
    for (int row = 0; row < scores.length; row++) {
      StringJoiner values = new StringJoiner(",");
      for (Object value : rows.get(row)) {
        values.add(written(value));
      }
      joinedRows.add(values.toString());
      joinedScores.add(Float.toString(scores[row]));
    }
    try {
      return ModelProto.parseFrom(onnx).toBuilder()
          .addMetadataProps(property(ROWS, joinedRows.toString()))
          .addMetadataProps(property(SCORES, joinedScores.toString()))
          .build()
          .toByteArray();
    } catch (InvalidProtocolBufferException e) {
      throw new IllegalArgumentException("Cannot store golden rows: the bytes are no ONNX file", e);
    }
  }

  private static String written(Object value) {
    if (value instanceof Number number) {
      return Double.isNaN(number.doubleValue()) ? "" : number.toString();
    }
    return URLEncoder.encode(value.toString(), StandardCharsets.UTF_8).replace("+", "%20");
  }

  private static StringStringEntryProto property(String key, String value) {
    return StringStringEntryProto.newBuilder().setKey(key).setValue(value).build();
  }

  /**
   * What the metadata has; null where there are none.
   *
   * @throws UnreadableModelException where they are not as they are to be
   */
  static @Nullable GoldenRows of(Map<String, String> metadata, List<InputColumn> columns)
      throws UnreadableModelException {
    String rows = metadata.get(ROWS);
    String scores = metadata.get(SCORES);
    if (rows == null && scores == null) {
      return null;
    }
    if (rows == null || scores == null) {
      throw new UnreadableModelException("its metadata has only one of " + ROWS + " and " + SCORES);
    }
    String[] ofRows = rows.split(";", -1);
    String[] ofScores = scores.split(";", -1);
    if (ofRows.length != ofScores.length || ofRows.length > MOST) {
      throw new UnreadableModelException(
          "its metadata has %d golden rows with %d scores; there are as many, at most %d"
              .formatted(ofRows.length, ofScores.length, MOST));
    }
    int inputs = columns.stream().mapToInt(InputColumn::width).sum();
    Object[][] parsed = new Object[ofRows.length][];
    double[] expected = new double[ofRows.length];
    for (int row = 0; row < parsed.length; row++) {
      String[] values = ofRows[row].split(",", -1);
      if (values.length != inputs) {
        throw new UnreadableModelException(
            "golden row %d has %d inputs, the signature has %d"
                .formatted(row, values.length, inputs));
      }
      parsed[row] = new Object[inputs];
      int next = 0;
      for (InputColumn column : columns) {
        for (int i = 0; i < column.width(); i++) {
          parsed[row][next] = column.isText() ? text(values[next], row) : value(values[next]);
          next++;
        }
      }
      expected[row] = number(ofScores[row]);
    }
    return new GoldenRows(columns, parsed, expected);
  }

  private static Double value(String text) throws UnreadableModelException {
    return text.isEmpty() ? Double.NaN : number(text);
  }

  private static String text(String encoded, int row) throws UnreadableModelException {
    String text;
    try {
      // A plus is itself; only forms write a space so.
      text = URLDecoder.decode(encoded.replace("+", "%2B"), StandardCharsets.UTF_8);
    } catch (IllegalArgumentException e) {
      throw new UnreadableModelException(
          "golden row %d holds %s, which is no percent-encoded text".formatted(row, encoded));
    }
    String flaw = TextInput.flaw(text);
    if (flaw != null) {
      throw new UnreadableModelException(
          "golden row %d holds a text that no model takes: %s".formatted(row, flaw));
    }
    return text;
  }

  private static double number(String text) throws UnreadableModelException {
    try {
      return Double.parseDouble(text);
    } catch (NumberFormatException e) {
      throw new UnreadableModelException("its golden rows hold " + text + ", which is no number");
    }
  }

  int size() {
    return rows.length;
  }

  /** What is wrong with the scores of these rows; null where nothing is. */
  @Nullable String flaw(BatchScorer scorer) {
    for (int row = 0; row < rows.length; row++) {
      int next = 0;
      for (int column = 0; column < columns.size(); column++) {
        for (int i = 0; i < columns.get(column).width(); i++) {
          Object value = rows[row][next++];
          if (value instanceof Double number) {
            scorer.buffers().put(row, column, i, number);
          } else {
            scorer.put(row, column, value.toString());
          }
        }
      }
    }
    scorer.score(rows.length);
    for (int row = 0; row < rows.length; row++) {
      double score = scorer.probability(row);
      if (!(Math.abs(score - scores[row]) <= TOLERANCE * Math.max(1, Math.abs(scores[row])))) {
        return "its score of golden row %d is %s here, stored with it is %s"
            .formatted(row, score, scores[row]);
      }
    }
    return null;
  }
}
