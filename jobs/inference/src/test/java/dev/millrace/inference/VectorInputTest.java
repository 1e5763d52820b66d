package dev.millrace.inference;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import dev.millrace.core.row.Numbers;
import dev.millrace.streaming.DeadLetter;
import dev.millrace.streaming.Inbound;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** An array of an event as an input: from the event to the score, and what cannot be scored. */
class VectorInputTest {

  private static final long NOON = RiskModel.NOON;

  private static final String SCHEMA =
      """
      {"type": "record", "name": "Photo", "fields": [
        {"name": "id", "type": "string"},
        {"name": "at", "type": {"type": "long", "logicalType": "timestamp-millis"}},
        {"name": "image", "type": ["null", {"type": "array", "items": "float"}]},
        {"name": "size", "type": ["null", "double"]}
      ]}
      """;

  private final Path folder;

  VectorInputTest(@TempDir Path folder) {
    this.folder = folder;
  }

  @Test
  void eachEventIsScoredByItsVector() throws Exception {
    Random random = new Random(9);
    List<float[]> images = new ArrayList<>();
    try (Scoring scoring = new Scoring(plan(""), new OnnxModels(), version(0, 1, 4))) {
      for (int i = 0; i < 300; i++) {
        float[] image = {random.nextFloat(), -random.nextFloat(), random.nextFloat()};
        images.add(image);
        scoring.event(event(i, Numbers.of(image), i / 300.0));
      }
      scoring.barrier(1);
      assertThat(scoring.letters()).isEmpty();
      assertThat(scoring.predictions()).hasSize(300);
      for (int i = 0; i < 300; i++) {
        Prediction made = scoring.predictions().get(i);
        assertThat(made.score()).isCloseTo(sigmoid(images.get(i), i / 300.0), within(1e-6));
        // A vector is in the event alone.
        assertThat(made.inputs()).containsOnly(Map.entry("size", i / 300.0));
      }
    }
  }

  @Test
  void vectorsOfOtherNumbersAreTheSame() throws Exception {
    try (Scoring scoring = new Scoring(plan(""), new OnnxModels(), version(0, 1, 4))) {
      scoring.event(event(0, Numbers.of(new float[] {1, 2, 3}), 4.0));
      scoring.event(event(1, Numbers.of(new double[] {1, 2, 3}), 4.0));
      scoring.event(event(2, Numbers.of(new long[] {1, 2, 3}), 4.0));
      // As the state of an earlier build has it.
      scoring.event(event(3, List.of(1f, 2f, 3f), 4.0));
      scoring.barrier(1);
      assertThat(scoring.predictions())
          .extracting(Prediction::score)
          .hasSize(4)
          .containsOnly(scoring.last().score());
    }
  }

  @Test
  void anEventWithoutTheRightVectorGetsALetterAndOthersGoOn() throws Exception {
    try (Scoring scoring = new Scoring(plan(""), new OnnxModels(), version(0, 1, 4))) {
      scoring.event(event(0, Numbers.of(new float[] {1, 2, 3}), 4.0));
      scoring.event(event(1, Numbers.of(new float[] {1, 2}), 4.0));
      scoring.event(event(2, null, 4.0));
      scoring.event(event(3, Numbers.of(new float[] {1, Float.NaN, 3}), 4.0));
      scoring.event(event(4, Numbers.of(new float[] {1, 2, 3, 4}), 4.0));
      scoring.event(event(5, Numbers.of(new float[] {1, 2, 3}), 4.0));
      scoring.barrier(1);
      assertThat(scoring.predictions()).extracting(Prediction::eventId).containsExactly("p0", "p5");
      assertThat(scoring.predictions().get(1).score())
          .isEqualTo(scoring.predictions().get(0).score());
      String takes = "model risk: version 1 takes 3 values of image where the event has ";
      String end = " and there is no fallback";
      assertThat(scoring.letters())
          .extracting(DeadLetter::reason)
          .containsOnly(DeadLetter.Reason.NO_MODEL);
      assertThat(scoring.letters())
          .extracting(letter -> letter.message().replace(end, ""))
          .containsExactly(
              takes + "2",
              takes + "none that is finite",
              takes + "none that is finite",
              takes + "4");
    }
  }

  @Test
  void theFallbackAnswersForOneThatLacksIt() throws Exception {
    ScoringPlan plan = plan("fallback: '0.25'\nmissing: -1\n");
    try (Scoring scoring = new Scoring(plan, new OnnxModels(), version(0, 1, 4))) {
      scoring.event(event(0, Numbers.of(new float[] {1, 2}), 4.0));
      scoring.event(event(1, Numbers.of(new float[] {1, 2, 3}), null));
      scoring.barrier(1);
      Prediction instead = scoring.predictions().get(0);
      assertThat(instead.role()).isEqualTo(Role.FALLBACK);
      assertThat(instead.score()).isEqualTo(0.25);
      assertThat(scoring.last().score())
          .isCloseTo(sigmoid(new float[] {1, 2, 3}, -1), within(1e-6));
      assertThat(scoring.letters()).isEmpty();
    }
  }

