package dev.millrace.inference;

import static dev.millrace.inference.Flights.ARRIVALS_VERSION;
import static dev.millrace.inference.Flights.DELAY;
import static dev.millrace.inference.Flights.DEPARTURES;
import static dev.millrace.inference.Flights.DEPARTURES_VERSION;
import static dev.millrace.inference.Flights.DISTANCE;
import static dev.millrace.inference.Flights.NOON;
import static dev.millrace.inference.Flights.departure;
import static dev.millrace.inference.Flights.plan;
import static dev.millrace.inference.Flights.timeMillis;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.millrace.core.model.DeployedVersion;
import dev.millrace.core.model.Deployment;
import dev.millrace.core.model.Deployment.State;
import dev.millrace.schemas.Wire;
import dev.millrace.scoring.InputTensor;
import dev.millrace.scoring.RunEndedException;
import dev.millrace.streaming.Event;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The service as a client sees it, on the real model of {@link OnnxModelsTest}. */
@Timeout(60)
class ScoringApiTest {

  private static final JsonMapper JSON = new JsonMapper();
  private static final String OF_ARRIVALS = "features:{origin:JFK}:origin_delays";
  private static final String SCORE = "/v1/models/delay_risk/score";
  private static final String V2 = "/v2/models/delay_risk";

  private final FakeStore store = new FakeStore();
  private final HttpClient client = HttpClient.newHttpClient();
  private OnRequestModels models = models(new OnnxModels());
  private ScoringApi api = ScoringApi.start("127.0.0.1", 0, models);

  private OnRequestModels models(ModelLoader loader) {
    return models(loader, new WaitClock.OfSystem());
  }

  private OnRequestModels models(ModelLoader loader, WaitClock clock) {
    return new OnRequestModels(
        new OnRequestEnds(store, loader, new LoaderThread(), clock, () -> NOON + 100_000));
  }

  private void use(ModelLoader loader) {
    close();
    models = models(loader);
    api = ScoringApi.start("127.0.0.1", 0, models);
  }

  @AfterEach
  void close() {
    api.close();
    models.close();
  }

  private record Answer(int status, JsonNode body, HttpResponse<String> response) {}

