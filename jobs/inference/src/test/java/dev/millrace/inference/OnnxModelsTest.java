package dev.millrace.inference;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.millrace.core.definition.Model;
import dev.millrace.core.model.DeployedVersion;
import dev.millrace.scoring.InputColumn;
import java.io.IOException;
import java.net.URI;
import java.net.URISyntaxException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Objects;
import org.assertj.core.data.Offset;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** On a real model of 186 bytes: sigmoid(0.1 · delay_mean_1h + 0.001 · distance). */
class OnnxModelsTest {

  static final String SHA256 = "19eca1674cb13363b0f29584882c66b29107d1aa05391325c1cc3c1e0006ab57";
  private static final List<String> INPUTS = List.of("delay_mean_1h", "distance");
  private static final List<InputColumn> COLUMNS = InputColumn.single(INPUTS);

  private static final Execution EXECUTION =
      new Execution(Model.Provider.CPU, 4, 2, null, true, false);

  private final OnnxModels models = new OnnxModels();

  @Test
  void tasksShareAModelAndScoreWithTheirOwnBuffers() throws Exception {
    DeployedVersion version = new DeployedVersion(1, uri(), SHA256);
    Scorer one = models.load("delay_risk", version, COLUMNS, EXECUTION);
    try (Scorer other = models.load("delay_risk", version, COLUMNS, EXECUTION)) {
      one.put(0, 0, 10.0);
      one.put(0, 1, 1_000.0);
      other.put(0, 0, -10.0);
      other.put(0, 1, 0.0);
      one.score(1);
      other.score(1);
      assertThat(one.scored(0)).isCloseTo(sigmoid(2.0), within());
      assertThat(other.scored(0)).isCloseTo(sigmoid(-1.0), within());
      one.close();
      one.close();
      // Whoever is left goes on.
      other.score(1);
      assertThat(other.scored(0)).isCloseTo(sigmoid(-1.0), within());
    }
    try (Scorer again = models.load("delay_risk", version, COLUMNS, EXECUTION)) {
      again.put(0, 0, 0.0);
      again.put(0, 1, 0.0);
      again.score(1);
      assertThat(again.scored(0)).isEqualTo(0.5);
    }
  }

  @Test
  void whatDoesNotFitIsRefused() {
    assertRefused(uri(), "0".repeat(64), INPUTS, "sha256");
    assertRefused(uri(), SHA256, List.of("distance", "delay_mean_1h"), "it was trained on inputs");
    assertRefused(uri(), SHA256, List.of("distance"), "signature");
    assertRefused("https://example.org/model.onnx", SHA256, INPUTS, "no file: URI");
    assertRefused("file:///nowhere/model.onnx", SHA256, INPUTS, "nowhere");
  }

  @Test
  void aModelThatGivesNoNumberOrIsCutOffIsRefused(@TempDir Path folder) throws Exception {
    byte[] model = Files.readAllBytes(Path.of(URI.create(uri())));
    byte[] weight = ByteBuffer.allocate(4).order(ByteOrder.LITTLE_ENDIAN).putFloat(0.1f).array();
    ByteBuffer changed = ByteBuffer.wrap(model.clone()).order(ByteOrder.LITTLE_ENDIAN);
    for (int at = 0; at + 4 <= model.length; at++) {
      if (Arrays.equals(model, at, at + 4, weight, 0, 4)) {
        changed.putFloat(at, Float.NaN);
      }
    }
    assertRefused(written(folder.resolve("nan.onnx"), changed.array()), "its score is NaN");
    assertRefused(
        written(folder.resolve("cut.onnx"), Arrays.copyOf(model, model.length / 2)), "cut.onnx");
    assertRefused(written(folder.resolve("empty.onnx"), new byte[0]), "empty.onnx");
  }

  private void assertRefused(DeployedVersion version, String why) {
    assertRefused(version.uri(), version.sha256(), INPUTS, why);
  }

  private static DeployedVersion written(Path file, byte[] bytes) throws Exception {
    Files.write(file, bytes);
    String sha256 = HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(bytes));
    return new DeployedVersion(2, file.toUri().toString(), sha256);
  }

  private void assertRefused(String uri, String sha256, List<String> inputs, String why) {
    assertThatThrownBy(
            () ->
                models.load(
                    "delay_risk",
                    new DeployedVersion(2, uri, sha256),
                    InputColumn.single(inputs),
                    EXECUTION))
        .isInstanceOf(IOException.class)
        .hasMessageContaining(why);
  }

  static String uri() {
    try {
      return Objects.requireNonNull(OnnxModelsTest.class.getResource("sigmoid.onnx"))
          .toURI()
          .toString();
    } catch (URISyntaxException e) {
      throw new IllegalStateException(e);
    }
  }

  private static double sigmoid(double z) {
    return 1 / (1 + Math.exp(-z));
  }

  private static Offset<Double> within() {
    return Offset.offset(1e-6);
  }
}
