package dev.millrace.e2e;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import dev.millrace.cli.local.FlinkRest;
import dev.millrace.core.model.LifecycleEntry;
import dev.millrace.platform.LifecycleLog;
import dev.millrace.platform.Target;
import dev.millrace.platform.TopicLog;
import dev.millrace.schemas.ConfluentSubjectRegistry;
import dev.millrace.schemas.WireFormat;
import dev.millrace.testing.NaiveFlights;
import dev.millrace.testing.RowComparison;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.apache.avro.Schema;
import org.apache.avro.generic.GenericData;
import org.apache.avro.generic.GenericRecord;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.MethodOrderer;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestMethodOrder;
import redis.clients.jedis.Jedis;

/**
 * The flights example on a real local stack, with the faults it must withstand; one story, told in
 * order, because the load takes minutes.
 */
@TestMethodOrder(MethodOrderer.OrderAnnotation.class)
class FlightsITCase {

  private static final String FROM = "2001-01-01T00:00:00Z";
  private static final String TO = "2001-01-08T00:00:00Z";

  private static final String NIGHT = "2001-01-08T03:00:00Z";

  /** A week in about seventy seconds: what two cores keep up with, all services included. */
  private static final String SPEED = "8500";

  /** The view with the most rows. */
  private static final String REBUILT = "route_delays";

  private static final String PIPELINE = "millrace-flights-feature-pipeline";
  private static final String INFERENCE = "millrace-flights-inference";
  private static final long ROWS_LEAST = 300_000;
  private static final long WRITES_LEAST = 20_000;

  private static final Path ROOT = Path.of("..").toAbsolutePath().normalize();
  private static final Path PROJECT = ROOT.resolve("examples/flights");
  private static final Stack STACK =
      new Stack(ROOT, ROOT.resolve("e2e/target/flights/stack"), 3000);

  private static final FlightRows ROWS = new FlightRows(STACK, PROJECT);
  private static final FlightPredictions PREDICTIONS = new FlightPredictions(STACK);

  private static long arrivals;
  private static long departures;
  private static long rowsToRebuild;

  @BeforeAll
  static void up() throws Exception {
    STACK.run("down", "--wipe");
    STACK.done("up");
    STACK.done("apply", PROJECT.toString());
  }

  @AfterAll
  static void down() throws Exception {
    List<Long> pids = new ArrayList<>();
    for (JsonNode service : STACK.run("status", "--json").json().path("services")) {
      pids.add(service.path("pid").asLong());
    }
    STACK.done("down");
    assertThat(pids).isNotEmpty();
    assertThat(pids).noneMatch(pid -> ProcessHandle.of(pid).isPresent());
  }

