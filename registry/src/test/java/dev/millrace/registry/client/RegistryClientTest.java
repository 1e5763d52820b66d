package dev.millrace.registry.client;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.millrace.client.Artifact;
import dev.millrace.client.Batch;
import dev.millrace.client.Deployment;
import dev.millrace.client.Download;
import dev.millrace.client.Experiment;
import dev.millrace.client.Metric;
import dev.millrace.client.ModelEvent;
import dev.millrace.client.ModelVersion;
import dev.millrace.client.NewVersion;
import dev.millrace.client.OtherBytesException;
import dev.millrace.client.RegisteredModel;
import dev.millrace.client.RegistryClient;
import dev.millrace.client.RegistryException;
import dev.millrace.client.Run;
import dev.millrace.client.Search;
import dev.millrace.client.VersionState;
import dev.millrace.core.lifecycle.LifecycleRules;
import dev.millrace.core.model.LifecycleEntry;
import dev.millrace.core.model.LifecycleEntry.Command;
import dev.millrace.core.model.LifecycleEntry.Event;
import dev.millrace.core.model.LifecycleEntry.Kind;
import dev.millrace.registry.RegistryServer;
import dev.millrace.testing.LossyProxy;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The client of Java against the registry itself. */
class RegistryClientTest {

  private static final String UNICODE = "Verspätung ñ 航班 + & ? # 😀";

  @SuppressWarnings("NullAway.Init") // JUnit sets it.
  @TempDir
  private Path folder;

  @SuppressWarnings("NullAway.Init") // Before each test.
  private RegistryServer server;

  @SuppressWarnings("NullAway.Init") // Before each test.
  private RegistryClient client;

  private int asked;

  @BeforeEach
  void open() throws Exception {
    server = new RegistryServer(folder.resolve("registry"));
    client = RegistryClient.connect(server.address());
  }

  @AfterEach
  void close() {
    server.close();
  }

  private Path file(String name, String content) throws Exception {
    return Files.writeString(folder.resolve(name), content);
  }

  @Test
  void aFileIsRegisteredInOneCallAndComesBack() throws Exception {
    Path model = file("a model%1.onnx", "what ONNX would be");
    NewVersion told = NewVersion.plain().run("abc").tag("team", "risk").describedAs("first");
    ModelVersion made = client.versions().register(UNICODE, model, told);
    assertThat(made.version()).isOne();
    assertThat(made.runId()).isEqualTo("abc");
    assertThat(made.tags()).containsEntry("team", "risk");
    assertThat(made.stage()).isEqualTo("None");
    client.models().setAlias(UNICODE, "best", 1);
    ModelVersion best = client.versions().byAlias(UNICODE, "best");
    assertThat(best.aliases()).containsExactly("best");
    for (String address : List.of(best.source(), "models:/" + UNICODE + "/1")) {
      Download came = client.artifacts().download(address, folder.resolve("to/there.onnx"));
      assertThat(came.verified()).isTrue();
      assertThat(came.file()).hasSameBinaryContentAs(model);
    }
    // Who runs the same build again gets the version that there is.
    assertThat(client.versions().register(UNICODE, model, told).version()).isOne();
    assertThat(client.versions().register(UNICODE, model).version()).isEqualTo(2);
    assertThat(client.versions().register(UNICODE, model, told.key("another")).version())
        .isEqualTo(3);
    try (var files = Files.walk(server.artifacts().resolve("registered"))) {
      assertThat(files.filter(Files::isRegularFile)).hasSize(1);
    }
    assertThat(client.models().get(UNICODE).aliases()).isEqualTo(Map.of("best", 1));
    assertThat(client.serving().aliases(UNICODE)).isEqualTo(Map.of("best", 1));
    assertThat(client.serving().aliases(UNICODE, Instant.EPOCH)).isEmpty();
    List<ModelEvent> events = client.serving().events(UNICODE, 0, 3);
    assertThat(events)
        .extracting(ModelEvent::type)
        .containsExactly("MODEL_CREATED", "VERSION_REGISTERED", "ALIAS_SET");
    assertThat(client.serving().events(UNICODE, 3, 100)).isNotEmpty();
  }

