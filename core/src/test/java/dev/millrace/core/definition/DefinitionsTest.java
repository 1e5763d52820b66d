package dev.millrace.core.definition;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.net.URISyntaxException;
import java.net.URL;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class DefinitionsTest {

  static Path resource(String name) throws URISyntaxException {
    URL url = Objects.requireNonNull(DefinitionsTest.class.getResource(name));
    return Path.of(url.toURI());
  }

  @Test
  void theContractsExampleIsReadWhole() throws Exception {
    Project project = Definitions.read(resource("contract"));

    assertThat(project.name()).isEqualTo("flights");
    assertThat(project.owner()).isEqualTo("ops@example.org");
    Source departures = project.source("departures").orElseThrow();
    assertThat(departures.topic()).isEqualTo("departures");
    assertThat(departures.maxOutOfOrderness()).isEqualTo(Duration.ofMinutes(10));
    assertThat(departures.samples()).isEqualTo("data/departures*");
    assertThat(departures.contract())
        .containsExactly(new Source.ContractRule("distance_is_positive", "distance > 0"));
    assertThat(project.source("arrivals").orElseThrow().archive())
        .as("label sources are always archived")
        .isTrue();

    FeatureView view = project.featureView("origin_delays").orElseThrow();
    assertThat(view.features())
        .extracting(Feature::name)
        .containsExactly(
            "count_15m",
            "count_1h",
            "count_24h",
            "delay_mean_1h",
            "delay_mean_24h",
            "delay_p90_24h",
            "destination_approx_count_distinct_24h",
            "delay_last");
    assertThat(view.allowedLateness()).isEqualTo(Duration.ofHours(1));
    assertThat(view.ttl()).isEqualTo(Duration.ofDays(30));
    FeatureView route = project.featureView("route_delays").orElseThrow();
    assertThat(route.keyFields()).containsExactly("origin", "destination");
    assertThat(route.ttl()).isEqualTo(Duration.ofDays(7));

    Model model = project.model("delay_risk").orElseThrow();
    assertThat(model.inputs())
        .extracting(Model.Input::name)
        .containsExactly(
            "count_15m",
            "count_1h",
            "count_24h",
            "delay_mean_1h",
            "origin_delays_delay_mean_24h",
            "delay_p90_24h",
            "destination_approx_count_distinct_24h",
            "delay_last",
            "route_delays_delay_mean_24h",
            "distance",
            "hour");
    assertThat(model.label())
        .isEqualTo(
            new Model.Label(
                "arrivals",
                "flight_id",
                "delay > 15 ? 1.0 : 0.0",
                Duration.ofHours(12),
                null,
                Model.Label.Repeat.LAST));
    assertThat(model.training())
        .isEqualTo(
            new Model.Training(
                "xgboost",
                Duration.ofDays(28),
                Duration.ofDays(3),
                Duration.ofDays(7),
                Map.of("trees", 100.0, "depth", 6.0),
                7));
    assertThat(model.gates())
        .containsExactly(new Model.Gate("not_worse", "delta.auc.low >= -0.005"));
    assertThat(model.monitoring())
        .isEqualTo(
            new Model.Monitoring(
                Duration.ofHours(1),
                Duration.ofDays(7),
                List.of("origin"),
                1,
                Duration.ofDays(30)));
    assertThat(model.retraining())
        .isEqualTo(
            new Model.Retraining(
                Set.of(Model.Cause.values()),
                Duration.ofDays(7),
                Duration.ofHours(24),
                3,
                1000,
                new Model.Retraining.Quiet(22 * 60, 6 * 60)));
    assertThat(model.rollout())
        .isEqualTo(
            new Model.Rollout(
                "origin",
                List.of("origin"),
                Model.Hypothesis.NON_INFERIOR,
                0.002,
                Duration.ofDays(1),
                Duration.ofDays(10),
                List.of(5, 15, 30, 50, 75, 100),
                Duration.ofDays(1),
                Duration.ofDays(10),
                null));
    assertThat(model.experiments())
        .containsExactly(
            new Model.Experiment(
                "eager", "origin", List.of("origin"), Map.of("control", 50, "eager", 50)));
  }

  @Test
  void whatIsNotBuiltIsListedByItsPath() throws Exception {
    Project project = Definitions.read(resource("contract"));

    assertThat(project.unbuilt())
        .extracting(u -> u.file() + ":" + u.line() + ": " + u.path())
        .containsExactly(
            "millrace.yaml:57: models[0].outcomes",
            "millrace.yaml:58: models[0].groups",
            "millrace.yaml:60: models[0].tests",
            "millrace.yaml:67: models[0].experiments[0].outcome",
            "millrace.yaml:67: models[0].experiments[0].test",
            "millrace.yaml:67: models[0].experiments[0].duration",
            "schemas/complaint.avsc:7: fields.passenger.personal");
  }

  @Test
  void aProjectTravelsAsTheContentsOfItsFiles() throws Exception {
    Map<String, String> files = Definitions.files(resource("contract"));

    assertThat(files)
        .containsOnlyKeys(
            "millrace.yaml",
            "more.yaml",
            "schemas/departure.avsc",
            "schemas/arrival.avsc",
            "schemas/complaint.avsc");
    assertThat(Definitions.read(files)).isEqualTo(Definitions.read(resource("contract")));
    assertThat(Definitions.files(resource("contract/millrace.yaml"))).isEqualTo(files);
    assertThat(Definitions.read(resource("contract/millrace.yaml")).name()).isEqualTo("flights");
  }

  @Test
  void aProjectsFileMayHaveAnotherName(@TempDir Path folder) throws IOException {
    Map<String, String> files = new HashMap<>(Projects.small());
    String text = Objects.requireNonNull(files.remove("millrace.yaml"));
    Files.writeString(folder.resolve("mine.yaml"), text);
    Files.writeString(
        folder.resolve("event.avsc"), Objects.requireNonNull(files.get("event.avsc")));

    Map<String, String> collected = Definitions.files(folder.resolve("mine.yaml"));

    assertThat(collected).containsOnlyKeys("mine.yaml", "event.avsc");
    assertThat(Definitions.read(collected))
        .isEqualTo(Definitions.read(folder.resolve("mine.yaml")));
  }

  @Test
  void defaultsAreThoseOfTheContract() {
    Project project = Definitions.read(Projects.small());

    Source source = project.sources().get(0);
    assertThat(source.kind()).isEqualTo(Source.Kind.KAFKA);
    assertThat(source.format()).isEqualTo(Source.Format.AVRO);
    assertThat(source.maxOutOfOrderness()).isEqualTo(Duration.ofSeconds(10));
    assertThat(source.maxAhead()).isEqualTo(Duration.ofHours(1));
    assertThat(source.dedupWindow()).isZero();
    assertThat(source.archive()).isTrue();
    FeatureView view = project.featureViews().get(0);
    assertThat(view.accuracy()).isEqualTo(FeatureView.Accuracy.EXACT);
    assertThat(view.refresh()).isEqualTo(Duration.ofMinutes(1));
    assertThat(view.allowedLateness()).isZero();
    assertThat(view.ttl()).isEqualTo(Duration.ofDays(20));
    Model model = project.models().get(0);
    assertThat(model.features()).isEqualTo(Model.FeatureReads.ONLINE);
    assertThat(model.missingDefault()).isNaN();
    assertThat(model.maxFeatureWait()).isEqualTo(Duration.ofMillis(50));
    assertThat(model.delivery()).isEqualTo(Model.Delivery.AT_LEAST_ONCE);
    assertThat(model.fallback()).isNull();
    assertThat(model.decisions()).isEmpty();
    Model.Label label = Objects.requireNonNull(model.label());
    assertThat(label.labelWait()).isEqualTo(Duration.ofDays(1));
    assertThat(label.absentValue()).isNull();
    assertThat(label.repeat()).isEqualTo(Model.Label.Repeat.LAST);
    Model.Training training = Objects.requireNonNull(model.training());
    assertThat(training.validation()).isEqualTo(Duration.ofHours(24));
    assertThat(training.holdout()).isEqualTo(Duration.ofHours(24));
    assertThat(project.unbuilt()).isEmpty();
  }

  @Test
  void featuresHaveTheirNamesAndTypes() {
    Project project =
        Definitions.read(
            Projects.small(
                "windows: [10d]}",
                """
                windows: [1d, 024h, 90s], name: visits}
                      - {function: sum, column: amount, windows: [1h]}
                      - {function: max, column: amount, windows: 1h, name: peak}
                      - {function: last, column: flag}
                      - {function: last, column: amount, windows: [5m]}
                      - {function: last, column: at}
                      - {function: last, column: id, name: newest}
                """));

    assertThat(project.featureViews().get(0).features())
        .containsExactly(
            feature("visits_1d", Feature.Function.COUNT, null, "PT24H", Feature.ValueType.LONG),
            feature("visits_24h", Feature.Function.COUNT, null, "PT24H", Feature.ValueType.LONG),
            feature("visits_90s", Feature.Function.COUNT, null, "PT90S", Feature.ValueType.LONG),
            feature(
                "amount_sum_1h", Feature.Function.SUM, "amount", "PT1H", Feature.ValueType.DOUBLE),
            feature("peak_1h", Feature.Function.MAX, "amount", "PT1H", Feature.ValueType.DOUBLE),
            feature("flag_last", Feature.Function.LAST, "flag", null, Feature.ValueType.BOOLEAN),
            feature(
                "amount_last_5m",
                Feature.Function.LAST,
                "amount",
                "PT5M",
                Feature.ValueType.DOUBLE),
            feature("at_last", Feature.Function.LAST, "at", null, Feature.ValueType.LONG),
            feature("newest", Feature.Function.LAST, "id", null, Feature.ValueType.STRING));
    assertThat(project.unbuilt())
        .singleElement()
        .satisfies(u -> assertThat(u.reason()).contains("training on a text (input newest;"));
  }

  private static Feature feature(
      String name,
      Feature.Function function,
      @org.jspecify.annotations.Nullable String column,
      @org.jspecify.annotations.Nullable String window,
      Feature.ValueType type) {
    return new Feature(
        name, function, column, window == null ? null : Duration.parse(window), type);
  }

  @Test
  void everythingElseThatIsNotBuiltIsNamed() {
    Project project =
        Definitions.read(
            Projects.small(
                "- shop_orders:*",
                """
                - shop_orders:*
                      - payments/card_velocity:*
                      - {name: embedding, value: "[amount, 1.0]"}
                      - {name: letter, value: "id.substring(0, 1)"}
                    features: as-of
                    execution: {provider: cuda, latency: 5ms}
                """,
                "{window: 10d}",
                "{window: 10d, trainer: lightgbm}",
                "value: amount",
                "value: amount, holdback: 0.1, selective: []"));

    assertThat(project.unbuilt())
        .extracting(Project.Unbuilt::path)
        .containsExactlyInAnyOrder(
            "models[0].inputs[1]",
            // For the vector, and for the text.
            "models[0].training",
            "models[0].training",
            "models[0].training.trainer",
            "models[0].label.selective",
            "models[0].label.holdback");
  }

  @Test
  void keysAreMappedWhereASourceNamesThemOtherwise() {
    Project project =
        Definitions.read(
            Projects.small(
                "keys: [shop]",
                "keys: [code]",
                "entity: shop",
                "entity: shop\n    keys: {code: shop}",
                "source: orders\n    inputs",
                "source: orders\n    keys: {code: id}\n    inputs"));

    assertThat(project.featureViews().get(0).keyFields()).containsExactly("shop");
    assertThat(project.models().get(0).inputs())
        .first()
        .isEqualTo(new Model.Input.OfView("count_10d", "shop_orders", "count_10d", List.of("id")));
  }

  @Test
  void missingInputsMayHaveTheirOwnValues() {
    Model model =
        Definitions.read(
                Projects.small(
                    "training:", "missing: {default: 0, count_10d: .nan}\n    training:"))
            .models()
            .get(0);

    assertThat(model.missingDefault()).isZero();
    assertThat(model.missing()).containsExactly(Map.entry("count_10d", Double.NaN));
  }

  @Test
  void valuesMayComeFromTheEnvironmentAndFromFiles(@TempDir Path folder) throws IOException {
    Path secret = Files.writeString(folder.resolve("topic"), "orders-v2\n");
    Project project =
        Definitions.read(
            Projects.small(
                "event-time: at",
                "event-time: at\n    description: \"${env:PATH}\"\n    topic: \"${file:"
                    + secret
                    + "}\""));

    assertThat(project.sources().get(0).topic()).isEqualTo("orders-v2");
    assertThatThrownBy(
            () ->
                Definitions.read(
                    Projects.small("event-time: at", "event-time: at\n    topic: ${env:NO_SUCH}")))
        .isInstanceOf(DefinitionException.class)
        .hasMessageContaining("environment variable NO_SUCH is not set");
  }

  @Test
  void whatCameFromElsewhereIsNotShown(@TempDir Path folder) throws IOException {
    Path secret = Files.writeString(folder.resolve("secret"), "s3cret value!");

    assertThatThrownBy(
            () ->
                Definitions.read(
                    Projects.small(
                        "event-time: at",
                        "event-time: \"${file:"
                            + secret
                            + "}\"\n    topic: \"${file:"
                            + secret
                            + "}\"\n    max-ahead: \"${file:"
                            + secret
                            + "}\"",
                        "entity: shop",
                        "entity: \"${file:"
                            + secret
                            + "}\"\n    filter: \"${file:"
                            + secret
                            + "}\"")))
        .isInstanceOfSatisfying(
            DefinitionException.class,
            e -> {
              assertThat(e.mistakes()).hasSizeGreaterThanOrEqualTo(5);
              assertThat(e.getMessage()).doesNotContain("s3cret");
            });
  }
}
