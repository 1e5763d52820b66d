package dev.millrace.inference;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.millrace.scoring.InputTensor;
import dev.millrace.scoring.InputTensor.Kind;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** A request's tensors, for models of one tensor and of several. */
class InferRequestTest {

  private static final List<String> SIGNATURE = List.of("delay", "hour", "distance");
  private static final List<InputTensor> ONE =
      List.of(new InputTensor("x", Kind.FLOAT, 3, true, List.of(0, 1, 2)));
  private static final List<InputTensor> SEVERAL =
      List.of(
          new InputTensor("hour", Kind.INT64, 1, false, List.of(1)),
          new InputTensor("rest", Kind.DOUBLE, 2, true, List.of(0, 2)));

  private static InferRequest read(String json) throws RequestRefusedException {
    return InferRequest.read(json.replace('\'', '"').getBytes(StandardCharsets.UTF_8));
  }

  private static Object[][] values(List<InputTensor> own, String inputs)
      throws RequestRefusedException {
    return read("{'inputs':[" + inputs + "]}").values(own, SIGNATURE);
  }

  @Test
  void dataLiesFlatOrNested() throws Exception {
    String rows = "[[1.0, 2.0, 0.5], [4.0, NaN, 6.0]]";
    String head = "{'name':'x','shape':[2,3],'datatype':'FP32','data':";
    assertThat(Arrays.deepToString(values(ONE, head + "[1,2,0.5,4,null,6]}"))).isEqualTo(rows);
    assertThat(Arrays.deepToString(values(ONE, head + "[[1,2,0.5],[4,NaN,6]]}"))).isEqualTo(rows);
  }

  @Test
  void eachTensorTakesItsInputs() throws Exception {
    Object[][] rows = {{1.5, 9.0, 2.5}, {3.5, 10.0, 4.5}};
    String rest = "{'name':'rest','shape':[2,2],'datatype':'FP64','data':[1.5,2.5,3.5,4.5]}";
    String hour = "{'name':'hour','shape':[2],'datatype':'INT64','data':[9,10]}";
    assertThat(values(SEVERAL, rest + "," + hour)).isDeepEqualTo(rows);
    assertThat(values(SEVERAL, hour + "," + rest)).isDeepEqualTo(rows);
  }

  @Test
  void aVectorTakesItsPartOfARow() throws Exception {
    List<InputTensor> own =
        List.of(new InputTensor("x", Kind.FLOAT, 4, true, List.of(0, 1, 2), List.of(1, 2, 1)));
    Object[][] rows = {{1.0, 2.0, 3.0, 4.0}, {5.0, 6.0, 7.0, 8.0}};
    String head = "{'name':'x','shape':[2,4],'datatype':'FP32','data':";
    assertThat(values(own, head + "[1,2,3,4,5,6,7,8]}")).isDeepEqualTo(rows);
    String delay = "{'name':'delay','shape':[2],'datatype':'FP32','data':[1,5]}";
    String hour = "{'name':'hour','shape':[2,2],'datatype':'FP32','data':[[2,3],[6,7]]}";
    String distance = "{'name':'distance','shape':[2],'datatype':'FP64','data':[4,8]}";
    assertThat(values(own, hour + "," + delay + "," + distance)).isDeepEqualTo(rows);
    String narrow = "{'name':'hour','shape':[2,1],'datatype':'FP32','data':[2,6]}";
    assertThatThrownBy(() -> values(own, delay + "," + distance + "," + narrow))
        .hasMessageContaining("input hour has shape [2, 1]; expected [-1, 2]");
  }