  @Test
  void modelsAreDescribedTaggedAndDeleted() throws Exception {
    RegisteredModel made = client.models().create("m", "what it is", Map.of("team", "risk"));
    assertThat(made.description()).isEqualTo("what it is");
    assertThat(made.tags()).isEqualTo(Map.of("team", "risk"));
    assertThat(made.createdAt()).isBetween(Instant.EPOCH, Instant.now());
    client.models().setTag("m", "k", "v");
    client.models().deleteTag("m", "team");
    assertThat(client.models().describe("m", "other").tags()).isEqualTo(Map.of("k", "v"));
    assertThat(client.models().createIfMissing("m").description()).isEqualTo("other");
    RegistryException again =
        catchThrowableOfType(RegistryException.class, () -> client.models().create("m"));
    assertThat(again.errorCode()).isEqualTo("RESOURCE_ALREADY_EXISTS");
    ModelVersion first = client.versions().create("m", "s3://there/1", NewVersion.plain());
    assertThat(client.versions().describe("m", first.version(), "text").description())
        .isEqualTo("text");
    client.versions().setTag("m", 1, "k", "v");
    assertThat(client.versions().get("m", 1).tags()).containsEntry("k", "v");
    client.versions().deleteTag("m", 1, "k");
    assertThat(client.versions().get("m", 1).tags()).doesNotContainKey("k");
    client.models().setAlias("m", "best", 1);
    client.models().deleteAlias("m", "best");
    assertThat(client.models().get("m").aliases()).isEmpty();
    assertThat(client.models().get("m").latestVersions()).hasSize(1);
    client.versions().delete("m", 1);
    client.models().delete("m");
    assertThat(client.models().find("m")).isEmpty();
    RegistryException gone =
        catchThrowableOfType(RegistryException.class, () -> client.versions().get("m", 1));
    assertThat(gone.isMissing()).isTrue();
    assertThat(gone.errorCode()).isEqualTo("RESOURCE_DOES_NOT_EXIST");
    assertThat(gone).hasMessageStartingWith("Cannot get version 1 of model m: ");
    assertThatThrownBy(() -> client.serving().deployment("nobody's"))
        .isInstanceOf(RegistryException.class);
  }

  @Test
  void searchesGoOverPages() throws Exception {
    for (int i = 0; i < 25; i++) {
      var unusedModel = client.models().create("model-%02d".formatted(i));
    }
    Search byName = Search.where("name LIKE 'model-%'").orderBy("name DESC").pageSize(10);
    assertThat(client.models().search(byName))
        .extracting(RegisteredModel::name)
        .hasSize(25)
        .startsWith("model-24", "model-23")
        .endsWith("model-00");
    assertThat(client.models().search(byName.limit(11))).hasSize(11);
    for (int i = 0; i < 7; i++) {
      var unusedVersion =
          client.versions().create("model-00", "s3://there/" + i, NewVersion.plain());
    }
    assertThat(
            client
                .versions()
                .search(
                    Search.where("name = 'model-00'").orderBy("version_number ASC").pageSize(3)))
        .extracting(ModelVersion::version)
        .containsExactly(1, 2, 3, 4, 5, 6, 7);
    String experiment = client.experiments().create("e", Map.of());
    for (int i = 0; i < 5; i++) {
      var unusedRun = client.runs().create(experiment, "run " + i, Map.of());
    }
    assertThat(client.runs().search(List.of(experiment), Search.all().pageSize(2))).hasSize(5);
    RegistryException wrong =
        catchThrowableOfType(
            RegistryException.class,
            () -> client.models().search(Search.where("name = 'a' OR name = 'b'")));
    assertThat(wrong.errorCode()).isEqualTo("INVALID_PARAMETER_VALUE");
  }

