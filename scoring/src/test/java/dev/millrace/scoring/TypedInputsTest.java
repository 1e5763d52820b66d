package dev.millrace.scoring;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import ai.onnx.proto.OnnxMl.ModelProto;
import dev.millrace.core.model.TextInput;
import dev.millrace.core.row.Numbers;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import org.assertj.core.data.Offset;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What a model may take, and what it may give. */
class TypedInputsTest {

  private final Path dir;

  TypedInputsTest(@TempDir Path dir) {
    this.dir = dir;
  }

  @Test
  void doublesAreNotRounded() throws IOException {
    // As floats the two would be the same, and their difference 0.
    double large = 16_777_217.0;
    try (OnnxModel model = load(TypedModels.doubles(1, -1), single("a", "b"));
        BatchScorer scorer = model.scorer(4)) {
      scorer.put(2, 0, large);
      scorer.put(2, 1, large - 1);
      scorer.score(3);
      assertThat(scorer.probability(2)).isCloseTo(sigmoid(1), within(1e-15));
    }
  }

  @Test
  void aTensorOfWholeNumbersHasNoneThatIsMissing() throws IOException {
    try (OnnxModel model = load(TypedModels.wholes(TypedModels.INT64, 1, 2), single("a", "b"));
        BatchScorer scorer = model.scorer(4)) {
      double[][] rows = {{1, 1}, {Double.NaN, 1}, {1, 0.5}, {-3, 1}};
      for (int row = 0; row < rows.length; row++) {
        scorer.put(row, 0, rows[row][0]);
        scorer.put(row, 1, rows[row][1]);
      }
      scorer.score(4);
      assertThat(scorer.probability(0)).isCloseTo(sigmoid(3), close());
      assertThat(scorer.probability(1)).isNaN();
      assertThat(scorer.probability(2)).isNaN();
      assertThat(scorer.probability(3)).isCloseTo(sigmoid(-1), close());
      scorer.put(1, 0, 2L);
      scorer.score(4);
      assertThat(scorer.probability(1)).isCloseTo(sigmoid(4), close());
    }
  }

  @Test
  void severalTensorsTakeTheirColumns() throws IOException {
    // hour by its name, the others by their widths in the signature's order.
    for (List<InputColumn> signature :
        List.of(
            single("a", "b", "hour", "c", "d"),
            single("hour", "a", "b", "c", "d"),
            single("a", "b", "c", "d", "hour"),
            single("p", "q", "r", "s", "t"))) {
      for (ModelProto form : List.of(TypedModels.several(2), TypedModels.several(-1))) {
        try (OnnxModel model = load(form, signature);
            BatchScorer scorer = model.scorer(3)) {
          int named = signature.indexOf(new InputColumn("hour", 1));
          int hour = named < 0 ? 2 : named;
          double weight = 1;
          double expected = 0;
          for (int part = 0; part < 5; part++) {
            // The model's second tensor is the hour, its third weight.
            int column = part == 2 ? hour : other(part < 2 ? part : part - 1, hour);
            double value = part == 2 ? 3 : (part - 2) / 8.0;
            scorer.put(1, column, value);
            expected += weight * value;
            weight *= 2;
          }
          scorer.score(2);
          assertThat(scorer.probability(1)).isCloseTo(sigmoid(expected), close());
        }
      }
    }
  }

  @Test
  void whoFillsTheTensorsIsToldWhatTheyTake() throws IOException {
    try (OnnxModel model = load(TypedModels.several(2), single("a", "hour", "b", "c", "d"))) {
      assertThat(model.inputTensors())
          .containsExactlyInAnyOrder(
              new InputTensor("first", InputTensor.Kind.FLOAT, 2, true, List.of(0, 2)),
              new InputTensor("hour", InputTensor.Kind.INT64, 1, false, List.of(1)),
              new InputTensor("last", InputTensor.Kind.DOUBLE, 2, true, List.of(3, 4)));
    }
    try (OnnxModel model = load(TypedModels.wholes(TypedModels.INT64, 1, 2), single("a", "b"))) {
      assertThat(model.inputTensors())
          .containsExactly(new InputTensor("x", InputTensor.Kind.INT64, 2, true, List.of(0, 1)));
    }
  }

