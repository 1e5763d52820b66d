package dev.millrace.trainer;

import static dev.millrace.trainer.WarehouseFixture.time;
import static org.assertj.core.api.Assertions.assertThat;

import ai.onnx.proto.OnnxMl.ModelProto;
import com.fasterxml.jackson.databind.JsonNode;
import dev.millrace.core.definition.Model;
import dev.millrace.core.definition.Model.Gate;
import dev.millrace.core.definition.Model.Label.Repeat;
import dev.millrace.core.drift.ReferenceProfile;
import dev.millrace.core.lifecycle.LifecycleRules;
import dev.millrace.core.lifecycle.ModelState;
import dev.millrace.core.lifecycle.RegisteredVersion;
import dev.millrace.core.lifecycle.RegisteredVersion.Status;
import dev.millrace.core.lifecycle.VersionInputs;
import dev.millrace.core.model.LifecycleEntry;
import dev.millrace.core.model.LifecycleEntry.Command;
import dev.millrace.core.model.LifecycleEntry.Event;
import dev.millrace.core.model.LifecycleEntry.Kind;
import dev.millrace.trainer.VersionEvaluation.Evaluated;
import java.io.IOException;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Random;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** From a file that somebody else made to a version that may be promoted, or may not. */
class VersionEvaluationTest {

  private static final long START = Instant.parse("2001-01-01T00:00:00Z").toEpochMilli();
  private static final long MINUTE = 60_000;
  private static final int EVENTS = 3_000;
  private static final String MODEL = "delay_risk";
  private static final List<String> INPUTS =
      WarehouseFixture.INPUTS.stream().map(Model.Input::name).toList();

  /** Only the mean delay tells; it stands fourth. */
  private static final ModelProto KNOWING = LinearModels.of("Sigmoid", 0, 0, 0, 2, 0);

  private final Path dir;
  private final JournalledRegistry registry = new JournalledRegistry();
  private Optional<Champions.Champion> champion = Optional.empty();
  private Gate gate = new Gate("good", "metrics.auc > 0.7");
  private Model.@Nullable Label label =
      WarehouseFixture.model(Repeat.LAST, null, Double.NaN, Map.of(), Duration.ofDays(3)).label();

  private List<Model.Input> inputs = WarehouseFixture.INPUTS;

  VersionEvaluationTest(@TempDir Path dir) {
    this.dir = dir;
  }

  /** Answers as the registry does: with its rules. */
  private static final class JournalledRegistry implements Lifecycle {
    final List<LifecycleEntry> events = new ArrayList<>();
    ModelState state = ModelState.empty(MODEL);

    @Override
    public void ask(LifecycleEntry command) {
      LifecycleRules.Decision decision = LifecycleRules.decide(state, null, command, 1);
      state = decision.state();
      events.addAll(decision.events());
    }

    @Override
    public Optional<LifecycleEntry> answer(String model, String idempotencyKey) {
      return events.stream().filter(e -> e.idempotencyKey().equals(idempotencyKey)).findFirst();
    }

    @Override
    public Optional<LifecycleEntry> await(String model, String idempotencyKey, Duration patience) {
      return answer(model, idempotencyKey);
    }

    /** As MLflow's interface registers. */
    int register() {
      ask(command(Command.REGISTER, null, "r" + events.size(), "{\"looked_at_later\":true}"));
      Integer number = events.get(events.size() - 1).version();
      return number == null ? 0 : number;
    }

    /** What the registry says to a promotion: nothing where it takes it. */
    String refusal(int version, boolean force) {
      LifecycleEntry asked =
          command(Command.PROMOTE, version, "p" + events.size(), "{\"force\":" + force + "}");
      LifecycleEntry event = LifecycleRules.decide(state, null, asked, 1).events().get(0);
      return event.is(Event.REFUSED) ? event.reason() : "";
    }

    private static LifecycleEntry command(
        Command type, @Nullable Integer version, String key, String details) {
      return new LifecycleEntry(
          MODEL,
          Kind.COMMAND,
          type.name(),
          version,
          "me",
          "because",
          0,
          key,
          type == Command.REGISTER ? "mlflow-artifacts:/made/model.onnx" : null,
          null,
          details);
    }

