package dev.millrace.inference;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.millrace.core.model.DeployedVersion;
import java.io.IOException;
import java.net.URISyntaxException;
import java.util.List;
import java.util.Objects;
import org.assertj.core.data.Offset;
import org.junit.jupiter.api.Test;

/** On a real model of 186 bytes: sigmoid(0.1 · delay_mean_1h + 0.001 · distance). */
class OnnxModelsTest {

  static final String SHA256 = "19eca1674cb13363b0f29584882c66b29107d1aa05391325c1cc3c1e0006ab57";
  private static final List<String> INPUTS = List.of("delay_mean_1h", "distance");

  private final OnnxModels models = new OnnxModels();

  @Test
  void tasksShareAModelAndScoreWithTheirOwnBuffers() throws Exception {
    DeployedVersion version = new DeployedVersion(1, uri(), SHA256);
    Scorer one = models.load("delay_risk", version, INPUTS, 4);
    try (Scorer other = models.load("delay_risk", version, INPUTS, 4)) {
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
    try (Scorer again = models.load("delay_risk", version, INPUTS, 4)) {
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

  private void assertRefused(String uri, String sha256, List<String> inputs, String why) {
    assertThatThrownBy(
            () -> models.load("delay_risk", new DeployedVersion(2, uri, sha256), inputs, 4))
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