  @Test
  void aVectorIsOneInput() throws IOException {
    List<InputColumn> signature =
        List.of(new InputColumn("hour", 1), new InputColumn("text", 2), new InputColumn("at", 2));
    try (OnnxModel model = load(TypedModels.several(2), signature);
        BatchScorer scorer = model.scorer(3)) {
      scorer.put(2, 0, 1L);
      scorer.put(2, 1, Numbers.of(new float[] {0.5f, -1}));
      scorer.put(2, 2, Numbers.of(new float[] {0.25f, -0.25f}));
      scorer.score(3);
      assertThat(scorer.probability(2))
          .isCloseTo(sigmoid(0.5 - 2 + 4 + 8 * 0.25 - 16 * 0.25), close());
      assertThatThrownBy(() -> scorer.put(0, 1, Numbers.of(new float[] {1})))
          .hasMessage("Cannot put 1 values into input text, which has 2");
    }
  }

  @Test
  void aVectorIsAsLongAsTheFileSays() throws IOException {
    // By its name; by what the others leave; and where one tensor takes all.
    List<InputColumn> signature =
        List.of(
            InputColumn.vector("first"), new InputColumn("hour", 1), InputColumn.vector("rest"));
    try (OnnxModel model = load(TypedModels.several(2), signature);
        BatchScorer scorer = model.scorer(3)) {
      assertThat(model.columns()).extracting(InputColumn::width).containsExactly(2, 1, 2);
      assertThat(model.inputTensors()).extracting(InputTensor::lengths).contains(List.of(2));
      for (Numbers half :
          List.of(Numbers.of(new double[] {0.5, -1}), Numbers.of(new float[] {0.5f, -1}))) {
        scorer.put(2, 0, half);
        scorer.put(2, 1, 1L);
        scorer.put(2, 2, half);
        scorer.score(3);
        assertThat(scorer.probability(2)).isCloseTo(sigmoid(0.5 - 2 + 4 + 8 * 0.5 - 16), close());
      }
    }
    try (OnnxModel model =
            load(
                TypedModels.wholes(TypedModels.INT64, 1, 2, 3),
                List.of(new InputColumn("a", 1), InputColumn.vector("b")));
        BatchScorer scorer = model.scorer(2)) {
      assertThat(scorer.width(1)).isEqualTo(2);
      scorer.put(0, 0, 1L);
      scorer.put(0, 1, Numbers.of(new long[] {-1, 1}));
      scorer.score(1);
      assertThat(scorer.probability(0)).isCloseTo(sigmoid(1 - 2 + 3), close());
    }
  }

  @Test
  void aVectorWhoseLengthNobodySaysIsRefused() {
    assertRefused(
        TypedModels.several(-1),
        List.of(InputColumn.vector("first"), new InputColumn("hour", 1), new InputColumn("a", 2)),
        "its input first has no fixed width, so nothing says how long the vector first is");
    assertRefused(
        TypedModels.several(2),
        List.of(InputColumn.vector("a"), InputColumn.vector("b")),
        "nothing says how long the vectors a and b are");
    assertRefused(
        TypedModels.wholes(TypedModels.INT64, 1, 2),
        List.of(new InputColumn("a", 1), new InputColumn("b", 1), InputColumn.vector("c")),
        "its inputs take 2 values a row, and the signature has 2 beside the vector c");
  }

  @Test
  void textsAreTaken() throws IOException {
    try (OnnxModel model = load(TypedModels.texts(), List.of(InputColumn.text("carrier")));
        BatchScorer scorer = model.scorer(5)) {
      scorer.put(0, 0, "AA");
      scorer.put(1, 0, "UA");
      scorer.put(2, 0, Double.NaN);
      scorer.score(3);
      assertThat(scorer.probability(0)).isCloseTo(sigmoid(1), close());
      assertThat(scorer.probability(1)).isCloseTo(sigmoid(2), close());
      assertThat(scorer.probability(2)).isCloseTo(sigmoid(-1), close());
      assertThatThrownBy(() -> scorer.put(0, 0, 1.0)).hasMessageContaining("takes text");
    }
  }