    RegisteredVersion version(int number) {
      return state.version(number).orElseThrow();
    }
  }

  @Test
  void aGoodVersionBecomesPromotable() throws Exception {
    try (WarehouseFixture warehouse = new WarehouseFixture(dir)) {
      write(warehouse, true);
      int number = registry.register();
      assertThat(registry.refusal(number, true)).contains("models evaluate delay_risk 1");

      Evaluated evaluated = evaluate(warehouse, number, KNOWING);
      assertThat(evaluated.validated()).as(evaluated.event().reason()).isTrue();
      RegisteredVersion version = registry.version(number);
      assertThat(version.status()).isEqualTo(Status.VALIDATED);
      assertThat(version.sha256()).isEqualTo(sha256(KNOWING.toByteArray()));
      assertThat(version.verdict()).isEqualTo("passed all gates");
      assertThat(Files.readAllBytes(Path.of(URI.create(version.uri()))))
          .isEqualTo(KNOWING.toByteArray());
      assertThat(version.views())
          .isEqualTo(Map.of("origin_delays", "0123456789ab", "route_delays", "ba9876543210"));
      assertThat(VersionInputs.of(registry.events, MODEL, number)).isEqualTo(INPUTS);
      JsonNode metrics = Objects.requireNonNull(version.metrics());
      assertThat(metrics.path("holdout").path("auc").asDouble()).isGreaterThan(0.8);
      assertThat(metrics.path("validation").path("count").asInt()).isPositive();
      byte[] profile =
          Files.readAllBytes(Path.of(URI.create(Objects.requireNonNull(version.profileUri()))));
      assertThat(version.profileSha256()).isEqualTo(sha256(profile));
      assertThat(ReferenceProfile.parse(profile).inputs()).hasSize(INPUTS.size());
      assertThat(registry.refusal(number, false)).isEmpty();
    }
  }

  @Test
  void itIsComparedWithTheChampionAndJudgedAgain() throws Exception {
    try (WarehouseFixture warehouse = new WarehouseFixture(dir)) {
      write(warehouse, true);
      int first = registry.register();
      Evaluated good = evaluate(warehouse, first, KNOWING);
      champion =
          Optional.of(
              new Champions.Champion(first, String.valueOf(good.uri()), good.sha256(), INPUTS));
      gate = new Gate("better", "delta.log_loss.low > 0.0");
      int second = registry.register();
      Evaluated worse = evaluate(warehouse, second, LinearModels.of("Sigmoid", 0, 0, 0, -2, 0));
      assertThat(worse.validated()).isFalse();
      assertThat(worse.validation().path("champion").asInt()).isEqualTo(first);
      assertThat(registry.version(second).verdict()).isEqualTo("failed better");
      assertThat(registry.refusal(second, false)).contains("rejected (failed better)");
      assertThat(registry.refusal(second, true)).isEmpty();

      // Another rule, the same bytes.
      gate = new Gate("any", "metrics.count > 0");
      assertThat(
              evaluate(warehouse, second, LinearModels.of("Sigmoid", 0, 0, 0, -2, 0)).validated())
          .isTrue();
      assertThat(registry.version(second).status()).isEqualTo(Status.VALIDATED);
      assertThat(registry.version(second).sha256()).isEqualTo(worse.sha256());
    }
  }

