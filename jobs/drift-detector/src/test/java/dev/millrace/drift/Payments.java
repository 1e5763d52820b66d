package dev.millrace.drift;

import dev.millrace.core.definition.Entity;
import dev.millrace.core.definition.Feature;
import dev.millrace.core.definition.FeatureView;
import dev.millrace.core.definition.Model;
import dev.millrace.core.definition.Project;
import dev.millrace.core.definition.Source;
import dev.millrace.core.drift.Reference;
import dev.millrace.core.drift.ReferenceProfile;
import dev.millrace.core.drift.ReferenceRows;
import dev.millrace.platform.DefinitionsLog.ViewIdentity;
import dev.millrace.platform.RunningViews;
import dev.millrace.streaming.Event;
import java.time.Duration;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import org.apache.avro.LogicalTypes;
import org.apache.avro.Schema;
import org.apache.avro.SchemaBuilder;
import org.jspecify.annotations.Nullable;

/** A small project: payments are scored, reports say later which were frauds. */
final class Payments {

  static final long HOUR = 3_600_000;
  static final long DAY = 24 * HOUR;
  static final long WAIT = 6 * HOUR;

  /** A Monday, UTC. */
  static final long START = 1_704_067_200_000L;

  private static final Schema TIME =
      LogicalTypes.timestampMillis().addToSchema(Schema.create(Schema.Type.LONG));
  private static final Schema PAYMENT =
      SchemaBuilder.record("payment")
          .fields()
          .requiredString("id")
          .name("at")
          .type(TIME)
          .noDefault()
          .optionalString("channel")
          .optionalDouble("amount")
          .endRecord();
  private static final Schema REPORT =
      SchemaBuilder.record("report")
          .fields()
          .requiredString("report_id")
          .name("reported_at")
          .type(TIME)
          .noDefault()
          .optionalString("payment")
          .optionalBoolean("fraud")
          .endRecord();

  static Project project(@Nullable Double absent, Model.Label.Repeat repeat) {
    Model model =
        model(
            new Model.Label(
                "reports",
                "payment",
                "fraud ? 1.0 : 0.0",
                Duration.ofMillis(WAIT),
                absent,
                repeat));
    return project(model);
  }

  static Project project(Model model) {
    return new Project(
        "shop",
        null,
        List.of(
            source("payments", PAYMENT, "id", "at"),
            source("reports", REPORT, "report_id", "reported_at")),
        List.of(new Entity("channel", List.of("channel"))),
        List.of(
            new FeatureView(
                "channel_load",
                new Entity("channel", List.of("channel")),
                "payments",
                List.of("channel"),
                null,
                FeatureView.Accuracy.EXACT,
                Duration.ofMinutes(1),
                Duration.ZERO,
                Duration.ofDays(7),
                List.of(
                    new Feature(
                        "count_1h",
                        Feature.Function.COUNT,
                        null,
                        Duration.ofHours(1),
                        Feature.ValueType.LONG)),
                "aaaaaaaaaaaa")),
        List.of(model),
        List.of());
  }

  static Model model(Model.@Nullable Label label) {
    return new Model(
        "fraud_risk",
        "payments",
        Model.FeatureReads.ONLINE,
        List.of(
            new Model.Input.OfView("count_1h", "channel_load", "count_1h", List.of("channel")),
            new Model.Input.OnDemand("amount", "amount")),
        Double.NaN,
        Map.of(),
        Duration.ofMillis(50),
        new Model.Execution(Model.Provider.CPU, 3, Duration.ofMillis(10), null),
        List.of(),
        "0.1",
        Model.Delivery.AT_LEAST_ONCE,
        label,
        null,
        List.of(),
        new Model.Monitoring(
            Duration.ofHours(1), Duration.ofDays(7), List.of("channel"), 1, Duration.ofDays(30)),
        null,
        null);
  }

  static DriftPlan plan() {
    Project project = project(null, Model.Label.Repeat.LAST);
    return DriftPlan.of(project, project.models().get(0), running(project), DriftDetectorJob.STAGE);
  }

  static DriftPlan plan(@Nullable Double absent, Model.Label.Repeat repeat) {
    Project project = project(absent, repeat);
    return DriftPlan.of(project, project.models().get(0), running(project), DriftDetectorJob.STAGE);
  }

  static RunningViews running(Project project) {
    return RunningViews.only(project, Map.of("channel_load", new ViewIdentity(1, "aaaaaaaaaaaa")));
  }