  @Test
  void runsLogWhatTheyMeasure() throws Exception {
    String experiment = client.experiments().idOf(UNICODE);
    assertThat(client.experiments().idOf(UNICODE)).isEqualTo(experiment);
    Run run = client.runs().create(experiment, "first ä", Map.of("team", "risk"));
    String id = run.id();
    assertThat(run.status()).isEqualTo(Run.Status.RUNNING);
    assertThat(run.startedAt()).isNotNull();
    client.runs().logMetric(id, "auc", 0.5);
    Instant at = Instant.ofEpochMilli(1_700_000_000_123L);
    for (double value : new double[] {Double.NaN, Double.NEGATIVE_INFINITY, 1e-300}) {
      client.runs().logMetric(id, new Metric("odd", value, at, 3));
    }
    client
        .runs()
        .log(
            id,
            new Batch()
                .metric("auc", 0.75, at, 7)
                .metric("inf", Double.POSITIVE_INFINITY, at, 0)
                .param("depth", "6")
                .tag("kind", "gbt"));
    client.runs().logParam(id, "rate", "0.1");
    client.runs().setTag(id, "gone", "soon");
    client.runs().deleteTag(id, "gone");
    client.runs().end(id, Run.Status.FINISHED);
    Run read = client.runs().get(id);
    assertThat(read.status()).isEqualTo(Run.Status.FINISHED);
    assertThat(read.endedAt()).isNotNull();
    assertThat(read.params()).isEqualTo(Map.of("depth", "6", "rate", "0.1"));
    assertThat(read.tags()).containsEntry("kind", "gbt").doesNotContainKey("gone");
    assertThat(read.metrics().get("auc")).isEqualTo(new Metric("auc", 0.75, at, 7));
    assertThat(read.metrics())
        .containsEntry("inf", new Metric("inf", Double.POSITIVE_INFINITY, at, 0));
    assertThat(client.runs().history(id, "odd"))
        .extracting(Metric::value)
        .containsExactlyInAnyOrder(Double.NaN, Double.NEGATIVE_INFINITY, 1e-300);
    assertThat(client.runs().history(id, "none")).isEmpty();
    RegistryException changed =
        catchThrowableOfType(
            RegistryException.class, () -> client.runs().logParam(id, "depth", "7"));
    assertThat(changed.errorCode()).isEqualTo("INVALID_PARAMETER_VALUE");
    assertThat(client.runs().search(List.of(experiment), Search.where("metrics.auc > 0.7")))
        .extracting(Run::id)
        .containsExactly(id);
    client.runs().delete(id);
    assertThat(client.runs().search(List.of(experiment), Search.all())).isEmpty();
    assertThat(
            client.runs().search(List.of(experiment), Search.all().view(Search.View.DELETED_ONLY)))
        .hasSize(1);
    client.runs().restore(id);
    client.experiments().setTag(experiment, "k", "v");
    client.experiments().rename(experiment, "other");
    client.experiments().delete(experiment);
    assertThat(client.experiments().get(experiment).deleted()).isTrue();
    client.experiments().restore(experiment);
    Experiment back = client.experiments().named("other").orElseThrow();
    assertThat(back.tags()).isEqualTo(Map.of("k", "v"));
    assertThat(client.experiments().search(Search.where("name = 'other'"))).hasSize(1);
  }

  @Test
  void runsHaveFiles() throws Exception {
    Run run = client.runs().create("0", "", Map.of());
    Path plot = file("plot.txt", "a plot");
    String address = client.artifacts().upload(run, "plots/a+b & #c?.txt", plot);
    assertThat(address).startsWith("mlflow-artifacts:/0/" + run.id() + "/artifacts/plots/");
    String empty = client.artifacts().upload(run, "empty", file("empty", ""));
    assertThat(client.artifacts().list(run, ""))
        .containsExactlyInAnyOrder(new Artifact("empty", false, 0), new Artifact("plots", true, 0));
    assertThat(client.artifacts().list(run, "plots"))
        .extracting(Artifact::bytes)
        .containsExactly(6L);
    assertThat(client.artifacts().download(address, folder.resolve("back")).file())
        .hasContent("a plot");
    assertThat(client.artifacts().download(empty, folder.resolve("back")).bytes()).isZero();
    assertThat(
            client
                .artifacts()
                .download("runs:/" + run.id() + "/empty", folder.resolve("b"))
                .bytes())
        .isZero();
    RegistryException missing =
        catchThrowableOfType(
            RegistryException.class,
            () -> client.artifacts().download(run, "nothing", folder.resolve("never")));
    assertThat(missing.isMissing()).isTrue();
    assertThat(folder.resolve("never")).doesNotExist();
    RegistryException outside =
        catchThrowableOfType(
            RegistryException.class, () -> client.artifacts().upload(run, "../../x", plot));
    assertThat(outside.status()).isEqualTo(400);
  }