  @Test
  void aTextIsComparedAsItIs() throws IOException {
    List<String> known = List.of("Ä€", "a,b;c%", " ", "\uFFFF", "\uD83D\uDE00");
    try (OnnxModel model =
            load(TypedModels.categories(known, List.of("c"), 0), List.of(InputColumn.text("c")));
        BatchScorer scorer = model.scorer(8)) {
      for (int row = 0; row < known.size(); row++) {
        scorer.put(row, 0, known.get(row));
      }
      scorer.put(known.size(), 0, "nobody's");
      scorer.score(known.size() + 1);
      for (int row = 0; row < 4; row++) {
        assertThat(scorer.probability(row)).isCloseTo(sigmoid(1 + row), close());
      }
      // It does not come through Java as it is: whoever asks for such a text is refused before.
      assertThat(scorer.probability(4)).isCloseTo(sigmoid(0), close());
      assertThat(TextInput.flaw(known.get(4))).isNotNull();
      assertThat(scorer.probability(5)).isCloseTo(sigmoid(0), close());
    }
  }

  @Test
  void tensorsOfTextsTakeTheTextsAndTheOthersTheNumbers() throws IOException {
    // Two texts and three numbers, told apart by name, and by kind whatever their order is.
    List<String> known = List.of("AA", "UA");
    InputColumn carrier = InputColumn.text("carrier");
    InputColumn origin = InputColumn.text("origin");
    InputColumn number = new InputColumn("n", 3);
    ModelProto named = TypedModels.categories(known, List.of("carrier", "origin"), 3);
    ModelProto joined = TypedModels.categories(known, List.of("texts:2"), 3);
    for (ModelProto form : List.of(named, joined)) {
      for (List<InputColumn> signature :
          List.of(List.of(carrier, origin, number), List.of(number, carrier, origin))) {
        try (OnnxModel model = load(form, signature);
            BatchScorer scorer = model.scorer(4)) {
          String[][] texts = {{"AA", "UA"}, {"UA", "AA"}, {"", "AA"}};
          for (int row = 0; row < 3; row++) {
            scorer.put(row, signature.indexOf(carrier), texts[row][0]);
            scorer.put(row, signature.indexOf(origin), texts[row][1]);
            scorer.put(row, signature.indexOf(number), Numbers.of(new double[] {0.5, row, 0.25}));
          }
          scorer.score(3);
          for (int row = 0; row < 3; row++) {
            double z = 0.5 + row + 0.25;
            z += 1 + known.indexOf(texts[row][0]) + 10 * (1 + known.indexOf(texts[row][1]));
            assertThat(scorer.probability(row)).isCloseTo(sigmoid(z), close());
          }
        }
      }
    }
  }

  @Test
  void textsAndNumbersAreNotMistakenForEachOther() {
    assertRefused(
        TypedModels.texts(),
        single("carrier"),
        "its input carrier takes texts, and carrier of the signature is a number");
    assertRefused(
        TypedModels.wholes(TypedModels.INT64, 1, 2),
        List.of(new InputColumn("a", 1), InputColumn.text("b")),
        "its input x takes numbers, and b of the signature is a text");
    ModelProto two = TypedModels.categories(List.of("AA"), List.of("carrier"), 1);
    assertRefused(
        two,
        List.of(InputColumn.text("n"), InputColumn.text("carrier")),
        "its input numbers takes 1 values a row, of the signature 0 are left for it");
    assertRefused(
        two,
        List.of(new InputColumn("a", 1), new InputColumn("b", 1)),
        "its input carrier takes 1 texts a row, of the signature 0 are left");
  }

