package dev.millrace.bench;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import dev.millrace.bench.HttpLoop.Question;
import dev.millrace.core.lifecycle.LifecycleRules;
import dev.millrace.core.model.LifecycleEntry;
import dev.millrace.core.model.LifecycleEntry.Command;
import dev.millrace.core.model.LifecycleEntry.Kind;
import dev.millrace.platform.RegistryTarget;
import dev.millrace.platform.Target;
import dev.millrace.platform.TopicLog;
import dev.millrace.platform.Topics;
import dev.millrace.schemas.ConfluentSubjectRegistry;
import dev.millrace.schemas.Wire;
import dev.millrace.schemas.WireFormat;
import java.io.IOException;
import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.jspecify.annotations.Nullable;

/** The stack on which the registry is measured: its process, its journal, and what is asked. */
final class RegistryStage {

  static final int MODELS = 200;

  private static final JsonMapper JSON = new JsonMapper();
  private static final String MLFLOW = "/api/2.0/mlflow/";
  private static final long PATIENCE_SECONDS = 600;
  private static final int TAGS = 10;

  private final Path dir;
  private final Target target;
  private final String address;
  private final HttpLoop http = new HttpLoop();
  private final Map<String, Long> events = new HashMap<>();
  private int sent;

  private RegistryStage(Path dir, Target target, String address) {
    this.dir = dir;
    this.target = target;
    this.address = address;
  }

  static RegistryStage open(Bench bench) throws IOException, InterruptedException {
    bench.say().accept("  starting a stack in " + bench.stack().dir());
    Target target = bench.stack().up();
    RegistryTarget registry = target.registry();
    if (registry == null) {
      throw new IOException("Cannot measure the registry: the stack's target names none");
    }
    return new RegistryStage(bench.stack().dir(), target, registry.url());
  }

  Target target() {
    return target;
  }

  HttpLoop http() {
    return http;
  }

  static String model(int number) {
    return "model_" + number % MODELS;
  }

  Question get(String kind, String path) {
    return new Question(kind, HttpRequest.newBuilder(URI.create(address + path)).GET());
  }

  Question mlflow(String kind, String path) {
    return get(kind, MLFLOW + path);
  }

  Question post(String kind, String path, String body) {
    return new Question(
        kind,
        HttpRequest.newBuilder(URI.create(address + MLFLOW + path))
            .header("Content-Type", "application/json")
            .POST(BodyPublishers.ofString(body)));
  }

  static String escaped(String text) {
    return URLEncoder.encode(text, StandardCharsets.UTF_8);
  }

  /** Creates a version, as a client does that says which request it is. */
  Question create(String idempotencyKey, String model) {
    Question question =
        post(
            "create",
            "model-versions/create",
            """
            {"name": "%s", "source": "s3://models/%s/%s", "run_id": "%s",\
             "tags": [{"key": "team", "value": "payments"}]}\
            """
                .formatted(model, model, idempotencyKey, idempotencyKey));
    return new Question(
        question.kind(), question.request().header("Idempotency-Key", idempotencyKey));
  }

  /** Asks until there is an answer; empty where the registry is not there, or not ready. */
  @Nullable JsonNode tried(Question question) throws InterruptedException {
    try {
      HttpResponse<String> answer =
          http.client()
              .send(
                  question.request().timeout(Duration.ofSeconds(40)).build(),
                  BodyHandlers.ofString());
      return answer.statusCode() == 200 ? JSON.readTree(answer.body()) : null;
    } catch (IOException e) {
      return null;
    }
  }