  @Test
  void aFileThatWasDamagedInItsStoreIsNotTaken() throws Exception {
    Run run = client.runs().create("0", "", Map.of());
    String address = client.artifacts().upload(run, "model.onnx", file("model", "the model"));
    Path stored = server.artifacts().resolve(address.substring("mlflow-artifacts:/".length()));
    Files.writeString(stored, "the modem");
    Path there = file("there", "the one before");
    assertThatThrownBy(() -> client.artifacts().download(address, there))
        .isInstanceOf(OtherBytesException.class);
    assertThat(there).hasContent("the one before");
  }

  @Test
  void largeFilesAreStreamed() throws Exception {
    // Four times what any buffer on the way may have, and more than a copy of it would leave free.
    long bytes = 64L << 20;
    Path large = folder.resolve("large");
    Random random = new Random(5);
    byte[] piece = new byte[1 << 20];
    try (OutputStream out = Files.newOutputStream(large)) {
      for (long written = 0; written < bytes; written += piece.length) {
        random.nextBytes(piece);
        out.write(piece);
      }
    }
    Run run = client.runs().create("0", "", Map.of());
    PeakHeap peak = new PeakHeap();
    String address = client.artifacts().upload(run, "large", large);
    Download came = client.artifacts().download(address, folder.resolve("came"));
    assertThat(peak.grownBytes()).isLessThan(bytes / 2);
    assertThat(came.bytes()).isEqualTo(bytes);
    assertThat(came.verified()).isTrue();
    assertThat(Files.mismatch(large, came.file())).isEqualTo(-1);
  }

  @Test
  void aChangeWhoseAnswerIsLostIsMadeOnce() throws Exception {
    try (LossyProxy proxy = new LossyProxy(server.address())) {
      RegistryClient lossy = RegistryClient.connect(proxy.address());
      List<Deed> changes =
          List.of(
              () -> lossy.models().create("m", "what", Map.of("k", "v")),
              () -> lossy.models().describe("m", "other"),
              () -> lossy.models().setTag("m", "k", "w"),
              () -> lossy.models().deleteTag("m", "k"),
              () -> lossy.versions().create("m", "s3://there", NewVersion.plain()),
              () -> lossy.versions().create("m", "s3://there", NewVersion.plain()),
              () -> lossy.versions().describe("m", 1, "what"),
              () -> lossy.versions().setTag("m", 1, "k", "v"),
              () -> lossy.versions().deleteTag("m", 1, "k"),
              () -> lossy.models().setAlias("m", "best", 2),
              () -> lossy.models().deleteAlias("m", "best"),
              () -> lossy.versions().delete("m", 2),
              () -> lossy.models().delete("m"),
              () -> lossy.experiments().create("e", Map.of()),
              () -> lossy.experiments().rename("1", "f"),
              () -> lossy.experiments().setTag("1", "k", "v"),
              () -> lossy.experiments().delete("1"),
              () -> lossy.experiments().restore("1"),
              () -> lossy.runs().create("1", "only", Map.of()),
              () -> lossy.runs().logMetric(only(), "m", 1),
              () -> lossy.runs().log(only(), new Batch().param("p", "1").tag("t", "u")),
              () -> lossy.runs().deleteTag(only(), "t"),
              () -> lossy.runs().delete(only()),
              () -> lossy.runs().restore(only()),
              () -> lossy.runs().end(only(), Run.Status.FAILED));
      for (int i = 0; i < changes.size(); i++) {
        int lost = proxy.lost();
        int before = changesMade();
        proxy.loseNext(1);
        changes.get(i).make();
        assertThat(proxy.lost()).as("change " + i).isEqualTo(lost + 1);
        assertThat(changesMade()).as("change " + i).isEqualTo(before + 1);
      }
      assertThat(client.runs().history(only(), "m")).hasSize(1);
      proxy.loseNext(1);
      Path file = file("f", "bytes");
      assertThat(lossy.versions().register("n", file).version()).isOne();
      proxy.loseNext(1);
      assertThat(lossy.artifacts().download("models:/n/1", folder.resolve("g")).file())
          .hasContent("bytes");
    }
  }