  @Test
  void goldenRowsMayHaveTexts() throws IOException {
    List<String> known = List.of("a,b;c%", "+ ä");
    List<InputColumn> signature = List.of(InputColumn.text("c"), new InputColumn("n", 1));
    byte[] onnx = TypedModels.categories(known, List.of("c"), 1).toByteArray();
    List<List<Object>> rows =
        List.of(List.of("a,b;c%", 0.5), List.of("+ ä", -1f), List.of("", 0.0), List.of("?", 1));
    float[] scores = {(float) sigmoid(1.5), (float) sigmoid(1), (float) sigmoid(0), 0};
    scores[3] = (float) sigmoid(1);
    byte[] golden = GoldenRows.with(onnx, rows, scores);
    try (OnnxModel model = load(ModelProto.parseFrom(golden), signature)) {
      assertThat(model.flaw()).isNull();
    }
    scores[1] = 0.1f;
    try (OnnxModel model =
        load(ModelProto.parseFrom(GoldenRows.with(onnx, rows, scores)), signature)) {
      assertThat(model.flaw()).startsWith("its score of golden row 1 is 0.73");
    }
    assertRefused(
        TinyModels.golden(onnx, "%E4%zz,1", "1"), signature, "golden row 0 holds %E4%zz, which");
    assertRefused(
        TinyModels.golden(onnx, "%F0%9F%98%80,1", "1"), signature, "that no model takes: its");
  }

  @Test
  void aTextThatAModelRefusesIsFoundWhenItIsLoaded() throws IOException {
    // As scikit-learn's encoder is exported that does not ignore what it does not know.
    ModelProto strict = TypedModels.strictCategories(List.of("AA", "UA"));
    try (OnnxModel model = load(strict, List.of(InputColumn.text("c")))) {
      assertThatThrownBy(model::flaw).isInstanceOf(IllegalStateException.class);
    } catch (ModelRefusedException e) {
      assertThat(e).hasMessageContaining("Unknown Category");
    }
  }

  @Test
  void theScoreIsTheLaterClassOfAMap() throws IOException {
    for (List<String> classes : List.of(List.<String>of(), List.of("no", "yes"))) {
      try (OnnxModel model = load(TypedModels.maps(classes, 1, -2), single("a", "b"));
          BatchScorer scorer = model.scorer(4)) {
        for (int row = 0; row < 3; row++) {
          scorer.put(row, 0, (double) row);
          scorer.put(row, 1, 1.0);
        }
        scorer.score(3);
        for (int row = 0; row < 3; row++) {
          assertThat(scorer.probability(row)).isCloseTo(sigmoid(row - 2), close());
        }
      }
    }
    assertRefused(TypedModels.maps(List.of("same", "same"), 1, -2), single("a", "b"), "[same]");
  }

  @Test
  void whatCannotBeTakenIsRefused() {
    assertRefused(
        TypedModels.wholes(TypedModels.INT32, 1), single("a"), "its input x is of INT32; float");
    assertRefused(
        TypedModels.several(2), single("a", "b", "c"), "its input last takes 2 values a row");
    assertRefused(
        TypedModels.several(2), single("a", "b", "c", "d", "e", "f"), "no input of it takes f");
    assertRefused(
        TypedModels.several(2),
        List.of(new InputColumn("hour", 3), new InputColumn("b", 2)),
        "its input hour takes 1 values a row, the signature has 3");
    assertRefused(
        TypedModels.several(2),
        List.of(new InputColumn("a", 3), new InputColumn("b", 2)),
        "its input first takes 2 values a row, of the signature 0 are left");
  }

  private void assertRefused(ModelProto model, List<InputColumn> signature, String why) {
    assertThatThrownBy(() -> load(model, signature).close())
        .isInstanceOf(ModelRefusedException.class)
        .hasMessageContaining(why);
  }

  private OnnxModel load(ModelProto model, List<InputColumn> signature) throws IOException {
    return OnnxModel.load(TinyModels.write(dir, model), null, signature, ComputeDevice.CPU);
  }

  private static int other(int nth, int hour) {
    return nth < hour ? nth : nth + 1;
  }

  private static List<InputColumn> single(String... names) {
    return InputColumn.single(List.of(names));
  }

  private static double sigmoid(double z) {
    return 1 / (1 + Math.exp(-z));
  }

  private static Offset<Double> close() {
    return within(1e-6);
  }
}