  @Test
  void whatCannotServeIsRejectedWithoutItsBytes() throws Exception {
    try (WarehouseFixture warehouse = new WarehouseFixture(dir)) {
      write(warehouse, true);
      List<String> turned = new ArrayList<>(INPUTS);
      Collections.reverse(turned);
      List<String> other = new ArrayList<>(INPUTS);
      other.set(1, "rain");
      Map<byte[], String[]> files =
          Map.of(
              LinearModels.of("Sigmoid", 0, 0, 2, 0).toByteArray(),
              new String[] {
                "it takes 4 inputs, the signature has 5",
                "delay_risk are 5: origin_delays:count_1h, distance"
              },
              LinearModels.named(KNOWING, turned).toByteArray(),
              new String[] {"in another order: hour, origin_delays:delay_mean_1h"},
              LinearModels.named(KNOWING, other).toByteArray(),
              new String[] {"the definition has no rain; it takes no distance"},
              LinearModels.of("NoSuchOperator", 0, 0, 0, 2, 0).toByteArray(),
              new String[] {"IR 8, opset ai.onnx 15", "NoSuchOperator"},
              KNOWING.toBuilder().setIrVersion(99).build().toByteArray(),
              new String[] {"IR 99", "Unsupported model IR version"},
              LinearModels.of("Log", 0, 0, 0, 2, 0).toByteArray(),
              new String[] {"where every input is 0 its score is -Infinity"},
              "root:x:0:0:a secret".getBytes(StandardCharsets.UTF_8),
              new String[] {"no ONNX model"});
      for (Map.Entry<byte[], String[]> file : files.entrySet()) {
        int number = registry.register();
        Evaluated evaluated = evaluate(warehouse, number, file.getKey());
        assertThat(evaluated.event().reason())
            .contains(file.getValue())
            .doesNotContain("secret", "millrace-evaluation");
        RegisteredVersion version = registry.version(number);
        assertThat(version.status()).isEqualTo(Status.REJECTED);
        assertThat(version.sha256()).isEmpty();
        assertThat(evaluated.event().details()).doesNotContain(evaluated.sha256());
        assertThat(registry.refusal(number, true)).contains("was rejected and cannot serve");
      }
      assertThat(dir.resolve("artifacts")).doesNotExist();
    }
  }

  @Test
  void scoresThatAreNoProbabilitiesAreFound() throws Exception {
    try (WarehouseFixture warehouse = new WarehouseFixture(dir)) {
      write(warehouse, true);
      int number = registry.register();
      Evaluated evaluated = evaluate(warehouse, number, LinearModels.of("Neg", 0, 0, 0, 2, 0));
      assertThat(evaluated.validated()).isFalse();
      assertThat(evaluated.event().reason())
          .contains("scores are no probabilities, from 0 to 1 (the first is of 0: ");
      // It runs, so somebody may take the blame.
      assertThat(registry.refusal(number, false)).contains("no probabilities");
      assertThat(registry.refusal(number, true)).isEmpty();
    }
  }

  @Test
  void withoutLabelsItTakesForceAndItsProfileIsOfWhatThereIs() throws Exception {
    try (WarehouseFixture warehouse = new WarehouseFixture(dir)) {
      write(warehouse, false);
      int number = registry.register();
      Evaluated evaluated = evaluate(warehouse, number, KNOWING);
      assertThat(evaluated.validated()).isFalse();
      assertThat(evaluated.event().reason()).startsWith("not measured: ");
      assertThat(evaluated.validation().path("gates").path(0).path("passed").asBoolean()).isFalse();
      RegisteredVersion version = registry.version(number);
      assertThat(version.profileUri()).isNotNull();
      assertThat(version.metrics()).isNull();
      assertThat(registry.refusal(number, false)).contains("not measured");
      assertThat(registry.refusal(number, true)).isEmpty();

      label = null;
      int unlabelled = registry.register();
      assertThat(evaluate(warehouse, unlabelled, KNOWING).event().reason())
          .isEqualTo("not measured: the model has no label");
    }
  }

  @Test
  void withoutEventsOnlyWhetherItRunsIsKnown() throws Exception {
    try (WarehouseFixture warehouse = new WarehouseFixture(dir)) {
      warehouse.departures(List.of());
      warehouse.arrivals(List.of());
      int number = registry.register();
      Evaluated evaluated = evaluate(warehouse, number, KNOWING);
      assertThat(evaluated.event().reason()).contains("not measured", "has no events yet");
      RegisteredVersion version = registry.version(number);
      assertThat(version.sha256()).isEqualTo(evaluated.sha256());
      assertThat(version.profileUri()).isNull();
      assertThat(registry.refusal(number, true)).isEmpty();
    }
  }

