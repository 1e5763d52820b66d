package dev.millrace.inference;

import dev.millrace.core.definition.Entity;
import dev.millrace.core.definition.Feature;
import dev.millrace.core.definition.FeatureView;
import dev.millrace.core.definition.Model;
import dev.millrace.core.definition.Project;
import dev.millrace.core.definition.Source;
import dev.millrace.core.model.DeployedVersion;
import dev.millrace.core.model.Deployment;
import dev.millrace.platform.DefinitionsLog.ViewIdentity;
import dev.millrace.platform.RunningViews;
import dev.millrace.streaming.Event;
import dev.millrace.streaming.Inbound;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.apache.avro.LogicalTypes;
import org.apache.avro.Schema;
import org.apache.avro.SchemaBuilder;
import org.jspecify.annotations.Nullable;

/** A small project: departures are scored with a view on arrivals and one on departures. */
final class Flights {

  static final long NOON = 1_000_000_000_000L;
  static final String ARRIVALS_VERSION = "1-aaaaaaaaaaaa";
  static final String DEPARTURES_VERSION = "1-bbbbbbbbbbbb";
  static final Map<String, ViewIdentity> IDENTITIES =
      Map.of(
          "origin_delays", new ViewIdentity(1, "aaaaaaaaaaaa"),
          "origin_departures", new ViewIdentity(1, "bbbbbbbbbbbb"));

  private static final Schema TIME =
      LogicalTypes.timestampMillis().addToSchema(Schema.create(Schema.Type.LONG));
  static final Schema DEPARTURE =
      SchemaBuilder.record("departure")
          .fields()
          .requiredString("flight_id")
          .name("departed_at")
          .type(TIME)
          .noDefault()
          .optionalString("origin")
          .optionalDouble("distance")
          .endRecord();
  private static final Schema ARRIVAL =
      SchemaBuilder.record("arrival")
          .fields()
          .requiredString("flight_id")
          .name("arrived_at")
          .type(TIME)
          .noDefault()
          .optionalString("origin")
          .requiredDouble("delay")
          .endRecord();

  static final Model.Input DELAY =
      new Model.Input.OfView("delay_mean_1h", "origin_delays", "delay_mean_1h", List.of("origin"));
  static final Model.Input DEPARTURES =
      new Model.Input.OfView("count_1h", "origin_departures", "count_1h", List.of("origin"));
  static final Model.Input DISTANCE = new Model.Input.OnDemand("distance", "distance");

  static Project project(Model model) {
    return new Project(
        "flights",
        null,
        List.of(
            source("departures", DEPARTURE, "departed_at", true),
            source("arrivals", ARRIVAL, "arrived_at", true)),
        List.of(new Entity("origin", List.of("origin"))),
        List.of(
            view(
                "origin_delays",
                "arrivals",
                null,
                new Feature(
                    "count_1h",
                    Feature.Function.COUNT,
                    null,
                    Duration.ofHours(1),
                    Feature.ValueType.LONG),
                new Feature(
                    "delay_mean_1h",
                    Feature.Function.MEAN,
                    "delay",
                    Duration.ofHours(1),
                    Feature.ValueType.DOUBLE),
                new Feature(
                    "flight_id_last",
                    Feature.Function.LAST,
                    "flight_id",
                    null,
                    Feature.ValueType.STRING),
                new Feature(
                    "delay_last_k",
                    Feature.Function.LAST_K,
                    "delay",
                    null,
                    Feature.ValueType.listOf(Feature.ValueType.DOUBLE)),
                new Feature(
                    "count_by_carrier_1h",
                    Feature.Function.COUNT,
                    null,
                    Duration.ofHours(1),
                    Feature.ValueType.mapOf(Feature.ValueType.LONG),
                    new Feature.Options(null, "carrier", null, null, null, null, List.of()))),
            view(
                "origin_departures",
                "departures",
                "distance > 0.0",
                new Feature(
                    "count_1h",
                    Feature.Function.COUNT,
                    null,
                    Duration.ofHours(1),
                    Feature.ValueType.LONG))),
        List.of(model),
        List.of());
  }

  /** Batches of 3 rows or 10 ms; a missing distance is −1, else NaN. */
  static Model model(@Nullable String fallback, List<Model.Input> inputs) {
    return new Model(
        "delay_risk",
        "departures",
        Model.FeatureReads.ONLINE,
        inputs,
        Double.NaN,
        Map.of("distance", -1.0),
        Duration.ofMillis(50),
        new Model.Execution(Model.Provider.CPU, 3, Duration.ofMillis(10), null),
        List.of(new Model.Decision("WARN", "score >= 0.5"), new Model.Decision("OK", "true")),
        fallback,
        Model.Delivery.AT_LEAST_ONCE,
        null,
        null);
  }

  static ScoringPlan plan(@Nullable String fallback, Model.Input... inputs) {
    Model model = model(fallback, List.of(inputs));
    return ScoringPlan.of(project(model), model, running(model), true, InferenceJob.STAGE);
  }

  static RunningViews running(Model model) {
    return RunningViews.only(project(model), IDENTITIES);
  }

  /** A departure of partition 0, one second after another. */
  static Inbound departure(long offset, @Nullable String origin, @Nullable Double distance) {
    long timeMillis = timeMillis(offset);
    return new Inbound(
        new Event(
            0,
            offset,
            timeMillis + 5,
            timeMillis,
            "f" + offset,
            new Object[] {"f" + offset, timeMillis, origin, distance},
            null,
            new byte[] {1}),
        null);
  }

  static long timeMillis(long offset) {
    return NOON + 1_000 * offset;
  }

  static DeploymentRecord deployed(long offset, int version) {
    return record(offset, "d" + version, Deployment.State.EFFECTIVE, version);
  }

  static DeploymentRecord record(long offset, String id, Deployment.State state, int version) {
    return new DeploymentRecord(
        new Deployment(
            "delay_risk",
            id,
            state,
            null,
            new DeployedVersion(version, "file:///models/" + version, "sha-" + version),
            null,
            0,
            List.of(),
            NOON),
        2,
        offset);
  }

  /** A deployment with everything that one can name. */
  static DeploymentRecord record(
      long offset,
      String id,
      Deployment.State state,
      @Nullable Long effectiveTimeMillis,
      int champion,
      @Nullable Integer canary,
      double share,
      Integer... shadows) {
    return new DeploymentRecord(
        new Deployment(
            "delay_risk",
            id,
            state,
            effectiveTimeMillis,
            version(champion),
            canary == null ? null : version(canary),
            share,
            Stream.of(shadows).map(Flights::version).toList(),
            NOON),
        2,
        offset);
  }

  private static DeployedVersion version(int version) {
    return new DeployedVersion(version, "file:///models/" + version, "sha-" + version);
  }

  private static Source source(String name, Schema schema, String time, boolean archive) {
    return new Source(
        name,
        name,
        Source.Kind.KAFKA,
        Source.Format.AVRO,
        schema,
        "flight_id",
        time,
        Duration.ofMinutes(10),
        Duration.ofHours(1),
        Duration.ZERO,
        archive,
        List.of(),
        null);
  }

  private static FeatureView view(
      String name, String source, @Nullable String filter, Feature... features) {
    return new FeatureView(
        name,
        new Entity("origin", List.of("origin")),
        source,
        List.of("origin"),
        filter,
        FeatureView.Accuracy.EXACT,
        Duration.ofMinutes(1),
        Duration.ZERO,
        Duration.ofDays(7),
        List.of(features),
        name.equals("origin_delays") ? "aaaaaaaaaaaa" : "bbbbbbbbbbbb");
  }

  private Flights() {}
}
