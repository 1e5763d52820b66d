package dev.millrace.registry;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import dev.millrace.core.lifecycle.LifecycleRules;
import dev.millrace.core.lifecycle.LifecycleRules.Decision;
import dev.millrace.core.lifecycle.ModelState;
import dev.millrace.core.model.LifecycleEntry;
import dev.millrace.core.model.LifecycleEntry.Command;
import dev.millrace.core.model.LifecycleEntry.Kind;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.format.DateTimeParseException;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import org.apache.kafka.streams.errors.InvalidStateStoreException;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class RegistryApiTest {

  private static final JsonMapper JSON = new JsonMapper();

  private final FakeStates states = new FakeStates();
  private final RegistryApi api =
      RegistryApi.start(
          Listening.plainly("127.0.0.1", 0), states, new ScoringForward(null), server -> {});
  private final HttpClient client = HttpClient.newHttpClient();

  @AfterEach
  void close() {
    api.close();
  }

  private record Answer(int status, JsonNode body) {}

  private Answer get(String path) throws IOException, InterruptedException {
    HttpResponse<String> answer =
        client.send(
            HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + api.port() + path)).build(),
            HttpResponse.BodyHandlers.ofString());
    assertThat(answer.headers().firstValue("Content-Type")).contains("application/json");
    return new Answer(answer.statusCode(), JSON.readTree(answer.body()));
  }

  @Test
  void healthIsTheStreams() throws Exception {
    assertThat(get("/v1/health").status()).isEqualTo(200);
    states.running = false;
    Answer down = get("/v1/health");
    assertThat(down.status()).isEqualTo(503);
    assertThat(down.body().path("status").asText()).isEqualTo("DOWN");
    assertThat(get("/v1/models").status()).isEqualTo(503);
    assertThat(get("/v1/models/a/deployment").body().path("error").asText())
        .contains("not ready: REBALANCING");
  }

  @Test
  void modelsAndTheirState() throws Exception {
    states.play();
    assertThat(get("/v1/models").body().toString()).isEqualTo("{\"models\":[\"a\"]}");
    JsonNode state = get("/v1/models/a").body();
    assertThat(state.path("versions").get(0).path("uri").asText()).isEqualTo("file:///1");
    assertThat(state.has("keys")).isFalse();
    assertThat(state.get("pause").isNull()).isTrue();
    Answer unknown = get("/v1/models/b");
    assertThat(unknown.status()).isEqualTo(404);
    assertThat(unknown.body().path("error").asText()).isEqualTo("there is no model b");
    assertThat(get("/v3/models").status()).isEqualTo(404);
  }

  @Test
  void whoServesAndWhy() throws Exception {
    states.play();
    JsonNode now = get("/v1/models/a/deployment").body();
    assertThat(now.path("champion").path("version").asInt()).isEqualTo(2);
    assertThat(now.path("effective_time").asLong()).isEqualTo(2_001);
    assertThat(now.path("actor").asText()).isEqualTo("me");
    assertThat(now.path("reason").asText()).isEqualTo("version 2");
    assertThat(now.path("as_of").isNull()).isTrue();
  }

  @ParameterizedTest
  @CsvSource({
    "1001, 1",
    "2000, 1",
    "2001, 2",
    "1970-01-01T00:00:02Z, 1",
    "1970-01-01T01:00:02.001+01:00, 2",
  })
  void whoServedThen(String asOf, int version) throws Exception {
    states.play();
    Answer then = get("/v1/models/a/deployment?as_of=" + asOf);
    assertThat(then.status()).isEqualTo(200);
    assertThat(then.body().path("champion").path("version").asInt()).isEqualTo(version);
  }

  @Test
  void beforeTheFirstNobodyServed() throws Exception {
    states.play();
    Answer before = get("/v1/models/a/deployment?as_of=1000");
    assertThat(before.status()).isEqualTo(404);
    assertThat(before.body().path("error").asText()).isEqualTo("model a had no deployment at 1000");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "yesterday",
        "",
        "2001-01-01",
        "99999999999999999999",
        "+999999999-01-01T00:00:00Z"
      })
  void whatIsNoTimeIsTheAskersMistake(String asOf) throws Exception {
    states.play();
    Answer answer = get("/v1/models/a/deployment?as_of=" + asOf.replace("+", "%2B"));
    assertThat(answer.status()).isEqualTo(400);
    assertThat(answer.body().path("error").asText()).contains("is no point in time");
  }

  @Test
  void timesInWords() {
    assertThat(RegistryApi.millis("-5")).isEqualTo(-5);
    assertThat(RegistryApi.millis("1970-01-01T00:00:01Z")).isEqualTo(1_000);
    assertThatThrownBy(() -> RegistryApi.millis("soon")).isInstanceOf(DateTimeParseException.class);
  }

  @Test
  void aTakenPortIsSaid() {
    assertThatThrownBy(
            () ->
                RegistryApi.start(
                    Listening.plainly("127.0.0.1", api.port()),
                    states,
                    new ScoringForward(null),
                    server -> {}))
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("Cannot listen on 127.0.0.1:" + api.port());
  }

  @Test
  void answersAreCountedByKnownPaths() throws Exception {
    for (String path :
        List.of("/v1/models", "/v1/models/nobody", "/v1/models/other", "/no/where")) {
      var unusedAnswer =
          client.send(
              HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + api.port() + path)).build(),
              HttpResponse.BodyHandlers.ofString());
    }
    HttpResponse<String> told =
        client.send(
            HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + api.port() + "/metrics"))
                .build(),
            HttpResponse.BodyHandlers.ofString());
    assertThat(told.statusCode()).isEqualTo(200);
    assertThat(told.headers().firstValue("Content-Type").orElse("")).startsWith("text/plain");
    assertThat(told.body())
        .contains(
            "millrace_registry_requests_total{method=\"GET\",route=\"/v1/models/{name}\",status=\"404\"}"
                + " 2.0",
            "millrace_registry_request_seconds_count{method=\"GET\",route=\"/v1/models\"} 1",
            "millrace_registry_up 1.0")
        .doesNotContain("nobody", "/no/where");
  }

  /** One model, in memory. */
  private static final class FakeStates implements RegistryApi.States {
    private final Map<String, ModelState> models = new TreeMap<>();
    private volatile boolean running = true;

    /** Two versions, the first effective from 1001 on, the second from 2001. */
    void play() {
      ModelState state = ModelState.empty("a");
      for (int version = 1; version <= 2; version++) {
        String id = LifecycleRules.deploymentId("a", "promote-" + version);
        state = decided(state, command("REGISTER", null, "register-" + version, "{}", version));
        state =
            decided(
                state,
                command("PROMOTE", version, "promote-" + version, "{\"force\":true}", version));
        state =
            decided(
                state,
                command(
                    Command.READY.name(),
                    null,
                    "ready-" + version,
                    "{\"deployment_id\":\"%s\",\"subtask\":0,\"parallelism\":1,\"largest_event_time\":%d}"
                        .formatted(id, version * 1_000),
                    version));
      }
      models.put("a", state);
    }

    private static ModelState decided(ModelState state, LifecycleEntry command) {
      Decision decision = LifecycleRules.decide(state, null, command, 7);
      return decision.state();
    }

    private static LifecycleEntry command(
        String type, @Nullable Integer version, String key, String details, int number) {
      return new LifecycleEntry(
          "a",
          Kind.COMMAND,
          type,
          version,
          "me",
          "version " + number,
          0,
          key,
          "file:///" + number,
          "ab".repeat(32),
          details);
    }

    @Override
    public String condition() {
      return running ? "RUNNING" : "REBALANCING";
    }

    @Override
    public boolean isRunning() {
      return running;
    }

    @Override
    public Collection<String> models() {
      return available().keySet();
    }

    @Override
    public Optional<ModelState> model(String name) {
      return Optional.ofNullable(available().get(name));
    }

    private Map<String, ModelState> available() {
      if (!running) {
        throw new InvalidStateStoreException("moving");
      }
      return models;
    }
  }
}
