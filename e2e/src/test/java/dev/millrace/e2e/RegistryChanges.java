package dev.millrace.e2e;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.millrace.core.model.LifecycleEntry;
import dev.millrace.core.model.LifecycleEntry.Event;
import dev.millrace.core.model.LifecycleEntry.Kind;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.time.Duration;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;

/**
 * Changes of models and runs over MLflow's interface, sent again until they are answered, as its
 * clients do; and what the registry has to know of them in the end. With several addresses each
 * request goes to the next, as behind a load balancer.
 */
final class RegistryChanges {

  static final int MODELS = 20;
  static final Duration PATIENCE = Duration.ofMinutes(4);
  private static final JsonMapper JSON = new JsonMapper();

  private final List<URI> registries;
  private final HttpClient client = HttpClient.newHttpClient();
  private final AtomicInteger turn = new AtomicInteger();
  private final AtomicInteger unanswered = new AtomicInteger();

  RegistryChanges(List<URI> registries) {
    this.registries = List.copyOf(registries);
  }

  /** What one client was told. */
  record Told(String model, String what, String answer) {}

  /** How often nobody knew whether something was done. */
  int unanswered() {
    return unanswered.get();
  }

  void makeModels() throws Exception {
    for (int m = 0; m < MODELS; m++) {
      assertThat(sent("registered-models/create", "{\"name\": \"m" + m + "\"}").statusCode())
          .isEqualTo(200);
    }
  }

  /** The change with this number. */
  Told change(int number) throws Exception {
    return switch (number % 4) {
      case 0, 1 -> register(number);
      case 2 -> tag(number);
      default -> run(number);
    };
  }

  private static String model(int number) {
    return "m" + number % MODELS;
  }

  private Told register(int number) throws Exception {
    ObjectNode body = JSON.createObjectNode();
    body.put("name", model(number)).put("source", "s3://there/" + number);
    JsonNode answer =
        JSON.readTree(sent("model-versions/create", body.toString()).body()).path("model_version");
    return new Told(model(number), "source s3://there/" + number, answer.path("version").asText());
  }

  private Told tag(int number) throws Exception {
    ObjectNode body = JSON.createObjectNode();
    body.put("name", model(number)).put("key", "k" + number).put("value", "v" + number);
    String unusedAnswer = sent("registered-models/set-tag", body.toString()).body();
    return new Told(model(number), "tag k" + number, "v" + number);
  }

  /** A run with two points of a metric, of which the second comes in a batch. */
  private Told run(int number) throws Exception {
    ObjectNode body = JSON.createObjectNode();
    body.put("experiment_id", "0").put("start_time", 1_000 + number).put("run_name", "r" + number);
    String id =
        JSON.readTree(sent("runs/create", body.toString()).body()).at("/run/info/run_id").asText();
    String unusedPoint =
        sent(
                "runs/log-metric",
                "{\"run_id\": \"%s\", \"key\": \"m\", \"value\": 1.5, \"timestamp\": 1, \"step\": 0}"
                    .formatted(id))
            .body();
    String unusedBatch =
        sent(
                "runs/log-batch",
                ("{\"run_id\": \"%s\", \"metrics\": [{\"key\": \"m\", \"value\": 2.5,"
                        + " \"timestamp\": 2, \"step\": 1}], \"params\": [{\"key\": \"p\", \"value\": \"%d\"}]}")
                    .formatted(id, number))
            .body();
    return new Told("0", "run r" + number, id);
  }

