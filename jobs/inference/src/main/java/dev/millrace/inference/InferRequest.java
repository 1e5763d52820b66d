package dev.millrace.inference;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.core.json.JsonReadFeature;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import dev.millrace.core.model.TextInput;
import dev.millrace.scoring.InputTensor;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * A request of the Open Inference Protocol, version 2: tensors of rows. They are those of the
 * model's own file, or, under the names of the signature, one tensor of numbers or texts for each
 * input, of a vector with its values in each row.
 *
 * <p>JSON has no NaN; null stands for a missing value.
 *
 * @param id given back with the answer; null where there is none
 * @param rows N, the first dimension of every tensor
 */
record InferRequest(@Nullable String id, int rows, List<Tensor> tensors) {

  /** The only output that there is: the score of each row, as the stream serves it. */
  static final String SCORE = "score";

  static final int ROWS_MAX = 1_024;

  private static final int NESTING_MAX = 16;

  /** Beyond it a double does not say which whole number is meant. */
  private static final long WHOLE_MAX = 1L << 53;

  private static final JsonMapper JSON =
      JsonMapper.builder()
          // Python's json writes NaN as a bare word.
          .enable(JsonReadFeature.ALLOW_NON_NUMERIC_NUMBERS)
          .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
          .enable(JsonParser.Feature.STRICT_DUPLICATE_DETECTION)
          .build();

  static {
    JSON.getFactory()
        .setStreamReadConstraints(
            StreamReadConstraints.builder().maxNestingDepth(NESTING_MAX).build());
  }

  /** One of the inputs as it was sent: its values in rows, one after another. */
  record Tensor(String name, String datatype, List<Integer> shape, List<JsonNode> values) {
    int width() {
      return shape.stream().skip(1).reduce(1, Math::multiplyExact);
    }
  }

  /**
   * Reads a request.
   *
   * @throws RequestRefusedException where it is none; the message says what was expected
   */
  static InferRequest read(byte[] body) throws RequestRefusedException {
    JsonNode tree;
    try {
      tree = JSON.readTree(body);
    } catch (JsonProcessingException e) {
      throw bad("the body is no JSON: " + e.getOriginalMessage());
    } catch (IOException e) {
      throw bad("the body is no JSON: " + e.getMessage());
    }
    JsonNode inputs = tree.path("inputs");
    if (!inputs.isArray() || inputs.isEmpty()) {
      throw bad("inputs is missing; expected a list of {name, shape, datatype, data}");
    }
    List<Tensor> tensors = new ArrayList<>();
    for (JsonNode input : inputs) {
      tensors.add(tensor(input));
    }
    int rows = tensors.get(0).shape.get(0);
    for (Tensor tensor : tensors) {
      if (tensor.shape.get(0) != rows) {
        throw bad(
            "input %s has %d rows, input %s has %d; expected as many in each"
                .formatted(tensors.get(0).name, rows, tensor.name, tensor.shape.get(0)));
      }
    }
    for (JsonNode output : tree.path("outputs")) {
      if (!output.path("name").asText().equals(SCORE)) {
        throw bad(
            "there is no output %s; expected %s".formatted(output.path("name").asText(), SCORE));
      }
    }
    JsonNode id = tree.path("id");
    return new InferRequest(id.isTextual() ? id.textValue() : null, rows, tensors);
  }

  private static Tensor tensor(JsonNode input) throws RequestRefusedException {
    String name = input.path("name").asText();
    if (name.isEmpty()) {
      throw bad("an input has no name; expected {name, shape, datatype, data}");
    }
    JsonNode dimensions = input.path("shape");
    List<Integer> shape = new ArrayList<>();
    long count = 1;
    for (JsonNode dimension : dimensions) {
      if (!dimension.isIntegralNumber()
          || !dimension.canConvertToInt()
          || dimension.intValue() < 1) {
        throw bad("input %s has shape %s; expected numbers from 1 on".formatted(name, dimensions));
      }
      shape.add(dimension.intValue());
      count = Math.min(Integer.MAX_VALUE, count * dimension.intValue());
    }
    if (shape.isEmpty()) {
      throw bad("input %s has no shape; expected [rows, values a row]".formatted(name));
    }
    if (shape.get(0) > ROWS_MAX) {
      throw bad(
          "input %s has %d rows; at most %d are taken, send the rest in another request"
              .formatted(name, shape.get(0), ROWS_MAX));
    }
    JsonNode data = input.path("data");
    if (!data.isArray()) {
      throw bad(
          "input %s has no data; expected a list of values (JSON alone is read)".formatted(name));
    }
    List<JsonNode> values = new ArrayList<>();
    flatten(name, data, shape, 0, values);
    if (values.size() != count) {
      throw bad(
          "input %s has %d values; expected %d for shape %s"
              .formatted(name, values.size(), count, shape));
    }
    return new Tensor(name, input.path("datatype").asText(), List.copyOf(shape), values);
  }