  @Test
  void inputsMayComeUnderTheNamesOfTheSignature() throws Exception {
    Object[][] rows =
        values(
            ONE,
            "{'name':'distance','shape':[1],'datatype':'INT64','data':[7]},"
                + "{'name':'delay','shape':[1,1],'datatype':'FP64','data':[[0.1]]},"
                + "{'name':'hour','shape':[1],'datatype':'FP32','data':[null]}");
    assertThat(Arrays.deepToString(rows)).isEqualTo("[[0.1, NaN, 7.0]]");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      textBlock =
          """
          nothing                                                                         | no JSON
          []                                                                              | inputs is missing
          {'inputs':[]}                                                                   | inputs is missing
          {'inputs':[{'shape':[1,3]}]}                                                    | has no name
          {'inputs':[{'name':'x'}]}                                                       | has no shape
          {'inputs':[{'name':'x','shape':[0,3],'data':[]}]}                               | numbers from 1 on
          {'inputs':[{'name':'x','shape':[-1,3],'data':[]}]}                              | numbers from 1 on
          {'inputs':[{'name':'x','shape':[2000,3],'data':[]}]}                            | at most 1024
          {'inputs':[{'name':'x','shape':[1,99999,99999,99999],'data':[]}]}               | has 0 values
          {'inputs':[{'name':'x','shape':[1,3]}]}                                         | has no data
          {'inputs':[{'name':'x','shape':[1,3],'data':[1,2]}]}                            | has 2 values; expected 3
          {'inputs':[{'name':'x','shape':[1,3],'data':[[1,2],[3]]}]}                      | not nested as shape [1, 3]
          {'inputs':[{'name':'x','shape':[1,3],'data':[1,[2],3]}]}                        | not nested as shape [1, 3]
          {'inputs':[{'name':'x','shape':[3],'data':[1,2,3],'datatype':'FP32'}]}          | expected [-1, 3]
          {'inputs':[{'name':'x','shape':[1,2],'data':[1,2],'datatype':'FP32'}]}          | expected [-1, 3]
          {'inputs':[{'name':'x','shape':[1,3],'data':[1,2,3]}]}                          | datatype nothing; expected FP32
          {'inputs':[{'name':'x','shape':[1,3],'data':[1,2,3],'datatype':'FP64'}]}        | datatype FP64; expected FP32
          {'inputs':[{'name':'x','shape':[1,3],'data':['a',2,3],'datatype':'FP32'}]}      | value 0 of input x is "a"
          {'inputs':[{'name':'x','shape':[1,3],'data':[1,1e99,3],'datatype':'FP32'}]}     | value 1 of input x is 1.0E99
          {'inputs':[{'name':'x','shape':[1,3],'data':[1,2,Infinity],'datatype':'FP32'}]} | value 2 of input x
          {'inputs':[{'name':'y','shape':[1,3],'data':[1,2,3],'datatype':'FP32'}]}        | expected x FP32 [-1, 3]
          {'inputs':[{'name':'hour','shape':[1],'data':[1],'datatype':'FP32'}]}           | input delay is there 0 times
          {'inputs':[{'name':'x','name':'x'}]}                                            | no JSON
          """)
  void whatIsNoneIsToldWhatWasExpected(String json, String message) {
    assertRefused(json, ONE, message);
  }

  @Test
  void wholeNumbersAreWhole() {
    String rest = "{'name':'rest','shape':[1,2],'datatype':'FP64','data':[1,2]}";
    for (String value : List.of("1.5", "null", "9007199254740993", "'1'", "1e400")) {
      assertRefused(
          "{'inputs':["
              + rest
              + ",{'name':'hour','shape':[1],'datatype':'INT64','data':["
              + value
              + "]}]}",
          SEVERAL,
          "expected a whole number of at most 2^53");
    }
  }

  @Test
  void rowsAreAsManyInEachTensor() {
    assertRefused(
        "{'inputs':[{'name':'hour','shape':[1],'datatype':'INT64','data':[1]},"
            + "{'name':'rest','shape':[2,2],'datatype':'FP64','data':[1,2,3,4]}]}",
        SEVERAL,
        "input hour has 1 rows, input rest has 2");
  }

  @Test
  void onlyTheScoreIsAnOutput() throws Exception {
    String inputs = "'inputs':[{'name':'x','shape':[1,3],'data':[1,2,3],'datatype':'FP32'}]";
    assertThat(read("{'id':'42'," + inputs + ",'outputs':[{'name':'score'}]}").id())
        .isEqualTo("42");
    assertRefused(
        "{" + inputs + ",'outputs':[{'name':'label'}]}", ONE, "no output label; expected score");
  }

  private static void assertRefused(String json, List<InputTensor> own, String message) {
    assertThatThrownBy(() -> read(json).values(own, SIGNATURE))
        .isInstanceOf(RequestRefusedException.class)
        .hasMessageStartingWith("Cannot infer: ")
        .hasMessageContaining(message)
        .satisfies(e -> assertThat(((RequestRefusedException) e).status()).isEqualTo(400));
  }
}
