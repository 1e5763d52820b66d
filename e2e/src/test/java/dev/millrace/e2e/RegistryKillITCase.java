package dev.millrace.e2e;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.millrace.core.model.LifecycleEntry;
import dev.millrace.core.model.LifecycleEntry.Event;
import dev.millrace.core.model.LifecycleEntry.Kind;
import dev.millrace.platform.LifecycleLog;
import dev.millrace.platform.Target;
import dev.millrace.schemas.ConfluentSubjectRegistry;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/**
 * A thousand changes at the same time, from clients that send again what was not answered, as
 * MLflow's do, while the registry is killed again and again: what was acknowledged is there, and
 * nothing is there twice.
 */
@Tag("full")
class RegistryKillITCase {

  private static final Path ROOT = Path.of("..").toAbsolutePath().normalize();
  private static final Stack STACK =
      new Stack(ROOT, ROOT.resolve("e2e/target/registry-kill/stack"), 4600);
  private static final JsonMapper JSON = new JsonMapper();
  private static final int CLIENTS = 32;
  private static final int MODELS = 20;
  private static final int CHANGES = 1_000;
  private static final int KILLS = 3;
  private static final Duration PATIENCE = Duration.ofMinutes(4);

  private final HttpClient client = HttpClient.newHttpClient();
  private final AtomicInteger unanswered = new AtomicInteger();

  @BeforeAll
  static void up() throws Exception {
    STACK.run("down", "--wipe");
    STACK.done("up");
  }

  @AfterAll
  static void down() throws Exception {
    STACK.done("down");
  }

  /** What one client was told. */
  private record Told(String model, String what, String answer) {}

  @Test
  void whatWasAcknowledgedIsThereOnce() throws Exception {
    for (int m = 0; m < MODELS; m++) {
      assertThat(sent("registered-models/create", "{\"name\": \"m" + m + "\"}").statusCode())
          .isEqualTo(200);
    }
    AtomicInteger done = new AtomicInteger();
    List<Callable<Told>> changes = new ArrayList<>();
    for (int i = 0; i < CHANGES; i++) {
      int number = i;
      changes.add(
          () -> {
            Told told =
                switch (number % 4) {
                  case 0, 1 -> register(number);
                  case 2 -> tag(number);
                  default -> run(number);
                };
            int unusedSoFar = done.incrementAndGet();
            return told;
          });
    }
    ExecutorService clients = Executors.newFixedThreadPool(CLIENTS);
    try {
      List<Future<Told>> pending = changes.stream().map(clients::submit).toList();
      for (int kill = 1; kill <= KILLS; kill++) {
        int atLeast = kill * CHANGES / (KILLS + 2);
        Stack.await("changes are made between kills", PATIENCE, () -> done.get() >= atLeast);
        STACK.kill("registry");
      }
      List<Told> told = new ArrayList<>();
      for (Future<Told> each : pending) {
        told.add(each.get(PATIENCE.toSeconds(), TimeUnit.SECONDS));
      }
      assertThat(unanswered).as("kills cut requests off").hasPositiveValue();
      compareWithReads(told);
      compareWithJournal(told);
    } finally {
      List<Runnable> unusedLeft = clients.shutdownNow();
    }
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
  private HttpResponse<String> sent(String path, String body) throws Exception {
    URI uri = URI.create(target().registry() + "/api/2.0/mlflow/" + path);
    HttpRequest request =
        HttpRequest.newBuilder(uri)
            .timeout(Duration.ofSeconds(40))
            .POST(BodyPublishers.ofString(body))
            .build();
    long deadlineNanos = System.nanoTime() + PATIENCE.toNanos();
    while (true) {
      try {
        HttpResponse<String> response = client.send(request, BodyHandlers.ofString());
        if (response.statusCode() < 500) {
          assertThat(response.statusCode()).as(response.body()).isEqualTo(200);
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

  private void compareWithReads(List<Told> told) throws Exception {
    Map<String, JsonNode> models = new HashMap<>();
    Map<String, JsonNode> versions = new HashMap<>();
    for (int m = 0; m < MODELS; m++) {
      models.put("m" + m, got("registered-models/get?name=m" + m).path("registered_model"));
      for (JsonNode version :
          got("model-versions/search?filter=name%3D%27m" + m + "%27").path("model_versions")) {
        JsonNode before = versions.put(version.path("source").asText(), version);
        assertThat(before).as("registered twice: " + version).isNull();
      }
    }
    assertThat(versions).hasSize(CHANGES / 2);
    Map<String, JsonNode> runs = runs();
    assertThat(runs).hasSize(CHANGES / 4);
    for (Told each : told) {
      if (each.what().startsWith("run ")) {
        JsonNode run = Objects.requireNonNull(runs.get(each.what().substring("run ".length())));
        assertThat(run.at("/info/run_id").asText()).isEqualTo(each.answer());
        assertThat(run.at("/data/params/0/value").asText())
            .isEqualTo(each.what().substring("run r".length()));
        JsonNode points =
            got("metrics/get-history?metric_key=m&run_id=" + each.answer()).path("metrics");
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
  private Map<String, JsonNode> runs() throws Exception {
    Map<String, JsonNode> runs = new HashMap<>();
    HttpResponse<String> found =
        sent("runs/search", "{\"experiment_ids\": [\"0\"], \"max_results\": 5000}");
    for (JsonNode run : JSON.readTree(found.body()).path("runs")) {
      JsonNode before = runs.put(run.at("/info/run_name").asText(), run);
      assertThat(before).as("made twice: " + run).isNull();
    }
    return runs;
  }

  private JsonNode got(String path) throws Exception {
    return JSON.readTree(
        client
            .send(
                HttpRequest.newBuilder(URI.create(target().registry() + "/api/2.0/mlflow/" + path))
                    .build(),
                BodyHandlers.ofString())
            .body());
  }

  /** Each registration became one event, and the numbers of each model have no hole. */
  private static void compareWithJournal(List<Told> told) throws Exception {
    LifecycleLog log =
        new LifecycleLog(target(), new ConfluentSubjectRegistry(target().schemaRegistry()));
    Map<String, Set<Integer>> numbers = new TreeMap<>();
    Map<String, Integer> sources = new HashMap<>();
    Set<String> sequences = new HashSet<>();
    for (LifecycleEntry entry : log.read()) {
      if (entry.kind() != Kind.EVENT) {
        continue;
      }
      assertThat(
              sequences.add(
                  entry.model() + " " + JSON.readTree(entry.details()).path("sequence").asLong()))
          .as("an event is there twice: " + entry)
          .isTrue();
      if (entry.is(Event.VERSION_REGISTERED)) {
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
    assertThat(sources)
        .hasSize((int) told.stream().filter(t -> t.what().startsWith("source ")).count());
  }

  private static Target target() {
    try {
      return Target.read(STACK.dir().resolve("target.yaml"));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