  @Test
  void aVersionThatTakesATextIsTriedAndNotMeasured() throws Exception {
    try (WarehouseFixture warehouse = new WarehouseFixture(dir)) {
      write(warehouse, true);
      inputs = new ArrayList<>(WarehouseFixture.INPUTS);
      inputs.add(2, new Model.Input.OnDemand("carrier", "origin", Model.Input.Kind.TEXT));
      int number = registry.register();
      Evaluated evaluated =
          evaluate(warehouse, number, LinearModels.withText(KNOWING, "carrier", "JFK"));
      assertThat(evaluated.event().reason())
          .isEqualTo(
              "not measured: Cannot train on input carrier of delay_risk: texts are not built yet;"
                  + " give one number an input");
      assertThat(registry.version(number).sha256()).isEqualTo(evaluated.sha256());
      assertThat(registry.refusal(number, true)).isEmpty();

      int numeric = registry.register();
      assertThat(
              evaluate(warehouse, numeric, LinearModels.of("Sigmoid", 0, 0, 0, 2, 0, 0))
                  .event()
                  .reason())
          .contains("its input x takes numbers, and carrier of the signature is a text");
      assertThat(registry.version(numeric).status()).isEqualTo(Status.REJECTED);
    }
  }

  private Evaluated evaluate(WarehouseFixture warehouse, int number, ModelProto onnx)
      throws IOException, InterruptedException {
    return evaluate(warehouse, number, onnx.toByteArray());
  }

  private Evaluated evaluate(WarehouseFixture warehouse, int number, byte[] onnx)
      throws IOException, InterruptedException {
    return new VersionEvaluation(
            warehouse.target, (project, model) -> champion, registry, () -> 1_000, message -> {})
        .evaluate(
            new VersionEvaluation.Request(
                WarehouseFixture.project(),
                1,
                model(),
                number,
                "mlflow-artifacts:/made/model.onnx",
                onnx,
                null,
                "me",
                "key-" + registry.events.size()));
  }

  private Model model() {
    Model plain =
        WarehouseFixture.model(Repeat.LAST, null, Double.NaN, Map.of(), Duration.ofDays(3));
    return new Model(
        plain.name(),
        plain.source(),
        plain.features(),
        inputs,
        plain.missingDefault(),
        plain.missing(),
        plain.maxFeatureWait(),
        plain.execution(),
        plain.decisions(),
        plain.fallback(),
        plain.delivery(),
        label,
        plain.training(),
        List.of(gate),
        plain.monitoring(),
        null,
        null);
  }

  private static void write(WarehouseFixture warehouse, boolean labelled) throws IOException {
    Random random = new Random(9);
    List<@Nullable Object[]> departures = new ArrayList<>();
    List<@Nullable Object[]> arrivals = new ArrayList<>();
    List<@Nullable Object[]> origins = new ArrayList<>();
    List<@Nullable Object[]> routes = new ArrayList<>();
    for (long id = 0; id < EVENTS; id++) {
      long at = START + id * MINUTE;
      double mean = random.nextGaussian();
      boolean late = random.nextDouble() < 1 / (1 + Math.exp(-2 * mean));
      departures.add(
          new @Nullable Object[] {id, time(at), "JFK", "LAX", random.nextInt(3000), 0, id, "OK"});
      if (labelled) {
        arrivals.add(
            new @Nullable Object[] {
              id, time(at + 30 * MINUTE), "JFK", "LAX", late ? 40 : 0, 0, id, "OK"
            });
      }
      origins.add(
          new @Nullable Object[] {
            "JFK", time(at), "0:" + id, "1-0123456789ab", time(at), id % 7, mean
          });
      routes.add(
          new @Nullable Object[] {
            "JFK~LAX", time(at), "0:" + id, "1-ba9876543210", time(at), random.nextGaussian()
          });
    }
    warehouse.departures(departures);
    warehouse.arrivals(arrivals);
    warehouse.rows(WarehouseFixture.ORIGIN, origins);
    warehouse.rows(WarehouseFixture.ROUTE, routes);
  }

  private static String sha256(byte[] bytes) {
    return HexFormat.of().formatHex(TrainingSet.digest().digest(bytes));
  }
}
