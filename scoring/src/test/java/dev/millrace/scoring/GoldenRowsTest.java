package dev.millrace.scoring;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ai.onnx.proto.OnnxMl.ModelProto;
import ai.onnx.proto.OnnxMl.StringStringEntryProto;
import java.nio.file.Files;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class GoldenRowsTest {

  private static final float[][] ROWS = {{0, 0}, {1, 2}, {-0.5f, 1e-3f}};

  @Test
  void aFileThatGivesTheScoresOfItsGoldenRowsHasNoFlaw() throws Exception {
    assertThat(flaw(GoldenRows.with(model(), ROWS, scores()))).isNull();
    assertThat(flaw(model())).isNull();
  }

  @Test
  void oneThatGivesOthersSaysWhichRow() throws Exception {
    float[] scores = scores();
    scores[1] += 0.01f;
    assertThat(flaw(GoldenRows.with(model(), ROWS, scores)))
        .startsWith("its score of golden row 1 is 0.9")
        .endsWith("stored with it is " + scores[1]);
  }

  @Test
  void aMissingInputIsStoredAsSuch() throws Exception {
    float[][] rows = {{Float.NaN, 1}};
    assertThat(flaw(GoldenRows.with(model(), rows, new float[] {0.5f})))
        .isEqualTo("its score of golden row 0 is NaN here, stored with it is 0.5");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "1,2|0.5;0.6|its metadata has 1 golden rows with 2 scores",
        "1|0.5|golden row 0 has 1 inputs, the signature has 2",
        "1,x|0.5|its golden rows hold x, which is no number"
      })
  void metadataThatIsNoneIsRefused(String rows, String scores, String reason) throws Exception {
    byte[] onnx =
        ModelProto.parseFrom(model()).toBuilder()
            .addMetadataProps(property(GoldenRows.ROWS, rows))
            .addMetadataProps(property(GoldenRows.SCORES, scores))
            .build()
            .toByteArray();
    assertThatThrownBy(() -> flaw(onnx)).hasMessageContaining(reason);
  }

  private static StringStringEntryProto property(String key, String value) {
    return StringStringEntryProto.newBuilder().setKey(key).setValue(value).build();
  }

  private static byte[] model() {
    return TinyModels.column(1, 1).toByteArray();
  }

  /** By hand: p = sigmoid(x + y). */
  private static float[] scores() {
    float[] scores = new float[ROWS.length];
    for (int row = 0; row < scores.length; row++) {
      scores[row] = (float) (1 / (1 + Math.exp(-(ROWS[row][0] + ROWS[row][1]))));
    }
    return scores;
  }

  private static @Nullable String flaw(byte[] onnx) throws Exception {
    Path file = Files.createTempFile("golden", ".onnx");
    try {
      Files.write(file, onnx);
      try (OnnxModel model = OnnxModel.load(file, null, 2)) {
        return model.flaw();
      }
    } finally {
      Files.delete(file);
    }
  }
}