  @Test
  void eachVersionTakesVectorsOfItsOwnLength() throws Exception {
    try (Scoring scoring =
        new Scoring(plan(""), new OnnxModels(), version(0, 1, 4), version(1, 2, 3))) {
      scoring.event(event(0, Numbers.of(new float[] {1, 2}), 4.0));
      scoring.event(event(1, Numbers.of(new float[] {1, 2, 3}), 4.0));
      scoring.barrier(1);
      assertThat(scoring.predictions())
          .extracting(Prediction::role)
          .containsExactly(Role.CHAMPION, Role.FALLBACK);
      assertThat(scoring.predictions()).extracting(Prediction::version).containsExactly(2, 1);
    }
  }

  @Test
  void whatIsParkedOrHeldKeepsItsVector() throws Exception {
    Joined joined = Joined.unread(event(0, Numbers.of(new float[] {1, 2, 3}), 4.0));
    var copy = Joined.TYPE.createSerializer(null).copy(joined);
    assertThat(Objects.requireNonNull(copy.event()).values()[2])
        .isEqualTo(Numbers.of(new float[] {1, 2, 3}));
  }

  @Test
  @Timeout(60)
  void onRequest() throws Exception {
    try (RiskModel.Service service = new RiskModel.Service(plan(""), version(0, 1, 4))) {
      double score =
          service.send("/v1/models/risk/score", json("[1, 2.5, 3]")).path("score").asDouble();
      assertThat(score).isCloseTo(sigmoid(new float[] {1, 2.5f, 3}, 4), within(1e-6));
      JsonNode letter = service.send("/v1/models/risk/score", json("[1, 2.5]"));
      assertThat(letter.path("reason").asText()).isEqualTo("NO_MODEL");
      assertThat(letter.toString()).contains("takes 3 values of image where the event has 2");
      assertThat(
              service.send("/v1/models/risk/score", json("[1, \"a\", 2]")).path("reason").asText())
          .isEqualTo("MALFORMED");
      String byFile = "{'name':'x','shape':[2,4],'datatype':'FP32','data':[1,2.5,3,4,1,2.5,3,5]}";
      String bySignature =
          "{'name':'image','shape':[2,3],'datatype':'FP32','data':[[1,2.5,3],[1,2.5,3]]},"
              + "{'name':'size','shape':[2],'datatype':'FP64','data':[4,5]}";
      for (String inputs : List.of(byFile, bySignature)) {
        JsonNode data = service.infer(inputs).at("/outputs/0/data");
        assertThat(data.size()).isEqualTo(2);
        assertThat(data.get(0).asDouble()).isEqualTo(score);
        assertThat(data.get(1).asDouble()).isNotEqualTo(score);
      }
    }
  }

  private static String json(String image) {
    return "{'id':'p1','at':" + NOON + ",'size':4,'image':" + image + "}";
  }

  /** The weights are 0.5, −0.25 and 0.125, the size's is 0.0625. */
  private static double sigmoid(float[] image, double size) {
    return 1
        / (1 + Math.exp(-(0.5 * image[0] - 0.25 * image[1] + 0.125 * image[2] + 0.0625 * size)));
  }

  private static Inbound event(int number, @Nullable Object image, @Nullable Double size) {
    return RiskModel.event(number, "p" + number, NOON + number, image, size);
  }

  /** A version that takes so many values a row, the last the size. */
  private DeploymentRecord version(long offset, int number, int width) throws Exception {
    float[] weights = new float[width];
    float weight = 0.5f;
    for (int i = 0; i < width; i++) {
      weights[i] = i % 2 == 1 && i < width - 1 ? -weight : weight;
      weight /= 2;
    }
    byte[] bytes =
        OnnxBytes.model(
            8,
            15,
            width,
            new OnnxBytes()
                .floats("w", width, weights)
                .node("MatMul", List.of("x", "w"), "z")
                .node("Sigmoid", List.of("z"), "p"));
    return RiskModel.version(folder, offset, number, bytes);
  }

  private static ScoringPlan plan(String rest) throws IOException {
    return RiskModel.plan(
        "photos",
        SCHEMA,
        "",
        """
        inputs:
          - {name: image, value: image}
          - {name: size, value: size}
        %s"""
            .formatted(rest));
  }
}
