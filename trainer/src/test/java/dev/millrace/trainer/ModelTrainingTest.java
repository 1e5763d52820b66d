package dev.millrace.trainer;

import static dev.millrace.trainer.WarehouseFixture.time;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.millrace.core.definition.FeatureView;
import dev.millrace.core.definition.Model;
import dev.millrace.core.definition.Model.Gate;
import dev.millrace.core.definition.Model.Label.Repeat;
import dev.millrace.core.definition.Project;
import dev.millrace.core.drift.ReferenceProfile;
import dev.millrace.platform.DefinitionsLog.ViewIdentity;
import dev.millrace.platform.ModelRevision;
import dev.millrace.platform.RunningViews.Running;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** From the warehouse to the files of a candidate. */
class ModelTrainingTest {

  private static final long START = Instant.parse("2001-01-01T00:00:00Z").toEpochMilli();
  private static final long MINUTE = 60_000;
  private static final int EVENTS = 5_000;
  private static final long END = START + EVENTS * MINUTE;
  private static final String KEY = "12".repeat(32);
  private static final JsonMapper JSON = new JsonMapper();

  private static final FeatureView CHANGED =
      WarehouseFixture.withId(WarehouseFixture.ORIGIN, "ffffffffffff");

  private final Path dir;
  private Optional<Champions.Champion> champion = Optional.empty();

  ModelTrainingTest(@TempDir Path dir) {
    this.dir = dir;
  }

  @Test
  void aCandidateIsTheSameEachTimeAndIsNotMadeTwice() throws Exception {
    try (WarehouseFixture warehouse = new WarehouseFixture(dir)) {
      write(warehouse);
      Candidate first = make(warehouse, KEY);
      Candidate other = make(warehouse, "34".repeat(32));
      assertThat(Files.readAllBytes(other.onnx())).isEqualTo(Files.readAllBytes(first.onnx()));
      assertThat(Files.readAllBytes(other.profile()))
          .isEqualTo(Files.readAllBytes(first.profile()));
      assertThat(first.folder().getFileName()).hasToString(KEY.substring(0, 16));
      assertThat(first.sha256()).isEqualTo(sha256(first.onnx()));

      JsonNode details = first.details();
      assertThat(details.path("profile_sha256").asText()).isEqualTo(sha256(first.profile()));
      assertThat(details.path("profile_uri").asText())
          .isEqualTo(first.profile().toUri().toString());
      assertThat(details.path("lineage").asText()).isEqualTo(first.lineage().toUri().toString());
      assertThat(details.path("request_id").asText()).isEqualTo(KEY);
      assertThat(details.path("metrics").path("holdout").path("auc").asDouble()).isGreaterThan(0.7);
      ReferenceProfile profile = ReferenceProfile.parse(Files.readAllBytes(first.profile()));
      assertThat(profile.model()).isEqualTo("delay_risk");
      assertThat(profile.inputs()).hasSize(5);

      // A trainer that was killed finds it again, as it was.
      FileTimes before = FileTimes.of(first);
      assertThat(training(warehouse).find(model(), KEY)).contains(first);
      assertThat(make(warehouse, KEY)).isEqualTo(first);
      assertThat(FileTimes.of(first)).isEqualTo(before);
    }
  }

  private record FileTimes(long onnx, long lineage) {
    static FileTimes of(Candidate candidate) throws IOException {
      return new FileTimes(
          Files.getLastModifiedTime(candidate.onnx()).toMillis(),
          Files.getLastModifiedTime(candidate.lineage()).toMillis());
    }
  }

  @Test
  void gatesCompareWithTheChampionOnTheSameRows() throws Exception {
    try (WarehouseFixture warehouse = new WarehouseFixture(dir)) {
      write(warehouse);
      Candidate first = make(warehouse, KEY);
      assertThat(first.passed()).isTrue();
      assertThat(gate(first).path("note").asText()).isEqualTo("no champion");

      champion =
          Optional.of(
              new Champions.Champion(
                  1,
                  first.uri(),
                  first.sha256(),
                  WarehouseFixture.INPUTS.stream().map(Model.Input::name).toList()));
      Candidate same = make(warehouse, "34".repeat(32));
      // Not better than itself.
      assertThat(same.passed()).isFalse();
      assertThat(same.validation().path("champion").asInt()).isEqualTo(1);
      assertThat(gate(same).path("values").path("delta.log_loss.value").asDouble()).isZero();
      assertThat(same.validation().path("delta").path("auc").path("low").asDouble()).isZero();

      champion = Optional.of(new Champions.Champion(2, first.uri(), "00".repeat(32), null));
      Candidate broken = make(warehouse, "56".repeat(32));
      assertThat(broken.passed()).isFalse();
      assertThat(gate(broken).path("note").asText()).contains("champion 2 cannot be scored");

      champion =
          Optional.of(
              new Champions.Champion(3, first.uri(), first.sha256(), List.of("rain", "hour")));
      Candidate changed = make(warehouse, "78".repeat(32));
      assertThat(gate(changed).path("note").asText())
          .contains("champion 3 cannot be scored: it reads [rain, hour]");
    }
  }