  /** Takes values that lie flat, or nested as the shape says. */
  private static void flatten(
      String name, JsonNode data, List<Integer> shape, int depth, List<JsonNode> into)
      throws RequestRefusedException {
    boolean nested = data.size() > 0 && data.get(0).isArray();
    if ((nested || depth > 0) && (depth >= shape.size() || data.size() != shape.get(depth))) {
      throw bad("the data of input %s is not nested as shape %s says".formatted(name, shape));
    }
    for (JsonNode element : data) {
      if (element.isArray() != nested) {
        throw bad("the data of input %s is not nested as shape %s says".formatted(name, shape));
      }
      if (nested) {
        flatten(name, element, shape, depth + 1, into);
      } else {
        into.add(element);
      }
    }
  }

  /**
   * The rows as a model takes them.
   *
   * @param own the tensors of the model's file
   * @param signature the names of its inputs in order
   * @return by row: the values of each input, one after another as the signature has them: Doubles,
   *     NaN where one is missing, and texts, which are then empty
   */
  Object[][] values(List<InputTensor> own, List<String> signature) throws RequestRefusedException {
    boolean bySignature = bySignature(own, signature);
    int[] lengths = lengths(own, signature.size());
    int[] places = new int[lengths.length];
    for (int column = 1; column < places.length; column++) {
      places[column] = places[column - 1] + lengths[column - 1];
    }
    List<InputTensor> wanted = bySignature ? bySignature(own, signature, lengths) : own;
    Object[][] values = new Object[rows][Arrays.stream(lengths).sum()];
    for (InputTensor tensor : wanted) {
      fill(tensor, given(tensor, wanted), bySignature, places, values);
    }
    if (tensors.size() > wanted.size()) {
      throw bad(
          "inputs are %s; expected %s"
              .formatted(tensors.stream().map(Tensor::name).toList(), expected(wanted)));
    }
    return values;
  }

  /** A tensor of the file may have the name of an input: then the others tell what is meant. */
  private boolean bySignature(List<InputTensor> own, List<String> signature) {
    long ofFile = tensors.stream().filter(t -> find(own, t.name) != null).count();
    long ofSignature = tensors.stream().filter(t -> signature.contains(t.name)).count();
    return ofFile == 0 ? ofSignature > 0 : ofFile < tensors.size() && ofSignature == tensors.size();
  }

  /** How many values each input of the signature has. */
  static int[] lengths(List<InputTensor> own, int inputs) {
    int[] lengths = new int[inputs];
    Arrays.fill(lengths, 1);
    for (InputTensor tensor : own) {
      for (int i = 0; i < tensor.columns().size(); i++) {
        lengths[tensor.columns().get(i)] = tensor.lengths().get(i);
      }
    }
    return lengths;
  }

  private Tensor given(InputTensor wanted, List<InputTensor> all) throws RequestRefusedException {
    List<Tensor> found = tensors.stream().filter(t -> t.name.equals(wanted.name())).toList();
    if (found.size() != 1) {
      throw bad(
          "input %s is there %d times among %s; expected %s"
              .formatted(
                  wanted.name(),
                  found.size(),
                  tensors.stream().map(Tensor::name).toList(),
                  expected(all)));
    }
    return found.get(0);
  }

