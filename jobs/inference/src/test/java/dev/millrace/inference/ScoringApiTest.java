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
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.millrace.core.model.Deployment.State;
import dev.millrace.schemas.Wire;
import dev.millrace.streaming.Event;
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
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Raw events in, the topic's records out, as a client sees it. */
@Timeout(60)
class ScoringApiTest {

  private static final String SCORE = "/v1/models/delay_risk/score";
  private static final String V2 = "/v2/models/delay_risk";

  private final ScoringServer server = new ScoringServer();

  @AfterEach
  void close() {
    server.close();
  }

  @Test
  void aRawEventIsAnsweredWithTheRecordOfTheTopic() throws Exception {
    server.serve();
    ScoringServer.Answer answer = server.post(SCORE, ScoringServer.json(1, "JFK", 1_000.0));
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
    assertThat(server.store().rounds).hasSize(1);
  }

  @Test
  void theAnswerIsWhatTheStreamSays() throws Exception {
    server.use(new FakeModels());
    ScoringPlan plan = plan("0.3", DELAY, DISTANCE, DEPARTURES);
    DeploymentRecord[] log = {
      Flights.deployed(0, 1),
      Flights.record(1, "d6", State.EFFECTIVE, timeMillis(40), 4, 6, 0.5, 7),
    };
    server.models().applied(Map.of("delay_risk", plan), Map.of());
    for (DeploymentRecord record : log) {
      server.models().deployed(record);
    }
    server.models().becomeReady();
    Random random = new Random(3);
    Set<String> said = new HashSet<>();
    try (Scoring stream =
        new Scoring(plan, server.store(), new FakeModels(), new ManualTime(), null, log)) {
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
        ObjectNode answered = (ObjectNode) server.post(SCORE, ScoringServer.json(event)).body();
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
    server
        .store()
        .row(
            "features:{origin:" + origin + "}:origin_delays",
            timeMillis(i) + random.nextInt(4_000_000) - 2_000_000,
            "0:5",
            random.nextInt(5) == 0 ? "9-other" : ARRIVALS_VERSION,
            "count_1h",
            "3",
            "delay_mean_1h",
            String.valueOf(random.nextInt(60)));
    server
        .store()
        .row(
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
    server.serve();
    ScoringServer.Answer answer = server.post(SCORE, json.replace('\'', '"'));
    assertThat(answer.status()).isEqualTo(status);
    assertThat(answer.body().path("reason").asText()).isEqualTo(reason);
    assertThat(answer.body().path("error").asText()).contains(message);
    assertThat(server.store().rounds).isEmpty();
  }

  @Test
  void withoutAVersionTheFallbackAnswersOrNobody() throws Exception {
    server.models().applied(Map.of("delay_risk", plan("0.2", DELAY)), Map.of());
    assertThat(server.post(SCORE, ScoringServer.json(1, "JFK", 1.0)).status()).isEqualTo(503);
    assertThat(server.get("/v1/health").status()).isEqualTo(503);
    assertThat(server.get("/v2/health/ready").status()).isEqualTo(503);
    server.models().becomeReady();
    JsonNode fallback = server.post(SCORE, ScoringServer.json(1, "JFK", 1.0)).body();
    assertThat(fallback.path("role").asText()).isEqualTo("FALLBACK");
    assertThat(fallback.path("version").asInt()).isZero();
    assertThat(fallback.path("score").asDouble()).isEqualTo(0.2);
    assertThat(fallback.path("freshness").path("origin_delays").asText()).isEqualTo("MISSING");
    assertThat(server.get(V2 + "/ready").status()).isEqualTo(503);
    assertThat(server.get(V2 + "/ready").body().toString())
        .isEqualTo("{\"name\":\"delay_risk\",\"ready\":false}");
    assertThat(server.get(V2).body().path("error").asText())
        .contains("no version of it is deployed");
    server.models().applied(Map.of("delay_risk", plan(null, DELAY)), Map.of());
    ScoringServer.Answer none = server.post(SCORE, ScoringServer.json(1, "JFK", 1.0));
    assertThat(none.status()).isEqualTo(503);
    assertThat(none.body().path("reason").asText()).isEqualTo("NO_MODEL");
    assertThat(none.response().headers().firstValue("Retry-After")).contains("1");
  }

  @Test
  void whatIsAppliedOrPromotedCountsForTheNextRequest() throws Exception {
    server.serve();
    assertThat(server.post(SCORE, ScoringServer.json(1, "JFK", 1.0)).body().path("version").asInt())
        .isEqualTo(1);
    server.models().deployed(ScoringServer.sigmoid(1, 2));
    // Read again after the broker was away.
    server.models().deployed(ScoringServer.sigmoid(0, 1));
    assertThat(server.post(SCORE, ScoringServer.json(1, "JFK", 1.0)).body().path("version").asInt())
        .isEqualTo(2);
    server
        .models()
        .applied(
            Map.of("delay_risk", plan(null, DISTANCE)), Map.of("other", "Cannot score: no view"));
    // Its file takes two inputs, so nobody serves.
    assertThat(server.post(SCORE, ScoringServer.json(1, "JFK", 1.0)).status()).isEqualTo(503);
    assertThat(server.post("/v1/models/other/score", "{}").body().path("error").asText())
        .isEqualTo("Cannot score: no view");
    server.models().applied(Map.of(), Map.of());
    assertThat(server.post(SCORE, ScoringServer.json(1, "JFK", 1.0)).status()).isEqualTo(404);
  }

  @Test
  void requestsThatWaitTogetherAreOneBatchAndTooManyAreRefused() throws Exception {
    server.serve();
    CountDownLatch held = new CountDownLatch(1);
    CountDownLatch asked = new CountDownLatch(1);
    server
        .store()
        .beforeRound
        .put(
            0,
            () -> {
              asked.countDown();
              await(held);
            });
    OnRequestModel model = server.models().model("delay_risk");
    List<CompletableFuture<Ask.Scored>> answers = new ArrayList<>();
    byte[] event = ScoringServer.json(1, "JFK", 1_000.0).getBytes(StandardCharsets.UTF_8);
    answers.add(model.score(event));
    asked.await();
    for (int i = 0; i < OnRequestModel.WAITING_MAX; i++) {
      answers.add(model.score(event));
    }
    ScoringServer.Answer refused = server.post(SCORE, ScoringServer.json(1, "JFK", 1_000.0));
    assertThat(refused.status()).isEqualTo(503);
    assertThat(refused.response().headers().firstValue("Retry-After")).contains("1");
    assertThat(refused.body().path("error").asText()).contains("requests wait already");
    held.countDown();
    for (CompletableFuture<Ask.Scored> answer : answers) {
      Prediction prediction = Objects.requireNonNull(answer.get().prediction());
      assertThat(prediction.score()).isCloseTo(0.880797, within(1e-6));
    }
    assertThat(server.store().rounds).hasSize(2);
    assertThat(server.post(SCORE, ScoringServer.json(1, "JFK", 1_000.0)).status()).isEqualTo(200);
  }

  @Test
  void whatNobodyWaitsForAnyMoreIsNotComputed() throws Exception {
    ManualTime time = new ManualTime();
    FakeModels fakes = new FakeModels();
    List<Integer> runs = new CopyOnWriteArrayList<>();
    fakes.running = runs::add;
    CountDownLatch held = new CountDownLatch(1);
    CountDownLatch asked = new CountDownLatch(1);
    server
        .store()
        .beforeRound
        .put(
            0,
            () -> {
              asked.countDown();
              await(held);
            });
    byte[] event = ScoringServer.json(1, "JFK", 1_000.0).getBytes(StandardCharsets.UTF_8);
    try (OnRequestModels own = server.models(fakes, time)) {
      own.applied(Map.of("delay_risk", plan(null, DELAY, DISTANCE)), Map.of());
      own.deployed(Flights.deployed(0, 1));
      own.becomeReady();
      OnRequestModel model = own.model("delay_risk");
      CompletableFuture<Ask.Scored> first = model.score(event);
      asked.await();
      CompletableFuture<Ask.Scored> late = model.score(event);
      CompletableFuture<Ask.Inferred> lateRows = model.infer(null, ScoringServer.inferRequest());
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

  private static void await(CountDownLatch latch) {
    try {
      latch.await();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  @Test
  void clientsAtTheSameTimeGetTheirOwnAnswers() throws Exception {
    server.serve();
    List<CompletableFuture<HttpResponse<String>>> answers = new ArrayList<>();
    for (int i = 0; i < 100; i++) {
      answers.add(
          server
              .client()
              .sendAsync(
                  server
                      .request(SCORE)
                      .POST(
                          HttpRequest.BodyPublishers.ofString(
                              ScoringServer.json(i, "JFK", 10.0 * i)))
                      .build(),
                  HttpResponse.BodyHandlers.ofString()));
    }
    for (int i = 0; i < 100; i++) {
      JsonNode body = ScoringServer.JSON.readTree(answers.get(i).get().body());
      assertThat(body.path("event_id").asText()).isEqualTo("f" + i);
      assertThat(body.path("score").asDouble())
          .isCloseTo(1 / (1 + Math.exp(-1 - 0.01 * i)), within(1e-6));
    }
    String metrics =
        server
            .client()
            .send(server.request("/metrics").build(), HttpResponse.BodyHandlers.ofString())
            .body();
    assertThat(metrics)
        .contains("millrace_scoring_predictions_total{role=\"CHAMPION\"} 100\n")
        .contains("millrace_scoring_waiting{model=\"delay_risk\"} 0\n");
  }

  @Test
  void aBodyThatIsTooLargeIsRefused() throws Exception {
    server.serve();
    ScoringServer.Answer large = server.post(SCORE, " ".repeat(2 * ScoringApi.BODY_BYTES_MAX));
    assertThat(large.status()).isEqualTo(413);
    assertThat(large.body().path("reason").asText()).isEqualTo("TOO_LARGE");
    String padding = " ".repeat(ScoringApi.BODY_BYTES_MAX - 1_000);
    assertThat(server.post(SCORE, padding + ScoringServer.json(1, "JFK", 1.0)).status())
        .isEqualTo(200);
  }

  @Test
  void aModelThatCannotRunIsNoAnswer() throws Exception {
    FakeModels fakes = new FakeModels();
    server.use(fakes);
    server.serve();
    fakes.cannotRun = true;
    assertThat(server.post(SCORE, ScoringServer.json(1, "JFK", 1.0)).body().path("reason").asText())
        .isEqualTo("NO_MODEL");
    server.store().down = true;
    fakes.cannotRun = false;
    JsonNode blind = server.post(SCORE, ScoringServer.json(1, "JFK", 1.0)).body();
    assertThat(blind.path("score").asDouble()).isEqualTo(0.1);
    assertThat(blind.path("freshness").path("origin_delays").asText()).isEqualTo("MISSING");
  }
}