  /** Something that changes one thing. */
  @FunctionalInterface
  private interface Deed {
    void make() throws Exception;
  }

  private String only() throws Exception {
    return client.runs().search(List.of("1"), Search.all()).stream()
        .findFirst()
        .map(Run::id)
        .orElseGet(() -> server.tracking().runs("1").findFirst().orElseThrow().id());
  }

  /** Events that changed something: not those that say that it was asked before. */
  private int changesMade() {
    return (int) server.catalogue().events().stream().filter(e -> !e.is(Event.REFUSED)).count()
        + server.tracking().events().size();
  }

  private void command(Command command, @Nullable Integer version, String key, String details) {
    LifecycleEntry event =
        server
            .catalogue()
            .submit(
                new LifecycleEntry(
                    "m",
                    Kind.COMMAND,
                    command.name(),
                    version,
                    "ann",
                    "because",
                    1,
                    key,
                    command == Command.REGISTER ? "file:///model.onnx" : null,
                    command == Command.REGISTER ? "ab".repeat(32) : null,
                    details));
    assertThat(event.is(Event.REFUSED)).as(event.reason()).isFalse();
  }

  @Test
  void waitsUntilAVersionServes() throws Exception {
    command(Command.REGISTER, null, "r" + asked++, "{}");
    assertThat(client.serving().deployment("m")).isEmpty();
    assertThat(client.serving().versions("m"))
        .extracting(VersionState::status)
        .containsExactly(VersionState.Status.REGISTERED);
    CompletableFuture<Deployment> serving = inBackground(() -> awaitServing(client));
    CompletableFuture<VersionState> validated =
        inBackground(() -> client.serving().awaitValidated("m", 1, Duration.ofMinutes(1)));
    command(Command.VALIDATE, 1, "v", "{\"passed\": true}");
    assertThat(validated.get(60, TimeUnit.SECONDS).sha256()).isEqualTo("ab".repeat(32));
    command(Command.PROMOTE, 1, "p", "{}");
    server
        .catalogue()
        .tell(
            new LifecycleEntry(
                "m",
                Kind.COMMAND,
                Command.READY.name(),
                null,
                "inference",
                "loaded",
                1,
                "ready",
                null,
                null,
                "{\"deployment_id\":\"%s\",\"subtask\":0,\"parallelism\":1,\"largest_event_time\":1000}"
                    .formatted(LifecycleRules.deploymentId("m", "p"))));
    Deployment deployment = serving.get(60, TimeUnit.SECONDS);
    assertThat(deployment.champion().version()).isOne();
    assertThat(deployment.effectiveTimeMillis()).isEqualTo(1_001);
    assertThat(deployment.state()).isEqualTo(Deployment.State.EFFECTIVE);
    assertThat(client.serving().deployment("m", Instant.ofEpochMilli(1_001))).isPresent();
    assertThat(client.serving().deployment("m", Instant.ofEpochMilli(1_000))).isEmpty();
  }

  private static Deployment awaitServing(RegistryClient client) throws Exception {
    return client.serving().awaitServing("m", 1, Duration.ofMinutes(1));
  }

  /** Something that takes its time. */
  @FunctionalInterface
  private interface Waiting<T> {
    T end() throws Exception;
  }

  private static <T> CompletableFuture<T> inBackground(Waiting<T> waiting) {
    CompletableFuture<T> future = new CompletableFuture<>();
    Thread thread =
        new Thread(
            () -> {
              try {
                future.complete(waiting.end());
              } catch (Exception e) {
                future.completeExceptionally(e);
              }
            });
    thread.setDaemon(true);
    thread.start();
    return future;
  }
}