  @Test
  @Order(1)
  void everyRowIsAFunctionOfItsTimeAndPositionsThoughTheTaskManagerIsKilled() throws Exception {
    try (RedisWatch watch = new RedisWatch(STACK.port(6379))) {
      Process load =
          STACK.start(
              "produce",
              "--all",
              PROJECT.toString(),
              "--from",
              FROM,
              "--to",
              TO,
              "--speed",
              SPEED,
              "--json");
      // Rows of one key coalesce while Redis is busy, so there are fewer writes than events.
      Stack.await("rows in Redis", Duration.ofMinutes(3), () -> watch.writes() > WRITES_LEAST);
      STACK.kill("flink-taskmanager");
      String summary = new String(load.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
      assertThat(load.waitFor()).isZero();
      JsonNode counts = Stack.JSON.readTree(summary);
      System.out.println("produced " + counts);
      Stack.await(
          "both jobs run again",
          Duration.ofMinutes(2),
          () -> STACK.running(PIPELINE) && STACK.running(INFERENCE));
      arrivals = counts.path("by_source").path("arrivals").asLong();
      departures = counts.path("by_source").path("departures").asLong();
      assertThat(arrivals).isPositive();
      Stack.await(
          "everything is archived",
          Duration.ofMinutes(4),
          () ->
              ROWS.total("events_arrivals") == arrivals
                  && ROWS.total("events_departures") == departures);
      ROWS.awaitStill();
      System.out.println("writes that MONITOR showed: " + watch.writes());
      assertThat(watch.writes()).isGreaterThan(2 * WRITES_LEAST);
      assertThat(watch.stepsBack()).as("rows that stepped back").isEmpty();
    }
    NaiveFlights naive = ROWS.naive();
    RowComparison log = new RowComparison(naive);
    ROWS.readLog(log);
    System.out.println(
        "Iceberg log: compared " + log.values() + " values in " + log.rows() + " rows");
    assertThat(log.mismatches()).isEmpty();
    assertThat(log.rows()).isGreaterThanOrEqualTo(ROWS_LEAST);
    assertThat(log.repeated()).as("rows that are in the log twice").isZero();
    RowComparison online = new RowComparison(naive);
    ROWS.readRedis(online);
    System.out.println(
        "Redis: compared " + online.values() + " values in " + online.rows() + " rows");
    assertThat(online.mismatches()).isEmpty();
    assertThat(online.rows()).isGreaterThan(1_000);
    rowsToRebuild = ROWS.online(REBUILT);
    assertThat(ROWS.changedByOne(naive)).as("one changed value is found").isEqualTo(1);
  }

  @Test
  @Order(2)
  void everyEventHasOnePredictionId() {
    Map<String, Set<String>> ids = PREDICTIONS.ids();
    assertThat(ids).hasSize((int) departures);
    assertThat(ids.values()).allMatch(of -> of.size() == 1);
  }

  @Test
  @Order(3)
  void aFlushedRedisIsRebuiltFromTheArchive() throws Exception {
    Process load =
        STACK.start(
            "produce",
            "--all",
            PROJECT.toString(),
            "--from",
            TO,
            "--to",
            NIGHT,
            "--speed",
            "600",
            "--json");
    Stack.await(
        "the load is on its way",
        Duration.ofMinutes(1),
        () -> ROWS.total("events_departures") > departures);
    try (Jedis redis = new Jedis("127.0.0.1", STACK.port(6379))) {
      assertThat(redis.flushAll()).isEqualTo("OK");
    }
    JsonNode counts =
        Stack.JSON.readTree(
            new String(load.getInputStream().readAllBytes(), StandardCharsets.UTF_8));
    assertThat(load.waitFor()).isZero();
    arrivals += counts.path("by_source").path("arrivals").asLong();
    JsonNode rebuilt =
        STACK
            .done("backfill", REBUILT, "--from", FROM, "--to", "now", "--to-redis", "--json")
            .json();
    System.out.println("rebuilt " + rebuilt);
    assertThat(rebuilt.path("different").asLong()).isZero();
    assertThat(rebuilt.path("events").asLong()).isEqualTo(arrivals);
    ROWS.awaitStill();
    RowComparison online = new RowComparison(ROWS.naive());
    ROWS.readRedis(online);
    System.out.println(
        "Redis, rebuilt: compared " + online.values() + " values in " + online.rows() + " rows");
    assertThat(online.mismatches()).isEmpty();
    assertThat(ROWS.online(REBUILT)).isGreaterThanOrEqualTo(rowsToRebuild);
  }

  @Test
  @Order(4)
  void badRecordsBecomeLettersAndTheRestGoesOn() throws Exception {
    long restartsBefore = restarts();
    Target target = STACK.target();
    Schema arrival = new Schema.Parser().parse(PROJECT.resolve("schemas/arrival.avsc").toFile());
    int id =
        new ConfluentSubjectRegistry(target.schemaRegistry())
            .register("arrivals-value", arrival.toString());
    WireFormat.Writer writer = new WireFormat.Writer(id, arrival);
    byte[] good = writer.write(arrival(arrival, 900_000_001, NIGHT, "JFK"));
    byte[] unknown = good.clone();
    unknown[3] = 99;
    byte[] corrupt = Arrays.copyOf(good, 9);
    Map<String, byte @Nullable []> sent = new LinkedHashMap<>();
    sent.put("corrupt", corrupt);
    sent.put("unknown", unknown);
    sent.put("large", new byte[10 * 1024 * 1024]);
    sent.put("future", writer.write(arrival(arrival, 900_000_002, "2099-01-01T00:00:00Z", "JFK")));
    sent.put("no frame", "{\"flight_id\": 1".getBytes(StandardCharsets.UTF_8));
    sent.put("none", null);
    sent.put("good", good);
    try (KafkaProducer<String, byte[]> producer = TopicLog.producer(target)) {
      for (Map.Entry<String, byte @Nullable []> entry : sent.entrySet()) {
        producer.send(new ProducerRecord<>("arrivals", entry.getKey(), entry.getValue())).get();
      }
    }
    Map<String, Integer> reasons = new TreeMap<>();
    Stack.await(
        "six letters",
        Duration.ofMinutes(1),
        () -> {
          reasons.clear();
          // Some flights of the data land later than a label is waited for.
          letters(PROJECT).stream()
              .filter(l -> !l.path("reason").asText().equals("LABEL_LATE"))
              .forEach(l -> reasons.merge(l.path("reason").asText(), 1, Integer::sum));
          return reasons.values().stream().mapToInt(Integer::intValue).sum() >= 6;
        });
    assertThat(reasons)
        .containsExactlyInAnyOrderEntriesOf(
            Map.of("MALFORMED", 3, "UNKNOWN_SCHEMA", 1, "TOO_LARGE", 1, "FUTURE", 1));
    Stack.await(
        "the good one is archived",
        Duration.ofMinutes(1),
        () -> ROWS.total("events_arrivals") == arrivals + 1);
    assertThat(restarts()).isEqualTo(restartsBefore);
  }

  @Test
  @Order(5)
  void aTrainedModelServesLiveEvents() throws Exception {
    JsonNode trained =
        STACK
            .done("train", "delay_risk", "--as-of", TO, "--project", PROJECT.toString(), "--json")
            .json();
    System.out.println("trained " + trained);
    STACK.done("models", "promote", "delay_risk", "1");
    STACK.done(
        "produce",
        "--all",
        PROJECT.toString(),
        "--from",
        NIGHT,
        "--to",
        "2001-01-08T07:00:00Z",
        "--speed",
        "900");
    Stack.await(
        "predictions of the champion",
        Duration.ofMinutes(1),
        () -> PREDICTIONS.roles().getOrDefault("CHAMPION", 0) > 100);
    System.out.println("predictions by role: " + PREDICTIONS.roles());
  }

  @Test
  @Order(6)
  void anArtifactThatIsCutOffIsRefusedAndTheOldOneServesOn() throws Exception {
    JsonNode trained =
        STACK
            .done(
                "train",
                "delay_risk",
                "--as-of",
                "2001-01-07T00:00:00Z",
                "--project",
                PROJECT.toString(),
                "--json")
            .json();
    int version = trained.path("version").asInt();
    Path artifact = Path.of(URI.create(trained.path("uri").asText()));
    Files.write(artifact, Arrays.copyOf(Files.readAllBytes(artifact), 1_000));
    Stack.Outcome promoted =
        STACK.run(
            "models",
            "promote",
            "delay_risk",
            String.valueOf(version),
            "--force",
            "--reason",
            "a drill");
    assertThat(promoted.status()).as(promoted.out() + promoted.err()).isNotZero();
    assertThat(
            new LifecycleLog(
                    STACK.target(), new ConfluentSubjectRegistry(STACK.target().schemaRegistry()))
                .read("delay_risk"))
        .filteredOn(e -> e.is(LifecycleEntry.Event.DEPLOYMENT_REVOKED))
        .singleElement()
        .satisfies(e -> assertThat(e.reason()).contains("version " + version, "sha256"));
    JsonNode shown = STACK.done("models", "show", "delay_risk", "--json").json();
    assertThat(shown.path("champion").asInt()).isEqualTo(1);
  }

  @Test
  @Order(7)
  void aModelMadeElsewhereServesOnceItWasEvaluated() throws Exception {
    JsonNode shown = STACK.done("models", "show", "delay_risk", "--json").json();
    Path trained = Path.of(URI.create(shown.path("versions").path(0).path("uri").asText()));
    ForeignVersion elsewhere = new ForeignVersion(STACK.port(8090));
    int version =
        elsewhere.register("delay_risk", ForeignVersion.disguised(Files.readAllBytes(trained)));
    String number = String.valueOf(version);
    Stack.Outcome early =
        STACK.run("models", "promote", "delay_risk", number, "--force", "--reason", "a drill");
    assertThat(early.status()).isEqualTo(2);
    assertThat(early.err()).contains("./millrace models evaluate delay_risk " + number);

    JsonNode evaluated =
        STACK.done("models", "evaluate", "delay_risk", number, "--as-of", TO, "--json").json();
    System.out.println("evaluated " + evaluated);
    JsonNode known = elsewhere.version("delay_risk", version);
    assertThat(known.path("source").asText())
        .isEqualTo("mlflow-artifacts:/delay_risk/mine/model.onnx");
    assertThat(known.path("tags").toString())
        .contains(evaluated.path("sha256").asText(), "VALIDATED");
    // The trees are the champion's, so on the same rows neither is better.
    JsonNode validation = evaluated.path("validation");
    assertThat(validation.path("champion").asInt()).isEqualTo(1);
    assertThat(validation.path("delta").path("log_loss").path("value").asDouble()).isZero();

    STACK.done("models", "promote", "delay_risk", number);
    STACK.done(
        "produce",
        "--all",
        PROJECT.toString(),
        "--from",
        "2001-01-08T07:00:00Z",
        "--to",
        "2001-01-08T07:30:00Z",
        "--speed",
        "600");
    Stack.await(
        "its predictions",
        Duration.ofMinutes(1),
        () -> PREDICTIONS.championsWith(evaluated.path("sha256").asText()) > 50);
  }

  @Test
  @Order(8)
  void jobsComeBackAfterTheJobManagerDied() throws Exception {
    STACK.kill("flink-jobmanager");
    Stack.await("the pipeline is gone", Duration.ofMinutes(1), () -> !STACK.running(PIPELINE));
    Stack.await(
        "both jobs are back",
        Duration.ofMinutes(3),
        () -> STACK.running(PIPELINE) && STACK.running(INFERENCE));
    long before = ROWS.total("events_departures");
    STACK.done(
        "produce",
        "--all",
        PROJECT.toString(),
        "--from",
        "2001-01-08T07:30:00Z",
        "--to",
        "2001-01-08T08:00:00Z",
        "--speed",
        "600");
    Stack.await(
        "they go on", Duration.ofMinutes(1), () -> ROWS.total("events_departures") > before + 100);
  }

  @Test
  @Order(9)
  void everyUploadedJarRunsWithTheProjectsFile() throws Exception {
    STACK.done("delete", "flights");
    FlinkRest flink = new FlinkRest("http://127.0.0.1:" + STACK.port(8081));
    List<String> arguments = List.of("--project", PROJECT.resolve("millrace.yaml").toString());
    Map<String, String> mains = new LinkedHashMap<>();
    mains.put("feature-pipeline", "dev.millrace.pipeline.FeaturePipelineJob");
    mains.put("inference", "dev.millrace.inference.InferenceJob");
    mains.put("drift-detector", "dev.millrace.drift.DriftDetectorJob");
    mains.put("retrain-trigger", "dev.millrace.retrain.RetrainTriggerJob");
    Map<String, String> jars = new HashMap<>();
    for (Map.Entry<String, String> job : mains.entrySet()) {
      String uploaded = flink.upload(jar(job.getKey()));
      jars.put(job.getValue(), uploaded);
      flink.run(uploaded, job.getValue(), arguments, 2, null, false);
    }
    Stack.await(
        "all uploaded jobs run",
        Duration.ofMinutes(3),
        () -> mains.keySet().stream().allMatch(j -> STACK.running("millrace-flights-" + j)));
    jars.forEach(
        (main, uploaded) ->
            assertThatThrownBy(() -> flink.run(uploaded, main, arguments, 2, null, false))
                .as("a second " + main + " for the same project")
                .isInstanceOf(IOException.class)
                .hasMessageContaining("runs under this name"));
  }

  @Test
  @Order(10)
  void badJsonBecomesLettersToo() throws Exception {
    Path project = Path.of("src/test/resources/readings").toAbsolutePath();
    STACK.done("apply", project.toString());
    long now = System.currentTimeMillis();
    String good = "{\"id\":\"%s\",\"at\":%d,\"sensor\":\"s1\",\"value\":%s}";
    List<String> sent =
        List.of(
            good.formatted("a", now, "1.5"),
            "{\"id\":\"b\",",
            good.formatted("c", now, "NaN"),
            good.formatted("d", now, "-Infinity"),
            good.formatted("e", now, "5000.0"),
            good.formatted("f", 4_070_908_800_000L, "1.0"),
            good.formatted("g", now, "1.0").replace("\"s1\"", "null"),
            good.formatted("h", now - 7_200_000, "1.0"),
            good.formatted("i", now, "2.5"));
    try (KafkaProducer<String, byte[]> producer = TopicLog.producer(STACK.target())) {
      for (String record : sent) {
        // One key, so one partition: what is late is late against the records before it.
        producer
            .send(new ProducerRecord<>("readings", "k", record.getBytes(StandardCharsets.UTF_8)))
            .get();
      }
    }
    Map<String, Integer> reasons = new TreeMap<>();
    Stack.await(
        "seven letters",
        Duration.ofMinutes(1),
        () -> {
          reasons.clear();
          letters(project).forEach(l -> reasons.merge(l.path("reason").asText(), 1, Integer::sum));
          return reasons.values().stream().mapToInt(Integer::intValue).sum() >= 7;
        });
    assertThat(reasons)
        .containsExactlyInAnyOrderEntriesOf(
            Map.of(
                "MALFORMED", 1,
                "NON_FINITE", 2,
                "value_is_sane", 1,
                "FUTURE", 1,
                "NULL_KEY", 1,
                "LATE", 1));
    try (Jedis redis = new Jedis("127.0.0.1", STACK.port(6379))) {
      Stack.await(
          "both good readings are in the row",
          Duration.ofMinutes(1),
          () -> "2".equals(redis.hget("features:{sensor:s1}:sensor_values", "count_1h")));
      assertThat(redis.hget("features:{sensor:s1}:sensor_values", "value_mean_1h")).isEqualTo("2");
    }
  }

  private static Path jar(String job) throws IOException {
    try (Stream<Path> files = Files.list(ROOT.resolve("jobs/" + job + "/target"))) {
      return files.filter(f -> f.toString().endsWith("-job.jar")).findFirst().orElseThrow();
    }
  }

  private static List<JsonNode> letters(Path project) {
    try {
      List<JsonNode> letters = new ArrayList<>();
      for (String line :
          STACK
              .done("dead-letters", "list", "--project", project.toString(), "--json")
              .out()
              .lines()
              .toList()) {
        letters.add(Stack.JSON.readTree(line));
      }
      return letters;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return List.of();
    }
  }

  private static long restarts() throws Exception {
    for (JsonNode job : STACK.flink("/jobs/overview").path("jobs")) {
      if (job.path("name").asText().equals(PIPELINE)
          && job.path("state").asText().equals("RUNNING")) {
        return STACK
            .flink("/jobs/" + job.path("jid").asText() + "/exceptions")
            .path("exceptionHistory")
            .path("entries")
            .size();
      }
    }
    throw new AssertionError("the pipeline does not run");
  }

  private static GenericRecord arrival(Schema schema, long id, String at, String origin) {
    GenericRecord record = new GenericData.Record(schema);
    record.put("flight_id", id);
    record.put("arrived_at", Instant.parse(at).toEpochMilli());
    record.put("origin", origin);
    record.put("destination", "LAX");
    record.put("distance", 2475);
    record.put("delay", 5);
    return record;
  }
}