  private void fill(
      InputTensor wanted, Tensor given, boolean bySignature, int[] places, Object[][] values)
      throws RequestRefusedException {
    boolean fits =
        given.shape.size() == 1
            ? wanted.width() == 1 && (bySignature || !wanted.hasRank2())
            : given.shape.size() == 2
                && given.width() == wanted.width()
                && (bySignature || wanted.hasRank2());
    if (!fits) {
      throw bad(
          "input %s has shape %s; expected %s".formatted(given.name, given.shape, shape(wanted)));
    }
    if (!given.datatype.equals(datatype(wanted.kind()))
        && !(bySignature
            && wanted.kind() != InputTensor.Kind.TEXT
            && List.of("FP32", "FP64", "INT64").contains(given.datatype))) {
      throw bad(
          "input %s has datatype %s; expected %s"
              .formatted(
                  given.name,
                  given.datatype.isEmpty() ? "nothing" : given.datatype,
                  datatype(wanted.kind())));
    }
    int at = 0;
    for (int row = 0; row < rows; row++) {
      for (int c = 0; c < wanted.columns().size(); c++) {
        int place = places[wanted.columns().get(c)];
        for (int i = 0; i < wanted.lengths().get(c); i++) {
          values[row][place + i] =
              wanted.kind() == InputTensor.Kind.TEXT ? text(given, at++) : number(given, at++);
        }
      }
    }
  }

  private static Object text(Tensor tensor, int at) throws RequestRefusedException {
    JsonNode value = tensor.values.get(at);
    if (value.isNull()) {
      return TextInput.MISSING;
    }
    String flaw = value.isTextual() ? TextInput.flaw(value.textValue()) : "it is no text";
    if (flaw != null) {
      throw bad(
          "value %d of input %s is %s, which no model takes: %s"
              .formatted(at, tensor.name, shown(value), flaw));
    }
    return value.textValue();
  }

  private static Object number(Tensor tensor, int at) throws RequestRefusedException {
    JsonNode value = tensor.values.get(at);
    if (tensor.datatype.equals("INT64")) {
      if (value.isIntegralNumber()
          && value.canConvertToLong()
          && Math.abs(value.longValue()) <= WHOLE_MAX) {
        return (double) value.longValue();
      }
      throw bad(
          "value %d of input %s is %s; expected a whole number of at most 2^53"
              .formatted(at, tensor.name, shown(value)));
    }
    if (value.isNull() || (value.isNumber() && Double.isNaN(value.doubleValue()))) {
      return Double.NaN;
    }
    double number = value.isNumber() ? value.doubleValue() : Double.POSITIVE_INFINITY;
    boolean holds =
        tensor.datatype.equals("FP32") ? Float.isFinite((float) number) : Double.isFinite(number);
    if (!holds) {
      throw bad(
          "value %d of input %s is %s; expected a finite number of %s, or null for a missing one"
              .formatted(at, tensor.name, shown(value), tensor.datatype));
    }
    return number;
  }

  /** The protocol's name of a type. */
  static String datatype(InputTensor.Kind kind) {
    return switch (kind) {
      case FLOAT -> "FP32";
      case DOUBLE -> "FP64";
      case INT64 -> "INT64";
      case TEXT -> "BYTES";
    };
  }

  /** The shape of a tensor with any number of rows. */
  static List<Integer> shape(InputTensor tensor) {
    return tensor.hasRank2() ? List.of(-1, tensor.width()) : List.of(-1);
  }

  private static List<InputTensor> bySignature(
      List<InputTensor> own, List<String> signature, int[] lengths) {
    List<InputTensor> tensors = new ArrayList<>();
    for (int column = 0; column < signature.size(); column++) {
      int number = column;
      boolean isText =
          own.stream()
              .anyMatch(t -> t.kind() == InputTensor.Kind.TEXT && t.columns().contains(number));
      tensors.add(
          new InputTensor(
              signature.get(column),
              isText ? InputTensor.Kind.TEXT : InputTensor.Kind.DOUBLE,
              lengths[column],
              lengths[column] > 1,
              List.of(column),
              List.of(lengths[column])));
    }
    return tensors;
  }

  private static @Nullable InputTensor find(List<InputTensor> own, String name) {
    return own.stream().filter(t -> t.name().equals(name)).findFirst().orElse(null);
  }

  private static String expected(List<InputTensor> wanted) {
    return wanted.stream()
        .map(t -> t.name() + " " + datatype(t.kind()) + " " + shape(t))
        .collect(Collectors.joining(", "));
  }

  private static String shown(JsonNode value) {
    String text = value.toString();
    return text.length() > 80 ? text.substring(0, 80) + "…" : text;
  }

  private static RequestRefusedException bad(String message) {
    return new RequestRefusedException(
        RequestRefusedException.BAD_REQUEST, "Cannot infer: " + message);
  }
}