  /** Sends until it is answered, with what a client of MLflow takes for an answer. */
  HttpResponse<String> sent(String path, String body) throws Exception {
    long deadlineNanos = System.nanoTime() + PATIENCE.toNanos();
    while (true) {
      URI registry = registries.get(Math.floorMod(turn.getAndIncrement(), registries.size()));
      HttpRequest request =
          HttpRequest.newBuilder(URI.create(registry + "/api/2.0/mlflow/" + path))
              .timeout(Duration.ofSeconds(40))
              .POST(BodyPublishers.ofString(body))
              .build();
      try {
        HttpResponse<String> response = client.send(request, BodyHandlers.ofString());
        if (response.statusCode() < 500) {
          assertThat(response.statusCode())
              .as(registry + " " + path + ": " + response.body())
              .isEqualTo(200);
          return response;
        }
      } catch (IOException e) {
        // Cut off: nobody knows whether it was done.
      }
      int unusedCount = unanswered.incrementAndGet();
      if (System.nanoTime() > deadlineNanos) {
        throw new AssertionError("no answer to " + path + " in " + PATIENCE);
      }
      LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(200));
    }
  }

  /** What was acknowledged is what one of the registries answers. */
  void compareWithReads(URI registry, List<Told> told) throws Exception {
    Map<String, JsonNode> models = new HashMap<>();
    Map<String, JsonNode> versions = new HashMap<>();
    for (int m = 0; m < MODELS; m++) {
      models.put(
          "m" + m, got(registry, "registered-models/get?name=m" + m).path("registered_model"));
      for (JsonNode version :
          got(registry, "model-versions/search?filter=name%3D%27m" + m + "%27")
              .path("model_versions")) {
        JsonNode before = versions.put(version.path("source").asText(), version);
        assertThat(before).as("registered twice: " + version).isNull();
      }
    }
    assertThat(versions).hasSize(count(told, "source "));
    Map<String, JsonNode> runs = runs(registry);
    assertThat(runs).hasSize(count(told, "run "));
    for (Told each : told) {
      if (each.what().startsWith("run ")) {
        JsonNode run = Objects.requireNonNull(runs.get(each.what().substring("run ".length())));
        assertThat(run.at("/info/run_id").asText()).isEqualTo(each.answer());
        assertThat(run.at("/data/params/0/value").asText())
            .isEqualTo(each.what().substring("run r".length()));
        JsonNode points =
            got(registry, "metrics/get-history?metric_key=m&run_id=" + each.answer())
                .path("metrics");
        assertThat(points).hasSize(2);
        assertThat(points.get(0).path("value").asDouble() + points.get(1).path("value").asDouble())
            .isEqualTo(4);
      } else if (each.what().startsWith("source ")) {
        JsonNode version =
            Objects.requireNonNull(versions.get(each.what().substring("source ".length())));
        assertThat(version.path("version").asText()).isEqualTo(each.answer());
        assertThat(version.path("name").asText()).isEqualTo(each.model());
      } else {
        String key = each.what().substring("tag ".length());
        assertThat(Objects.requireNonNull(models.get(each.model())).path("tags"))
            .anySatisfy(
                t -> {
                  assertThat(t.path("key").asText()).isEqualTo(key);
                  assertThat(t.path("value").asText()).isEqualTo(each.answer());
                });
      }
    }
  }

  /** All runs by name, of which each is there once. */
  private Map<String, JsonNode> runs(URI registry) throws Exception {
    Map<String, JsonNode> runs = new HashMap<>();
    String token = "";
    do {
      HttpRequest search =
          HttpRequest.newBuilder(URI.create(registry + "/api/2.0/mlflow/runs/search"))
              .POST(
                  BodyPublishers.ofString(
                      "{\"experiment_ids\": [\"0\"], \"max_results\": 5000, \"page_token\": \"%s\"}"
                          .formatted(token)))
              .build();
      JsonNode page = JSON.readTree(client.send(search, BodyHandlers.ofString()).body());
      for (JsonNode run : page.path("runs")) {
        JsonNode before = runs.put(run.at("/info/run_name").asText(), run);
        assertThat(before).as("made twice: " + run).isNull();
      }
      token = page.path("next_page_token").asText("");
    } while (!token.isEmpty());
    return runs;
  }

  /** What one of the registries answers. */
  JsonNode got(URI registry, String path, String... headers) throws Exception {
    HttpRequest.Builder request =
        HttpRequest.newBuilder(URI.create(registry + "/api/2.0/mlflow/" + path));
    if (headers.length > 0) {
      request.headers(headers);
    }
    return JSON.readTree(client.send(request.build(), BodyHandlers.ofString()).body());
  }

  /** Each registration became one event, and the numbers of each model have no hole. */
  static void compareWithJournal(List<LifecycleEntry> journal, List<Told> told) throws Exception {
    Map<String, Set<Integer>> numbers = new TreeMap<>();
    Map<String, Integer> sources = new HashMap<>();
    Set<String> sequences = new HashSet<>();
    for (LifecycleEntry entry : journal) {
      if (entry.kind() != Kind.EVENT) {
        continue;
      }
      assertThat(
              sequences.add(
                  entry.model() + " " + JSON.readTree(entry.details()).path("sequence").asLong()))
          .as("an event is there twice: " + entry)
          .isTrue();
      if (entry.is(Event.VERSION_REGISTERED) && entry.model().matches("m\\d+")) {
        Integer number = entry.version();
        assertThat(
                numbers
                    .computeIfAbsent(entry.model(), unused -> new HashSet<>())
                    .add(number == null ? 0 : number))
            .isTrue();
        assertThat(sources.merge(String.valueOf(entry.uri()), 1, Integer::sum)).isEqualTo(1);
      }
    }
    numbers.forEach(
        (model, given) -> assertThat(given).as(model).contains(1).contains(given.size()));
    assertThat(sources).hasSize(count(told, "source "));
  }

  private static int count(List<Told> told, String what) {
    return (int) told.stream().filter(t -> t.what().startsWith(what)).count();
  }
}
