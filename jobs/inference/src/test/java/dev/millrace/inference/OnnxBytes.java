package dev.millrace.inference;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;

/**
 * Small ONNX files, byte by byte, so that they may be wrong: input {@code x} of floats {@code [N,
 * 2]}, output {@code p} of floats of two dimensions.
 */
final class OnnxBytes {

  private static final int FLOAT = 1;
  private static final int INT64 = 7;
  private static final int STRING = 8;
  private static final int BOOL = 9;

  private final ByteArrayOutputStream out = new ByteArrayOutputStream();

  /** A file that says it is of these versions. */
  static byte[] model(long irVersion, long opset, OnnxBytes graph) {
    return model(irVersion, opset, 2, graph);
  }

  /** The same with another width of {@code x}. */
  static byte[] model(long irVersion, long opset, int width, OnnxBytes graph) {
    OnnxBytes x = value("x", new OnnxBytes().text(2, "n"), new OnnxBytes().number(1, width));
    OnnxBytes p = value("p", new OnnxBytes().text(2, "n"), new OnnxBytes().text(2, "m"));
    return new OnnxBytes()
        .number(1, irVersion)
        .part(7, graph.text(2, "bytes").part(11, x).part(12, p))
        .part(8, new OnnxBytes().text(1, "").number(2, opset))
        .bytes();
  }

  /**
   * A file that takes one text and, as {@code numbers}, so many floats: the score is the logistic
   * function of their sum and of the text's place, from 1 on, among the known ones; 0 of any other.
   */
  static byte[] categories(String text, List<String> known, int numbers) {
    OnnxBytes keys = new OnnxBytes().text(1, "keys_strings");
    OnnxBytes values = new OnnxBytes().text(1, "values_floats");
    for (int i = 0; i < known.size(); i++) {
      keys.text(9, known.get(i));
      values.real(7, i + 1);
    }
    OnnxBytes encoder =
        new OnnxBytes()
            .text(1, text)
            .text(2, "code")
            .text(4, "LabelEncoder")
            .part(5, keys.number(20, 8))
            .part(5, values.number(20, 6))
            .part(5, new OnnxBytes().text(1, "default_float").real(2, 0).number(20, 1))
            .text(7, "ai.onnx.ml");
    float[] weights = new float[numbers + 1];
    Arrays.fill(weights, 1);
    OnnxBytes graph =
        new OnnxBytes()
            .part(1, encoder)
            .node("Concat", List.of("code", "numbers"), "x", "axis", 1)
            .node("MatMul", List.of("x", "w"), "z")
            .node("Sigmoid", List.of("z"), "p")
            .text(2, "bytes")
            .floats("w", weights.length, weights)
            .part(
                11, value(text, STRING, new OnnxBytes().text(2, "n"), new OnnxBytes().number(1, 1)))
            .part(
                11,
                value(
                    "numbers",
                    FLOAT,
                    new OnnxBytes().text(2, "n"),
                    new OnnxBytes().number(1, numbers)))
            .part(12, value("p", new OnnxBytes().text(2, "n"), new OnnxBytes().text(2, "m")));
    return new OnnxBytes()
        .number(1, 8)
        .part(7, graph)
        .part(8, new OnnxBytes().text(1, "").number(2, 15))
        .part(8, new OnnxBytes().text(1, "ai.onnx.ml").number(2, 2))
        .bytes();
  }

  /** A node without attributes. */
  OnnxBytes node(String operator, List<String> inputs, String output) {
    OnnxBytes node = new OnnxBytes();
    inputs.forEach(input -> node.text(1, input));
    return part(1, node.text(2, output).text(4, operator));
  }

  /** A node with one attribute that is a whole number. */
  OnnxBytes node(
      String operator, List<String> inputs, String output, String attribute, long number) {
    OnnxBytes node = new OnnxBytes();
    inputs.forEach(input -> node.text(1, input));
    OnnxBytes value = new OnnxBytes().text(1, attribute).number(3, number).number(20, 2);
    return part(1, node.text(2, output).text(4, operator).part(5, value));
  }

  /**
   * A loop over {@code state}, which goes on while {@code condition}, a truth value, is true before
   * it begins: then it never ends.
   *
   * @param body makes {@code next} of {@code state}
   */
  OnnxBytes endlessLoop(String condition, String state, String output, OnnxBytes body) {
    body.node("Identity", List.of("go"), "going")
        .text(2, "body")
        .part(11, scalar("i", INT64))
        .part(11, scalar("go", BOOL))
        .part(11, free("state"))
        .part(12, scalar("going", BOOL))
        .part(12, free("next"));
    OnnxBytes node = new OnnxBytes().text(1, "").text(1, condition).text(1, state);
    OnnxBytes graph = new OnnxBytes().text(1, "body").part(6, body).number(20, 5);
    return part(1, node.text(2, output).text(4, "Loop").part(5, graph));
  }

  private static OnnxBytes scalar(String name, int type) {
    OnnxBytes tensor = new OnnxBytes().number(1, type).part(2, new OnnxBytes());
    return new OnnxBytes().text(1, name).part(2, new OnnxBytes().part(1, tensor));
  }

  private static OnnxBytes free(String name) {
    OnnxBytes tensor = new OnnxBytes().number(1, FLOAT);
    return new OnnxBytes().text(1, name).part(2, new OnnxBytes().part(1, tensor));
  }

  OnnxBytes floats(String name, long rows, float... values) {
    ByteBuffer raw =
        ByteBuffer.allocate(values.length * Float.BYTES).order(ByteOrder.LITTLE_ENDIAN);
    for (float value : values) {
      raw.putFloat(value);
    }
    OnnxBytes tensor = new OnnxBytes().number(1, rows).number(1, values.length / rows);
    return part(5, tensor.number(2, FLOAT).text(8, name).field(9, raw.array()));
  }

  OnnxBytes longs(String name, long... values) {
    OnnxBytes tensor = new OnnxBytes().number(1, values.length).number(2, INT64).text(8, name);
    for (long value : values) {
      tensor.number(7, value);
    }
    return part(5, tensor);
  }

  private static OnnxBytes value(String name, OnnxBytes rows, OnnxBytes columns) {
    return value(name, FLOAT, rows, columns);
  }

  private static OnnxBytes value(String name, int type, OnnxBytes rows, OnnxBytes columns) {
    OnnxBytes shape = new OnnxBytes().part(1, rows).part(1, columns);
    OnnxBytes tensor = new OnnxBytes().number(1, type).part(2, shape);
    return new OnnxBytes().text(1, name).part(2, new OnnxBytes().part(1, tensor));
  }

  private byte[] bytes() {
    return out.toByteArray();
  }

  private OnnxBytes part(int field, OnnxBytes part) {
    return field(field, part.bytes());
  }

  private OnnxBytes text(int field, String text) {
    return field(field, text.getBytes(StandardCharsets.UTF_8));
  }

  private OnnxBytes field(int field, byte[] bytes) {
    varint(((long) field << 3) | 2);
    varint(bytes.length);
    out.writeBytes(bytes);
    return this;
  }

  private OnnxBytes real(int field, float value) {
    varint(((long) field << 3) | 5);
    out.writeBytes(
        ByteBuffer.allocate(Float.BYTES).order(ByteOrder.LITTLE_ENDIAN).putFloat(value).array());
    return this;
  }

  private OnnxBytes number(int field, long value) {
    varint((long) field << 3);
    varint(value);
    return this;
  }

  private void varint(long value) {
    long left = value;
    while (left > 127) {
      out.write((int) ((left & 127) | 128));
      left >>>= 7;
    }
    out.write((int) left);
  }
}