  private static Source source(String name, Schema schema, String id, String time) {
    return new Source(
        name,
        name,
        Source.Kind.KAFKA,
        Source.Format.AVRO,
        schema,
        id,
        time,
        Duration.ofMinutes(1),
        Duration.ofHours(1),
        Duration.ZERO,
        true,
        List.of(),
        null);
  }

  /** One payment's inputs: how busy the channel is, one of a few numbers or missing; the amount. */
  static double[] inputs(Random random, long timeMillis) {
    double night = Math.floorMod(timeMillis, DAY) < 6 * HOUR ? 1 : 0;
    return new double[] {
      random.nextInt(20) == 0 ? Double.NaN : random.nextInt(6),
      Math.exp(3 + night + random.nextGaussian())
    };
  }

  static double score(int version, double[] inputs) {
    double count = Double.isNaN(inputs[0]) ? 1 : inputs[0];
    return 1 / (1 + Math.exp(3.5 - 0.3 * count - 0.1 * version - 0.4 * (Math.log(inputs[1]) - 3)));
  }

  /** The profile of a version, from two weeks before {@link #START}. */
  static ReferenceProfile profile(int version) {
    Random random = new Random(version);
    int rows = 14 * 24 * 100;
    double[][] columns = new double[2][rows];
    double[] scores = new double[rows];
    double[] labels = new double[rows];
    long[] times = new long[rows];
    for (int i = 0; i < rows; i++) {
      times[i] = START - 14 * DAY + 14 * DAY / rows * i;
      double[] inputs = inputs(random, times[i]);
      columns[0][i] = inputs[0];
      columns[1][i] = inputs[1];
      scores[i] = score(version, inputs);
      labels[i] = random.nextDouble() < score(1, inputs) ? 1 : 0;
    }
    return ReferenceProfile.of(
        "fraud_risk",
        new ReferenceRows(
            List.of("count_1h", "amount"), columns, scores, labels, times, START - 14 * DAY, START),
        new Model.Monitoring(
            Duration.ofHours(1), Duration.ofDays(7), List.of(), 1, Duration.ofDays(30)),
        7);
  }

  /** The profiles of versions 1 and 2; 3 has none. */
  record Profiles(Map<Integer, byte[]> byVersion) implements References {
    private static final long serialVersionUID = 1L;

    static Profiles make() {
      Map<Integer, byte[]> profiles = new HashMap<>();
      for (int version : new int[] {1, 2}) {
        profiles.put(version, profile(version).json());
      }
      return new Profiles(profiles);
    }

    @Override
    public Optional<Reference> load(int version) throws java.io.IOException {
      byte[] json = byVersion.get(version);
      return json == null
          ? Optional.empty()
          : Optional.of(new Reference(ReferenceProfile.parse(json), ReferenceProfile.sha256(json)));
    }
  }

  static Scored served(String id, long timeMillis, int version, double score, int... shadows) {
    return new Scored(
        id,
        timeMillis,
        version,
        version == 0 ? Role.FALLBACK : Role.CHAMPION,
        score,
        new String[] {"web"},
        shadows,
        new double[] {1, 20},
        new byte[] {0, 0, 0},
        null);
  }

  static Scored shadow(String id, long timeMillis, int version, double score) {
    return new Scored(
        id,
        timeMillis,
        version,
        Role.SHADOW,
        score,
        Scored.NO_SEGMENTS,
        Scored.NO_VERSIONS,
        Scored.NO_INPUTS,
        Scored.NO_BINS,
        null);
  }

  static Event report(
      long offset, @Nullable String payment, long timeMillis, @Nullable Boolean fraud) {
    return new Event(
        0,
        offset,
        timeMillis + 5,
        timeMillis,
        "r" + offset,
        new Object[] {"r" + offset, timeMillis, payment, fraud},
        null,
        new byte[] {(byte) Arrays.hashCode(new long[] {offset})});
  }

  static Label label(long offset, String payment, long timeMillis, double value) {
    Event event = report(offset, payment, timeMillis, value == 1);
    return new Label(
        payment,
        value,
        new Event(
            event.partition(),
            event.offset(),
            event.recordTimeMillis(),
            event.eventTimeMillis(),
            event.id(),
            new Object[0],
            event.rawKey(),
            event.rawValue()));
  }

  private Payments() {}
}