  private HttpRequest.Builder request(String path) {
    return HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + api.port() + path));
  }

  private Answer send(HttpRequest request) throws Exception {
    HttpResponse<String> response = client.send(request, HttpResponse.BodyHandlers.ofString());
    return new Answer(response.statusCode(), JSON.readTree(response.body()), response);
  }

  private Answer get(String path) throws Exception {
    return send(request(path).build());
  }

  private Answer post(String path, String body) throws Exception {
    return send(request(path).POST(HttpRequest.BodyPublishers.ofString(body)).build());
  }

  /** Applies the model with the real version 1 and reads the topics to their end. */
  private void serve() {
    models.applied(Map.of("delay_risk", plan(null, DELAY, DISTANCE)), Map.of());
    models.deployed(sigmoid(0, 1));
    models.becomeReady();
    store.row(
        OF_ARRIVALS,
        timeMillis(1) - 1_000,
        "0:5",
        ARRIVALS_VERSION,
        "count_1h",
        "3",
        "delay_mean_1h",
        "10");
  }

  private static DeploymentRecord sigmoid(long offset, int version) {
    return new DeploymentRecord(
        new Deployment(
            "delay_risk",
            "d" + version,
            State.EFFECTIVE,
            null,
            new DeployedVersion(version, OnnxModelsTest.uri(), OnnxModelsTest.SHA256),
            null,
            0,
            List.of(),
            NOON),
        2,
        offset);
  }

  private static String json(Event event) {
    ObjectNode fields = JSON.createObjectNode();
    for (var field : Flights.DEPARTURE.getFields()) {
      fields.set(field.name(), JSON.valueToTree(event.values()[field.pos()]));
    }
    return fields.toString();
  }

  private static String json(long offset, @Nullable String origin, @Nullable Double distance) {
    return json(Objects.requireNonNull(departure(offset, origin, distance).event()));
  }

  @Test
  void aRawEventIsAnsweredWithTheRecordOfTheTopic() throws Exception {
    serve();
    Answer answer = post(SCORE, json(1, "JFK", 1_000.0));
    assertThat(answer.status()).isEqualTo(200);
    assertThat(answer.body().fieldNames())
        .toIterable()
        .containsExactlyElementsOf(
            Wire.PREDICTION.getFields().stream().map(f -> f.name()).toList());
    assertThat(answer.body().path("score").asDouble()).isCloseTo(0.880797, within(1e-6));
    assertThat(answer.body().path("decision").asText()).isEqualTo("WARN");
    assertThat(answer.body().path("role").asText()).isEqualTo("CHAMPION");
    assertThat(answer.body().path("version").asInt()).isEqualTo(1);
    assertThat(answer.body().path("inputs").toString())
        .isEqualTo("{\"delay_mean_1h\":10.0,\"distance\":1000.0}");
    assertThat(answer.body().path("freshness").toString())
        .isEqualTo("{\"origin_delays\":\"INCLUDED\"}");
    assertThat(answer.body().path("scored_at").asLong()).isEqualTo(NOON + 100_000);
    // sha256 of flights, delay_risk and f1, joined by U+001F.
    assertThat(answer.body().path("prediction_id").asText())
        .isEqualTo("d73799bc39b38d04820eca1d05ca6118");
    assertThat(store.rounds).hasSize(1);
  }

  @Test
  void theAnswerIsWhatTheStreamSays() throws Exception {
    use(new FakeModels());
    ScoringPlan plan = plan("0.3", DELAY, DISTANCE, DEPARTURES);
    DeploymentRecord[] log = {
      Flights.deployed(0, 1),
      Flights.record(1, "d6", State.EFFECTIVE, timeMillis(40), 4, 6, 0.5, 7),
    };
    models.applied(Map.of("delay_risk", plan), Map.of());
    for (DeploymentRecord record : log) {
      models.deployed(record);
    }
    models.becomeReady();
    Random random = new Random(3);
    Set<String> said = new HashSet<>();
    try (Scoring stream = new Scoring(plan, store, new FakeModels(), new ManualTime(), null, log)) {
      for (int i = 1; i <= 80; i++) {
        if (random.nextInt(4) == 0) {
          rows(random, i);
        }
        Event event =
            Objects.requireNonNull(
                departure(
                        i,
                        random.nextBoolean() ? "JFK" : "LAX",
                        random.nextInt(5) == 0 ? null : (Double) (1_000 * random.nextDouble()))
                    .event());
        stream.event(departure(i, (String) event.values()[2], (Double) event.values()[3]));
        stream.idle();
        stream.pass(60);
        ObjectNode expected = (ObjectNode) PredictionJson.of(stream.last());
        ObjectNode answered = (ObjectNode) post(SCORE, json(event)).body();
        expected.remove("scored_at");
        answered.remove("scored_at");
        assertThat(answered.toString()).isEqualTo(expected.toString());
        said.add(answered.path("role").asText() + answered.path("freshness"));
      }
      assertThat(stream.predictions()).hasSize(80);
    }
    assertThat(said).anyMatch(s -> s.startsWith("CANARY")).hasSizeGreaterThan(4);
  }

  private void rows(Random random, int i) {
    String origin = random.nextBoolean() ? "JFK" : "LAX";
    store.row(
        "features:{origin:" + origin + "}:origin_delays",
        timeMillis(i) + random.nextInt(4_000_000) - 2_000_000,
        "0:5",
        random.nextInt(5) == 0 ? "9-other" : ARRIVALS_VERSION,
        "count_1h",
        "3",
        "delay_mean_1h",
        String.valueOf(random.nextInt(60)));
    store.row(
        "features:{origin:" + origin + "}:origin_departures",
        timeMillis(i) + random.nextInt(100_000),
        "0:0",
        DEPARTURES_VERSION,
        "count_1h",
        String.valueOf(i));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      textBlock =
          """
          nothing                                                                       | 400 | MALFORMED  | no JSON
          {'departed_at':1000000001000}                                                 | 400 | MALFORMED  | flight_id is missing
          {'flight_id':7,'departed_at':1000000001000}                                   | 400 | MALFORMED  | expected STRING
          {'flight_id':'f','departed_at':1000000001000,'origin':'JFK','distance':NaN}   | 422 | NON_FINITE | distance is NaN
          {'flight_id':'f','departed_at':1000009001000,'origin':'JFK','distance':1}     | 422 | FUTURE     | max-ahead
          {'flight_id':'f','departed_at':1000000001000,'distance':1}                    | 422 | NULL_KEY   | a key of view origin_delays is null
          """)
  void anEventThatIsNoneHasItsReason(String json, int status, String reason, String message)
      throws Exception {
    serve();
    Answer answer = post(SCORE, json.replace('\'', '"'));
    assertThat(answer.status()).isEqualTo(status);
    assertThat(answer.body().path("reason").asText()).isEqualTo(reason);
    assertThat(answer.body().path("error").asText()).contains(message);
    assertThat(store.rounds).isEmpty();
  }

  @Test
  void withoutAVersionTheFallbackAnswersOrNobody() throws Exception {
    models.applied(Map.of("delay_risk", plan("0.2", DELAY)), Map.of());
    assertThat(post(SCORE, json(1, "JFK", 1.0)).status()).isEqualTo(503);
    assertThat(get("/v1/health").status()).isEqualTo(503);
    assertThat(get("/v2/health/ready").status()).isEqualTo(503);
    models.becomeReady();
    JsonNode fallback = post(SCORE, json(1, "JFK", 1.0)).body();
    assertThat(fallback.path("role").asText()).isEqualTo("FALLBACK");
    assertThat(fallback.path("version").asInt()).isZero();
    assertThat(fallback.path("score").asDouble()).isEqualTo(0.2);
    assertThat(fallback.path("freshness").path("origin_delays").asText()).isEqualTo("MISSING");
    assertThat(get(V2 + "/ready").status()).isEqualTo(503);
    assertThat(get(V2 + "/ready").body().toString())
        .isEqualTo("{\"name\":\"delay_risk\",\"ready\":false}");
    assertThat(get(V2).body().path("error").asText()).contains("no version of it is deployed");
    models.applied(Map.of("delay_risk", plan(null, DELAY)), Map.of());
    Answer none = post(SCORE, json(1, "JFK", 1.0));
    assertThat(none.status()).isEqualTo(503);
    assertThat(none.body().path("reason").asText()).isEqualTo("NO_MODEL");
    assertThat(none.response().headers().firstValue("Retry-After")).contains("1");
  }

  @Test
  void theProtocolsOwnQuestions() throws Exception {
    serve();
    assertThat(get("/v2").body().path("name").asText()).isEqualTo("millrace");
    assertThat(get("/v2/health/live").body().path("live").asBoolean()).isTrue();
    assertThat(get("/v2/health/ready").body().toString())
        .isEqualTo("{\"live\":true,\"ready\":true}");
    assertThat(get("/v1/health").body().toString()).isEqualTo("{\"status\":\"UP\"}");
    assertThat(get(V2).body().toString())
        .isEqualTo(
            """
            {"name":"delay_risk","versions":["1"],"platform":"onnx_onnxv1",\
            "inputs":[{"name":"x","datatype":"FP32","shape":[-1,2],\
            "parameters":{"inputs":["delay_mean_1h","distance"]}}],\
            "outputs":[{"name":"score","datatype":"FP64","shape":[-1]}]}""");
    assertThat(get(V2 + "/versions/1").status()).isEqualTo(200);
    assertThat(get(V2 + "/versions/1/ready").body().path("ready").asBoolean()).isTrue();
    Answer other = get(V2 + "/versions/2");
    assertThat(other.status()).isEqualTo(404);
    assertThat(other.body().path("error").asText())
        .isEqualTo("version 2 of model delay_risk is not deployed; deployed are [1]");
    assertThat(get(V2 + "/versions/2/ready").status()).isEqualTo(404);
    assertThat(get(V2 + "/versions/one").status()).isEqualTo(404);
    assertThat(get("/v2/models/other").body().path("error").asText())
        .isEqualTo("there is no model other; applied are [delay_risk]");
    assertThat(get("/v3").body().path("error").asText()).isEqualTo("there is no /v3");
  }

  @Test
  void rowsAreScoredByTheModelItself() throws Exception {
    serve();
    String inputs =
        "\"inputs\":[{\"name\":\"x\",\"shape\":[5,2],\"datatype\":\"FP32\",\"data\":"
            + "[[10,1000],[0,0],[-10,0],[10,0],[0,1000]]}]";
    JsonNode answer = post(V2 + "/infer", "{\"id\":\"42\"," + inputs + "}").body();
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
    assertThat(post(V2 + "/versions/1/infer", "{" + inputs + "}").status()).isEqualTo(200);
    assertThat(post(V2 + "/versions/2/infer", "{" + inputs + "}").status()).isEqualTo(404);
    Answer bad = post(V2 + "/infer", "{" + inputs.replace("FP32", "FP64") + "}");
    assertThat(bad.status()).isEqualTo(400);
    assertThat(bad.body().path("error").asText()).contains("expected FP32");
    Answer missing = post(V2 + "/infer", "{" + inputs.replace("1000", "null") + "}");
    assertThat(missing.status()).isEqualTo(422);
    assertThat(missing.body().path("error").asText()).contains("for row 0 its score is NaN");
    // A row of the stream and the same row on request.
    double streamed = post(SCORE, json(1, "JFK", 1_000.0)).body().path("score").asDouble();
    assertThat(output.path("data").path(0).asDouble()).isEqualTo(streamed);
  }

  @Test
  void whatIsAppliedOrPromotedCountsForTheNextRequest() throws Exception {
    serve();
    assertThat(post(SCORE, json(1, "JFK", 1.0)).body().path("version").asInt()).isEqualTo(1);
    models.deployed(sigmoid(1, 2));
    // Read again after the broker was away.
    models.deployed(sigmoid(0, 1));
    assertThat(post(SCORE, json(1, "JFK", 1.0)).body().path("version").asInt()).isEqualTo(2);
    models.applied(
        Map.of("delay_risk", plan(null, DISTANCE)), Map.of("other", "Cannot score: no view"));
    // Its file takes two inputs, so nobody serves.
    assertThat(post(SCORE, json(1, "JFK", 1.0)).status()).isEqualTo(503);
    assertThat(post("/v1/models/other/score", "{}").body().path("error").asText())
        .isEqualTo("Cannot score: no view");
    models.applied(Map.of(), Map.of());
    assertThat(post(SCORE, json(1, "JFK", 1.0)).status()).isEqualTo(404);
  }

  @Test
  void requestsThatWaitTogetherAreOneBatchAndTooManyAreRefused() throws Exception {
    serve();
    CountDownLatch held = new CountDownLatch(1);
    CountDownLatch asked = new CountDownLatch(1);
    store.beforeRound.put(
        0,
        () -> {
          asked.countDown();
          await(held);
        });
    OnRequestModel model = models.model("delay_risk");
    List<CompletableFuture<Ask.Scored>> answers = new ArrayList<>();
    byte[] event = json(1, "JFK", 1_000.0).getBytes(StandardCharsets.UTF_8);
    answers.add(model.score(event));
    asked.await();
    for (int i = 0; i < OnRequestModel.WAITING_MAX; i++) {
      answers.add(model.score(event));
    }
    Answer refused = post(SCORE, json(1, "JFK", 1_000.0));
    assertThat(refused.status()).isEqualTo(503);
    assertThat(refused.response().headers().firstValue("Retry-After")).contains("1");
    assertThat(refused.body().path("error").asText()).contains("requests wait already");
    held.countDown();
    for (CompletableFuture<Ask.Scored> answer : answers) {
      Prediction prediction = Objects.requireNonNull(answer.get().prediction());
      assertThat(prediction.score()).isCloseTo(0.880797, within(1e-6));
    }
    assertThat(store.rounds).hasSize(2);
    assertThat(post(SCORE, json(1, "JFK", 1_000.0)).status()).isEqualTo(200);
  }

  @Test
  void whatNobodyWaitsForAnyMoreIsNotComputed() throws Exception {
    ManualTime time = new ManualTime();
    FakeModels fakes = new FakeModels();
    List<Integer> runs = new CopyOnWriteArrayList<>();
    fakes.running = runs::add;
    CountDownLatch held = new CountDownLatch(1);
    CountDownLatch asked = new CountDownLatch(1);
    store.beforeRound.put(
        0,
        () -> {
          asked.countDown();
          await(held);
        });
    byte[] event = json(1, "JFK", 1_000.0).getBytes(StandardCharsets.UTF_8);
    try (OnRequestModels own = models(fakes, time)) {
      own.applied(Map.of("delay_risk", plan(null, DELAY, DISTANCE)), Map.of());
      own.deployed(Flights.deployed(0, 1));
      own.becomeReady();
      OnRequestModel model = own.model("delay_risk");
      CompletableFuture<Ask.Scored> first = model.score(event);
      asked.await();
      CompletableFuture<Ask.Scored> late = model.score(event);
      CompletableFuture<Ask.Inferred> lateRows = model.infer(null, inferRequest());
      CompletableFuture<Ask.Described> lateQuestion = model.describe(null);
      time.nanos += TimeUnit.SECONDS.toNanos(OnRequestModel.PATIENCE_SECONDS);
      CompletableFuture<Ask.Scored> current = model.score(event);
      held.countDown();
      assertThat(first.get().prediction()).isNotNull();
      assertThat(current.get().prediction()).isNotNull();
      for (CompletableFuture<?> over : List.of(late, lateRows, lateQuestion)) {
        assertThatThrownBy(over::get)
            .hasCauseInstanceOf(RequestRefusedException.class)
            .hasMessageContaining("it waited too long for its turn");
      }
      assertThat(runs).hasSize(2);
    }
  }

  private static InferRequest inferRequest() throws Exception {
    return InferRequest.read(
        "{\"inputs\":[{\"name\":\"x\",\"shape\":[1,2],\"datatype\":\"FP32\",\"data\":[[10,1000]]}]}"
            .getBytes(StandardCharsets.UTF_8));
  }

  @Test
  void runsOfTensorsThatWereEndedAreCounted() throws Exception {
    ModelLoader real = new OnnxModels();
    use(
        (model, version, inputs, execution) ->
            new EndedRuns(real.load(model, version, inputs, execution)));
    serve();
    assertThatThrownBy(() -> models.model("delay_risk").infer(null, inferRequest()).get())
        .hasCauseInstanceOf(RunEndedException.class);
    String metrics =
        client.send(request("/metrics").build(), HttpResponse.BodyHandlers.ofString()).body();
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

  private static void await(CountDownLatch latch) {
    try {
      latch.await();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  @Test
  void clientsAtTheSameTimeGetTheirOwnAnswers() throws Exception {
    serve();
    List<CompletableFuture<HttpResponse<String>>> answers = new ArrayList<>();
    for (int i = 0; i < 100; i++) {
      answers.add(
          client.sendAsync(
              request(SCORE)
                  .POST(HttpRequest.BodyPublishers.ofString(json(i, "JFK", 10.0 * i)))
                  .build(),
              HttpResponse.BodyHandlers.ofString()));
    }
    for (int i = 0; i < 100; i++) {
      JsonNode body = JSON.readTree(answers.get(i).get().body());
      assertThat(body.path("event_id").asText()).isEqualTo("f" + i);
      assertThat(body.path("score").asDouble())
          .isCloseTo(1 / (1 + Math.exp(-1 - 0.01 * i)), within(1e-6));
    }
    String metrics =
        client.send(request("/metrics").build(), HttpResponse.BodyHandlers.ofString()).body();
    assertThat(metrics)
        .contains("millrace_scoring_predictions_total{role=\"CHAMPION\"} 100\n")
        .contains("millrace_scoring_waiting{model=\"delay_risk\"} 0\n");
  }

  @Test
  void aBodyThatIsTooLargeIsRefused() throws Exception {
    serve();
    Answer large = post(SCORE, " ".repeat(2 * ScoringApi.BODY_BYTES_MAX));
    assertThat(large.status()).isEqualTo(413);
    assertThat(large.body().path("reason").asText()).isEqualTo("TOO_LARGE");
    String padding = " ".repeat(ScoringApi.BODY_BYTES_MAX - 1_000);
    assertThat(post(SCORE, padding + json(1, "JFK", 1.0)).status()).isEqualTo(200);
  }

  @Test
  void aModelThatCannotRunIsNoAnswer() throws Exception {
    FakeModels fakes = new FakeModels();
    use(fakes);
    serve();
    fakes.cannotRun = true;
    assertThat(post(SCORE, json(1, "JFK", 1.0)).body().path("reason").asText())
        .isEqualTo("NO_MODEL");
    store.down = true;
    fakes.cannotRun = false;
    JsonNode blind = post(SCORE, json(1, "JFK", 1.0)).body();
    assertThat(blind.path("score").asDouble()).isEqualTo(0.1);
    assertThat(blind.path("freshness").path("origin_delays").asText()).isEqualTo("MISSING");
  }
}