  /** Models of which each has versions, with an alias on the newest, by commands in the journal. */
  void fillVersions(int versions) throws IOException, InterruptedException {
    try (Commands commands = new Commands()) {
      for (int m = 0; m < MODELS; m++) {
        commands.send(model(m), Command.CREATE_MODEL, null, "{\"description\": \"measured\"}");
      }
      for (int v = 0; v < versions; v++) {
        commands.send(
            model(v),
            Command.REGISTER,
            "s3://models/" + v,
            """
            {"run_id": "run%d", "tags": {"team": "team%d"}, "%s": true}\
            """
                .formatted(v, v % 50, LifecycleRules.LOOKED_AT_LATER));
      }
    }
    awaitDecided();
    try (Commands commands = new Commands()) {
      for (int m = 0; m < MODELS; m++) {
        commands.send(model(m), Command.SET_ALIAS, 1, null, "{\"alias\": \"best\"}");
      }
    }
    awaitDecided();
  }

  /** Goes on to tag models until the journal has so many events. */
  void fillEvents(int wanted) throws IOException, InterruptedException {
    long there = events.values().stream().mapToLong(Long::longValue).sum();
    try (Commands commands = new Commands()) {
      for (int i = 0; i < wanted - there; i++) {
        commands.send(
            model(i),
            Command.SET_TAG,
            null,
            "{\"key\": \"tag%d\", \"value\": \"%d\"}".formatted(i / MODELS % TAGS, i));
      }
    }
    awaitDecided();
  }

  /** How many events the journal has of the models of this stage, as far as they were filled. */
  long events() {
    return events.values().stream().mapToLong(Long::longValue).sum();
  }

  private void awaitDecided() throws IOException, InterruptedException {
    long deadlineNanos = System.nanoTime() + TimeUnit.SECONDS.toNanos(PATIENCE_SECONDS);
    for (Map.Entry<String, Long> model : events.entrySet()) {
      while (sequence(model.getKey()) < model.getValue()) {
        if (System.nanoTime() > deadlineNanos) {
          throw new IOException(
              "Cannot fill the registry: model "
                  + model.getKey()
                  + " has "
                  + sequence(model.getKey())
                  + " events of "
                  + model.getValue());
        }
        TimeUnit.MILLISECONDS.sleep(100);
      }
    }
  }

  /** How many events a model has; -1 where nobody answers. */
  long sequence(String model) throws InterruptedException {
    JsonNode state = tried(get("state", "/v1/models/" + model));
    return state == null ? -1 : state.path("sequence").asLong(-1);
  }

  /** The registry's process; -1 while there is none. */
  long pid() throws IOException {
    for (JsonNode service :
        JSON.readTree(Files.readString(dir.resolve("state.json"))).path("services")) {
      if (service.path("name").asText().equals("registry")) {
        return service.path("process").path("pid").asLong(-1);
      }
    }
    throw new IOException("Cannot find the registry in " + dir.resolve("state.json"));
  }

  /** Writes commands as fast as they go. */
  private final class Commands implements AutoCloseable {
    private final KafkaProducer<String, byte[]> producer = TopicLog.producer(target);
    private final WireFormat.Writer writer;

    Commands() throws IOException {
      int id =
          new ConfluentSubjectRegistry(target.schemaRegistry())
              .register(Topics.subject(Topics.LIFECYCLE), Wire.LIFECYCLE.toString());
      writer = new WireFormat.Writer(id, Wire.LIFECYCLE);
    }

    void send(String model, Command command, @Nullable String uri, String details) {
      send(model, command, null, uri, details);
    }

    // Whether each has arrived is seen by the events that they become.
    @SuppressWarnings("FutureReturnValueIgnored")
    void send(
        String model,
        Command command,
        @Nullable Integer version,
        @Nullable String uri,
        String details) {
      LifecycleEntry entry =
          new LifecycleEntry(
              model,
              Kind.COMMAND,
              command.name(),
              version,
              "bench",
              "to be measured",
              System.currentTimeMillis(),
              "bench-" + sent++,
              uri,
              null,
              details);
      long unusedCount = events.merge(model, 1L, Long::sum);
      producer.send(
          new ProducerRecord<>(
              Topics.LIFECYCLE, model, writer.write(entry.record(Wire.LIFECYCLE))));
    }

    @Override
    public void close() {
      producer.close();
    }
  }
}