  @Test
  void aChampionIsScoredWithTheDefinitionsItWasTrainedOn() throws Exception {
    try (WarehouseFixture warehouse = new WarehouseFixture(dir)) {
      write(warehouse);
      Candidate first = make(warehouse, KEY);
      // The changed view says the opposite of the old one under the same name.
      Project changed = WarehouseFixture.project(CHANGED);
      Map<String, String> pinned =
          Map.of("origin_delays", "0123456789ab", "route_delays", "ba9876543210");
      ModelRevision was =
          new ModelRevision(
              1,
              model(),
              Map.of(
                  "origin_delays",
                  new Running(
                      WarehouseFixture.project(),
                      1,
                      WarehouseFixture.ORIGIN,
                      new ViewIdentity(1, "0123456789ab"),
                      false,
                      "origin_delays"),
                  "route_delays",
                  new Running(
                      changed,
                      2,
                      WarehouseFixture.ROUTE,
                      new ViewIdentity(1, "ba9876543210"),
                      true,
                      "route_delays")));
      List<String> inputs = WarehouseFixture.INPUTS.stream().map(Model.Input::name).toList();
      champion =
          Optional.of(new Champions.Champion(1, first.uri(), first.sha256(), inputs, pinned, was));
      Candidate second = make(warehouse, changed, "34".repeat(32));
      assertThat(second.details().path("views").path("origin_delays").asText())
          .isEqualTo("ffffffffffff");
      // Both know as much; on the other's rows the champion would be worse by far more than one.
      assertThat(gate(second).path("values").path("delta.log_loss.value").asDouble())
          .isBetween(-0.05, 0.05);

      champion =
          Optional.of(new Champions.Champion(1, first.uri(), first.sha256(), inputs, pinned, null));
      Candidate alone = make(warehouse, changed, "56".repeat(32));
      assertThat(alone.passed()).isFalse();
      assertThat(gate(alone).path("note").asText())
          .contains("champion 1 cannot be scored: it was trained on definitions", "0123456789ab");
    }
  }

  @Test
  void aWindowThatThePipelineHasNotReachedMayComeYet() throws Exception {
    try (WarehouseFixture warehouse = new WarehouseFixture(dir)) {
      write(warehouse);
      assertThatThrownBy(
              () ->
                  training(warehouse)
                      .make(
                          WarehouseFixture.project(),
                          1,
                          model(),
                          START - Duration.ofDays(2).toMillis(),
                          START - Duration.ofDays(1).toMillis(),
                          "me",
                          KEY,
                          JSON.createObjectNode()))
          .isInstanceOf(TrainingException.class)
          .satisfies(e -> assertThat(((TrainingException) e).isFinal()).isFalse())
          .hasMessageContaining("no row of its definition");
    }
  }

  private static JsonNode gate(Candidate candidate) {
    return candidate.validation().path("gates").get(0);
  }

  private ModelTraining training(WarehouseFixture warehouse) {
    return new ModelTraining(
        warehouse.target, null, (project, model) -> champion, () -> 1_000, message -> {});
  }

  private Candidate make(WarehouseFixture warehouse, String key) throws IOException {
    return make(warehouse, WarehouseFixture.project(), key);
  }

  private Candidate make(WarehouseFixture warehouse, Project project, String key)
      throws IOException {
    ObjectNode extras = JSON.createObjectNode();
    extras.put("request_id", key);
    return training(warehouse)
        .make(project, 1, model(), END - Duration.ofDays(3).toMillis(), END, "me", key, extras);
  }

  private static Model model() {
    Model plain =
        WarehouseFixture.model(Repeat.LAST, null, Double.NaN, Map.of(), Duration.ofDays(3));
    return new Model(
        plain.name(),
        plain.source(),
        plain.features(),
        plain.inputs(),
        plain.missingDefault(),
        plain.missing(),
        plain.maxFeatureWait(),
        plain.execution(),
        plain.decisions(),
        plain.fallback(),
        plain.delivery(),
        plain.label(),
        plain.training(),
        List.of(new Gate("better", "delta.log_loss.value > 0.0")),
        plain.monitoring(),
        null,
        null);
  }

  private static void write(WarehouseFixture warehouse) throws IOException {
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
      arrivals.add(
          new @Nullable Object[] {
            id, time(at + 30 * MINUTE), "JFK", "LAX", late ? 40 : 0, 0, id, "OK"
          });
      origins.add(
          new @Nullable Object[] {
            "JFK", time(at), "0:" + id, "1-0123456789ab", time(at), id % 7, mean
          });
      origins.add(
          new @Nullable Object[] {
            "JFK", time(at), "0:" + id, "2-ffffffffffff", time(at), id % 7, -mean
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

  private static String sha256(Path file) throws IOException {
    return HexFormat.of().formatHex(TrainingSet.digest().digest(Files.readAllBytes(file)));
  }
}
