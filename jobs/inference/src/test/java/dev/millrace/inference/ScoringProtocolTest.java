package dev.millrace.inference;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import dev.millrace.scoring.InputTensor;
import dev.millrace.scoring.RunEndedException;
import java.net.http.HttpResponse;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** The Open Inference Protocol, as a client sees it. */
@Timeout(60)
class ScoringProtocolTest {

  private static final String SCORE = "/v1/models/delay_risk/score";
  private static final String V2 = "/v2/models/delay_risk";

  private final ScoringServer server = new ScoringServer();

  @AfterEach
  void close() {
    server.close();
  }

  @Test
  void theProtocolsOwnQuestions() throws Exception {
    server.serve();
    assertThat(server.get("/v2").body().path("name").asText()).isEqualTo("millrace");
    assertThat(server.get("/v2/health/live").body().path("live").asBoolean()).isTrue();
    assertThat(server.get("/v2/health/ready").body().toString())
        .isEqualTo("{\"live\":true,\"ready\":true}");
    assertThat(server.get("/v1/health").body().toString()).isEqualTo("{\"status\":\"UP\"}");
    assertThat(server.get(V2).body().toString())
        .isEqualTo(
            """
            {"name":"delay_risk","versions":["1"],"platform":"onnx_onnxv1",\
            "inputs":[{"name":"x","datatype":"FP32","shape":[-1,2],\
            "parameters":{"inputs":["delay_mean_1h","distance"]}}],\
            "outputs":[{"name":"score","datatype":"FP64","shape":[-1]}]}""");
    assertThat(server.get(V2 + "/versions/1").status()).isEqualTo(200);
    assertThat(server.get(V2 + "/versions/1/ready").body().path("ready").asBoolean()).isTrue();
    ScoringServer.Answer other = server.get(V2 + "/versions/2");
    assertThat(other.status()).isEqualTo(404);
    assertThat(other.body().path("error").asText())
        .isEqualTo("version 2 of model delay_risk is not deployed; deployed are [1]");
    assertThat(server.get(V2 + "/versions/2/ready").status()).isEqualTo(404);
    assertThat(server.get(V2 + "/versions/one").status()).isEqualTo(404);
    assertThat(server.get("/v2/models/other").body().path("error").asText())
        .isEqualTo("there is no model other; applied are [delay_risk]");
    assertThat(server.get("/v3").body().path("error").asText()).isEqualTo("there is no /v3");
  }

  @Test
  void rowsAreScoredByTheModelItself() throws Exception {
    server.serve();
    String inputs =
        "\"inputs\":[{\"name\":\"x\",\"shape\":[5,2],\"datatype\":\"FP32\",\"data\":"
            + "[[10,1000],[0,0],[-10,0],[10,0],[0,1000]]}]";
    JsonNode answer = server.post(V2 + "/infer", "{\"id\":\"42\"," + inputs + "}").body();
    assertThat(answer.path("model_name").asText()).isEqualTo("delay_risk");
    assertThat(answer.path("model_version").asText()).isEqualTo("1");
    assertThat(answer.path("id").asText()).isEqualTo("42");
    JsonNode output = answer.path("outputs").path(0);
    assertThat(output.path("name").asText()).isEqualTo("score");
    assertThat(output.path("datatype").asText()).isEqualTo("FP64");
    assertThat(output.path("shape").toString()).isEqualTo("[5]");
    // More than the three rows of a batch.
    double[] expected = {0.880797, 0.5, 0.268941, 0.731059, 0.731059};
    for (int row = 0; row < expected.length; row++) {
      assertThat(output.path("data").path(row).asDouble()).isCloseTo(expected[row], within(1e-6));
    }
    assertThat(server.post(V2 + "/versions/1/infer", "{" + inputs + "}").status()).isEqualTo(200);
    assertThat(server.post(V2 + "/versions/2/infer", "{" + inputs + "}").status()).isEqualTo(404);
    ScoringServer.Answer bad =
        server.post(V2 + "/infer", "{" + inputs.replace("FP32", "FP64") + "}");
    assertThat(bad.status()).isEqualTo(400);
    assertThat(bad.body().path("error").asText()).contains("expected FP32");
    ScoringServer.Answer missing =
        server.post(V2 + "/infer", "{" + inputs.replace("1000", "null") + "}");
    assertThat(missing.status()).isEqualTo(422);
    assertThat(missing.body().path("error").asText()).contains("for row 0 its score is NaN");
    // A row of the stream and the same row on request.
    double streamed =
        server.post(SCORE, ScoringServer.json(1, "JFK", 1_000.0)).body().path("score").asDouble();
    assertThat(output.path("data").path(0).asDouble()).isEqualTo(streamed);
  }

  @Test
  void runsOfTensorsThatWereEndedAreCounted() throws Exception {
    ModelLoader real = new OnnxModels();
    server.use(
        (model, version, inputs, execution) ->
            new EndedRuns(real.load(model, version, inputs, execution)));
    server.serve();
    assertThatThrownBy(
            () ->
                server.models().model("delay_risk").infer(null, ScoringServer.inferRequest()).get())
        .hasCauseInstanceOf(RunEndedException.class);
    String metrics =
        server
            .client()
            .send(server.request("/metrics").build(), HttpResponse.BodyHandlers.ofString())
            .body();
    assertThat(metrics).contains("millrace_scoring_runs_ended_total{model=\"delay_risk\"} 1\n");
  }

  /** A model of which no run comes back. */
  private record EndedRuns(Scorer real) implements Scorer {
    @Override
    public void put(int row, int column, double value) {
      real.put(row, column, value);
    }

    @Override
    public void score(int rows) {
      throw new RunEndedException("Cannot score", new IllegalStateException());
    }

    @Override
    public double scored(int row) {
      return real.scored(row);
    }

    @Override
    public List<InputTensor> tensors() {
      return real.tensors();
    }

    @Override
    public void close() {
      real.close();
    }
  }
}
