package dev.millrace.registry;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.millrace.core.lifecycle.LifecycleJson;
import dev.millrace.core.lifecycle.LifecycleRules;
import dev.millrace.core.lifecycle.ModelState;
import dev.millrace.core.lifecycle.Preparation;
import dev.millrace.core.model.DeployedVersion;
import dev.millrace.core.model.Deployment;
import dev.millrace.core.model.LifecycleEntry;
import dev.millrace.core.model.LifecycleEntry.Command;
import dev.millrace.core.model.LifecycleEntry.Event;
import dev.millrace.core.model.LifecycleEntry.Kind;
import dev.millrace.platform.Topics;
import dev.millrace.registry.tracking.TrackingWire;
import dev.millrace.schemas.SubjectRegistry;
import dev.millrace.schemas.Wire;
import dev.millrace.schemas.WireFormat;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.Random;
import java.util.TreeMap;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.apache.kafka.common.serialization.StringSerializer;
import org.apache.kafka.streams.KeyValue;
import org.apache.kafka.streams.StreamsConfig;
import org.apache.kafka.streams.TestInputTopic;
import org.apache.kafka.streams.TestOutputTopic;
import org.apache.kafka.streams.TopologyTestDriver;
import org.apache.kafka.streams.state.KeyValueIterator;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class RegistryTopologyTest {

  private static final String MODEL = "delay_risk";
  private static final String SHA = "ab".repeat(32);
  private static final Instant START = Instant.parse("2026-11-21T00:00:00Z");

  private final Subjects subjects = new Subjects();
  private final WireFormat.Writer commands =
      new WireFormat.Writer(
          subjects.register("models.lifecycle-value", Wire.LIFECYCLE.toString()), Wire.LIFECYCLE);
  private final WireFormat.Reader entries = new WireFormat.Reader(subjects, Wire.LIFECYCLE);
  private final WireFormat.Reader deployments = new WireFormat.Reader(subjects, Wire.DEPLOYMENT);

  @SuppressWarnings("NullAway.Init") // JUnit sets it.
  @TempDir
  private Path folder;

  private @Nullable TopologyTestDriver open;
  private int drivers;
  private int asked;

  /** All that was ever written, over restarts. */
  private final List<LifecycleEntry> events = new ArrayList<>();

  private final List<Deployment> deployed = new ArrayList<>();
  private final List<KeyValue<String, byte[]>> preparationsLog = new ArrayList<>();

  @AfterEach
  void close() {
    if (open != null) {
      open.close();
    }
  }

  private TopologyTestDriver driver() {
    TopologyTestDriver driver = open;
    if (driver == null) {
      Properties settings = new Properties();
      settings.put(StreamsConfig.APPLICATION_ID_CONFIG, "registry");
      settings.put(StreamsConfig.BOOTSTRAP_SERVERS_CONFIG, "nowhere:1");
      settings.put(StreamsConfig.STATE_DIR_CONFIG, folder.resolve("run-" + drivers++).toString());
      driver =
          new TopologyTestDriver(
              RegistryTopology.of(this::wire, partition -> List.copyOf(events), this::trackingWire),
              settings,
              START.plusSeconds(asked));
      open = driver;
    }
    return driver;
  }

  private TrackingWire trackingWire() {
    try {
      return new TrackingWire(subjects);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private JournalWire wire() {
    try {
      return new JournalWire(subjects);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /**
   * A new process on an empty disk: its models come back from the journal, and the reports of
   * subtasks from their changelog.
   */
  private void restartOnAnEmptyDisk() {
    close();
    open = null;
    TopologyTestDriver driver = driver();
    for (KeyValue<String, byte[]> change : preparationsLog) {
      var store = driver.<String, Preparation>getKeyValueStore(RegistryTopology.PREPARATIONS);
      if (change.value == null) {
        store.delete(change.key);
      } else {
        store.put(change.key, LifecycleJson.read(change.value, Preparation.class));
      }
    }
    // What was put there by hand was logged once more.
    var unusedPreparations = changes(RegistryTopology.PREPARATIONS);
  }

  private List<KeyValue<String, byte[]>> changes(String store) {
    TestOutputTopic<String, byte[]> topic =
        driver()
            .createOutputTopic(
                "registry-" + store + "-changelog",
                new StringDeserializer(),
                new ByteArrayDeserializer());
    return topic.readKeyValuesToList();
  }

  private List<LifecycleEntry> take(LifecycleEntry command) {
    return pipe(command.model(), commands.write(command.record(Wire.LIFECYCLE)));
  }

  /**
   * Pipes a record of the journal in; what comes out into the journal is read back, as it would be.
   */
  private List<LifecycleEntry> pipe(@Nullable String key, byte @Nullable [] value) {
    TestInputTopic<String, byte[]> journal =
        driver()
            .createInputTopic(
                Topics.LIFECYCLE,
                new StringSerializer(),
                new ByteArraySerializer(),
                START,
                Duration.ofMillis(1));
    journal.pipeInput(key, value);
    return collect();
  }

  private List<LifecycleEntry> collect() {
    TestOutputTopic<String, byte[]> journal =
        driver()
            .createOutputTopic(
                Topics.LIFECYCLE, new StringDeserializer(), new ByteArrayDeserializer());
    TestOutputTopic<String, byte[]> served =
        driver()
            .createOutputTopic(
                Topics.DEPLOYMENTS, new StringDeserializer(), new ByteArrayDeserializer());
    List<LifecycleEntry> written = new ArrayList<>();
    try {
      for (KeyValue<String, byte[]> record : journal.readKeyValuesToList()) {
        LifecycleEntry entry = LifecycleEntry.of(entries.read(record.value));
        assertThat(record.key).isEqualTo(entry.model());
        assertThat(entry.kind()).isEqualTo(Kind.EVENT);
        written.add(entry);
      }
      for (KeyValue<String, byte[]> record : served.readKeyValuesToList()) {
        Deployment deployment = Deployment.of(deployments.read(record.value));
        assertThat(record.key).isEqualTo(deployment.model());
        deployed.add(deployment);
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    events.addAll(written);
    preparationsLog.addAll(changes(RegistryTopology.PREPARATIONS));
    return written;
  }

  private Map<String, ModelState> stored() {
    List<LifecycleEntry> rows = new ArrayList<>();
    try (KeyValueIterator<String, byte[]> all =
        driver().<String, byte[]>getKeyValueStore(RegistryTopology.HISTORY).all()) {
      while (all.hasNext()) {
        rows.add(LifecycleEntry.of(entries.read(all.next().value)));
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return ModelState.fold(rows);
  }

  private ModelState state(String model) {
    return stored().getOrDefault(model, ModelState.empty(model));
  }

  private Map<String, Preparation> prepared() {
    Map<String, Preparation> prepared = new TreeMap<>();
    try (KeyValueIterator<String, Preparation> all =
        driver().<String, Preparation>getKeyValueStore(RegistryTopology.PREPARATIONS).all()) {
      all.forEachRemaining(e -> prepared.put(e.key, e.value));
    }
    return prepared;
  }

  private LifecycleEntry command(
      Command type, @Nullable Integer version, String details, String key) {
    return LifecycleEntry.command(MODEL, type, version, "me", "because", 0, key, details);
  }

  private List<LifecycleEntry> ask(Command type, @Nullable Integer version, String details) {
    return take(command(type, version, details, "key-" + asked++));
  }

  private static LifecycleEntry registration(String model, String key) {
    return new LifecycleEntry(
        model,
        Kind.COMMAND,
        "REGISTER",
        null,
        "trainer",
        "trained",
        0,
        key,
        "file:///" + key,
        SHA,
        "{\"profile_uri\":\"file:///p\",\"profile_sha256\":\"cd\",\"views\":{\"load\":\"0123456789ab\"},\"metrics\":{\"auc\":0.7}}");
  }

  private List<LifecycleEntry> ready(String id, int subtask, int parallelism, long largest) {
    return ask(
        Command.READY,
        null,
        "{\"deployment_id\":\"%s\",\"subtask\":%d,\"parallelism\":%d,\"largest_event_time\":%d}"
            .formatted(id, subtask, parallelism, largest));
  }

  private String preparing() {
    return state(MODEL).preparing().orElseThrow().deploymentId();
  }

  @Test
  void theGraphIsTheOneThatIsKnown() throws IOException {
    try (InputStream golden = getClass().getResourceAsStream("topology.txt")) {
      assertThat(golden).as("topology.txt").isNotNull();
      assertThat(
              RegistryTopology.of(this::wire, partition -> List.copyOf(events), this::trackingWire)
                  .describe()
                  .toString()
                  .strip())
          .isEqualTo(new String(golden.readAllBytes(), StandardCharsets.UTF_8).strip());
    }
  }

  @Test
  void aPromotionOnTheWire() {
    assertThat(take(registration(MODEL, "a"))).hasSize(1);
    List<LifecycleEntry> written = ask(Command.PROMOTE, 1, "{}");
    assertThat(written).singleElement().matches(e -> e.is(Event.DEPLOYMENT_PREPARING));
    assertThat(ready(preparing(), 0, 2, 50)).isEmpty();
    assertThat(prepared()).containsOnlyKeys(MODEL);
    assertThat(ready(preparing(), 1, 2, 70))
        .singleElement()
        .matches(e -> e.is(Event.DEPLOYMENT_EFFECTIVE));
    assertThat(prepared()).isEmpty();
    DeployedVersion version =
        new DeployedVersion(1, "file:///a", SHA, "file:///p", "cd", Map.of("load", "0123456789ab"));
    assertThat(deployed)
        .containsExactly(
            new Deployment(
                MODEL,
                LifecycleRules.deploymentId(MODEL, "key-0"),
                Deployment.State.PREPARING,
                null,
                version,
                null,
                0,
                List.of(),
                START.toEpochMilli()),
            new Deployment(
                MODEL,
                LifecycleRules.deploymentId(MODEL, "key-0"),
                Deployment.State.EFFECTIVE,
                71L,
                version,
                null,
                0,
                List.of(),
                START.toEpochMilli()));
    assertThat(ModelState.fold(events)).isEqualTo(stored());
  }

  @Test
  void itsOwnEventsAndThoseOfOthersChangeNothing() {
    take(registration(MODEL, "a"));
    Map<String, ModelState> before = stored();
    LifecycleEntry own = events.get(0);
    assertThat(take(own)).isEmpty();
    LifecycleEntry foreign =
        new LifecycleEntry(
            MODEL, Kind.EVENT, "VERSION_REGISTERED", 7, "x", "", 0, "y", "u", SHA, "{}");
    assertThat(take(foreign)).isEmpty();
    assertThat(stored()).isEqualTo(before);
  }

  @Test
  void aRecordThatNobodyCanReadIsPassedOver() {
    byte[] sound = commands.write(registration(MODEL, "a").record(Wire.LIFECYCLE));
    byte[] unknown = sound.clone();
    unknown[4] = 99;
    assertThat(pipe(MODEL, null)).isEmpty();
    assertThat(pipe(MODEL, new byte[] {1, 2, 3})).isEmpty();
    assertThat(pipe(MODEL, Arrays.copyOf(sound, sound.length / 2))).isEmpty();
    assertThat(pipe(MODEL, unknown)).isEmpty();
    assertThat(pipe("another", sound)).isEmpty();
    assertThat(pipe(null, sound)).isEmpty();
    assertThat(pipe(MODEL, sound)).hasSize(1);
  }

  @Test
  void aRecordThatCannotBeJudgedNowIsNotPassedOver() {
    subjects.answers = false;
    assertThatThrownBy(() -> take(registration(MODEL, "a")))
        .hasRootCauseMessage("no route to the schema registry");
    // The driver's task is as dead as a real one; the next one takes the record again.
    open = null;
    subjects.answers = true;
    assertThat(take(registration(MODEL, "a"))).hasSize(1);
  }

  @Test
  void whoIsReadyDoesNotWaitForEver() {
    take(registration(MODEL, "a"));
    ask(Command.PROMOTE, 1, "{}");
    String id = preparing();
    driver().advanceWallClockTime(Duration.ofHours(1));
    assertThat(collect()).isEmpty();
    ready(id, 1, 2, 50);
    driver().advanceWallClockTime(Duration.ofSeconds(59));
    assertThat(collect()).isEmpty();
    driver().advanceWallClockTime(Duration.ofSeconds(2));
    assertThat(collect())
        .singleElement()
        .satisfies(
            e -> assertThat(e.reason()).isEqualTo("subtask(s) 0 of 2 did not get ready in 60 s"));
    assertThat(deployed.get(1).state()).isEqualTo(Deployment.State.REVOKED);
    assertThat(prepared()).isEmpty();
    assertThat(ModelState.fold(events)).isEqualTo(stored());
  }

  @Test
  void aRestartOnAnEmptyDiskGoesOnInTheMiddle() {
    take(registration(MODEL, "a"));
    ask(Command.PROMOTE, 1, "{}");
    String id = preparing();
    ready(id, 0, 2, 50);
    Map<String, ModelState> before = stored();
    Map<String, Preparation> preparedBefore = prepared();
    restartOnAnEmptyDisk();
    assertThat(stored()).isEqualTo(before).isEqualTo(ModelState.fold(events));
    assertThat(prepared()).isEqualTo(preparedBefore).hasSize(1);
    // What was decided stays decided, and the other report completes the first.
    assertThat(take(registration(MODEL, "a"))).isEmpty();
    assertThat(ready(id, 1, 2, 20))
        .singleElement()
        .matches(e -> e.is(Event.DEPLOYMENT_EFFECTIVE))
        .satisfies(e -> assertThat(e.details()).contains("\"effective_time\":51"));
    assertThat(stored()).isEqualTo(ModelState.fold(events));
  }

  @Test
  void modelsDoNotMeet() {
    take(registration("a", "same"));
    take(registration("b", "same"));
    take(registration("b", "other"));
    assertThat(state("a").versions()).hasSize(1);
    assertThat(state("b").versions()).hasSize(2);
  }

  @ParameterizedTest
  @ValueSource(longs = {11, 12})
  void whateverComesTheStoreIsTheFoldOfTheEvents(long seed) {
    Random random = new Random(seed);
    for (int step = 0; step < 100; step++) {
      String model = random.nextBoolean() ? "m1" : "m2";
      int version = 1 + random.nextInt(4);
      String key = "k" + random.nextInt(120);
      ModelState state = stored().get(model);
      String id = state == null ? "" : state.preparing().map(d -> d.deploymentId()).orElse("none");
      LifecycleEntry command =
          switch (random.nextInt(8)) {
            case 0 -> registration(model, key);
            case 1 -> of(model, Command.VALIDATE, version, "{\"passed\":true}", key);
            case 2, 3 -> of(model, Command.PROMOTE, version, "{\"force\":true}", key);
            case 4 -> of(model, Command.ROLLBACK, null, "{}", key);
            case 5 ->
                of(model, Command.STAGE, null, "{\"canary\":" + version + ",\"share\":0.5}", key);
            default ->
                of(
                    model,
                    Command.READY,
                    null,
                    "{\"deployment_id\":\"%s\",\"subtask\":%d,\"parallelism\":2}"
                        .formatted(id, random.nextInt(2)),
                    "ready-" + step);
          };
      take(command);
      if (random.nextInt(20) == 0) {
        driver().advanceWallClockTime(Duration.ofSeconds(30));
        collect();
      }
      if (random.nextInt(40) == 0) {
        Map<String, Preparation> preparedBefore = prepared();
        restartOnAnEmptyDisk();
        assertThat(prepared()).isEqualTo(preparedBefore);
      }
      assertThat(stored()).isEqualTo(ModelState.fold(events));
    }
    assertThat(events.stream().map(LifecycleEntry::type))
        .contains("DEPLOYMENT_EFFECTIVE", "DEPLOYMENT_REVOKED", "REFUSED");
  }

  private static LifecycleEntry of(
      String model, Command type, @Nullable Integer version, String details, String key) {
    return LifecycleEntry.command(model, type, version, "me", "because", 0, key, details);
  }

  /** A schema registry in memory. */
  private static final class Subjects implements SubjectRegistry {
    private final Map<Integer, String> schemas = new HashMap<>();
    private final List<String> subjects = new ArrayList<>();
    private boolean answers = true;

    @Override
    public int register(String subject, String schemaJson) {
      int id = 1 + subjects.indexOf(subject);
      if (id == 0) {
        subjects.add(subject);
        id = subjects.size();
      }
      schemas.put(id, schemaJson);
      return id;
    }

    @Override
    public String schemaById(int id) throws IOException {
      if (!answers) {
        throw new IOException("no route to the schema registry");
      }
      String schema = schemas.get(id);
      if (schema == null) {
        throw new UnknownSchemaException(id);
      }
      return schema;
    }
  }
}
