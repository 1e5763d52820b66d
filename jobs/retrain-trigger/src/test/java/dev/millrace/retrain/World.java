package dev.millrace.retrain;

import dev.millrace.core.definition.Model;
import dev.millrace.core.model.LifecycleEntry;
import dev.millrace.core.retrain.ModelWatch;
import dev.millrace.core.retrain.RetrainPolicy;
import dev.millrace.core.rollout.Measured;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** A model whose concept changes, and what is seen of it until it is to be trained again. */
final class World {

  static final String MODEL = "fraud_risk";
  static final long START = Instant.parse("2026-01-01T00:00:00Z").toEpochMilli();
  static final long HOUR = Duration.ofHours(1).toMillis();

  static final Model.Retraining RETRAINING =
      new Model.Retraining(
          Set.of(Model.Cause.PERFORMANCE, Model.Cause.CONCEPT),
          null,
          Duration.ofHours(24),
          3,
          1_000,
          null);

  static final Model.Rollout ROLLOUT =
      new Model.Rollout(
          "card",
          List.of("card"),
          Model.Hypothesis.NON_INFERIOR,
          0.002,
          Duration.ofHours(6),
          Duration.ofDays(3),
          List.of(20, 100),
          Duration.ofDays(1),
          Duration.ofDays(3),
          null);

  static ModelWatch.Plan plan() {
    return new ModelWatch.Plan(
        MODEL,
        RETRAINING,
        new RetrainPolicy.Spans(Duration.ofDays(28), Duration.ofHours(12), Duration.ofDays(1)),
        ROLLOUT,
        Duration.ofHours(1));
  }

  /** The change is seen in hour 48, the request is due in hour 109. */
  static List<Seen> untilTheRequest() {
    List<Seen> seen = new ArrayList<>();
    seen.add(deployed("d0", "boot", 1, null));
    for (int hour = 0; hour < 111; hour++) {
      seen.add(measured(hour, "log_loss", false, null));
      boolean rise = hour == 48;
      seen.add(measured(hour, "page_hinkley", rise, rise ? Long.valueOf(43) : null));
    }
    return seen;
  }

  /** A successor is validated, staged as a shadow, and better for three days and some hours. */
  static List<Seen> untilTheCanary(String requestId) {
    List<Seen> seen = new ArrayList<>();
    seen.add(
        event(
            LifecycleEntry.Event.VERSION_VALIDATED,
            2,
            "v",
            "{\"request_id\": \"" + requestId + "\"}"));
    seen.add(deployed("d1", "the stage's", 1, 2));
    for (int hour = 111; hour < 111 + 24 * 3 + 9; hour++) {
      seen.add(measured(hour, "log_loss", false, null));
      seen.add(delta(hour));
    }
    return seen;
  }

  static Seen deployed(String id, String key, int champion, @Nullable Integer shadow) {
    return event(
        LifecycleEntry.Event.DEPLOYMENT_EFFECTIVE,
        champion,
        key,
        "{\"deployment_id\": \""
            + id
            + "\", \"champion\": {\"version\": "
            + champion
            + "}, \"canary\": null, \"share\": 0.0, \"shadows\": ["
            + (shadow == null ? "" : "{\"version\": " + shadow + "}")
            + "], \"effective_time\": "
            + (shadow == null ? START : START + 111 * HOUR)
            + "}");
  }

  static Seen event(LifecycleEntry.Event type, int version, String key, String details) {
    return new Seen.OfLifecycle(
        new LifecycleEntry(
            MODEL,
            LifecycleEntry.Kind.EVENT,
            type.name(),
            version,
            "registry",
            "",
            0,
            key,
            null,
            null,
            details));
  }

  private static Seen measured(int hour, String metric, boolean alarm, @Nullable Long sinceHour) {
    return new Seen.OfPerformance(
        new Measured(
            MODEL,
            1,
            null,
            metric.equals("page_hinkley") ? "ANY" : "CHAMPION",
            null,
            START + hour * HOUR,
            START + (hour + 1) * HOUR,
            metric,
            metric + "/v1",
            0.3,
            0.25,
            alarm,
            sinceHour == null ? null : Long.valueOf(START + sinceHour * HOUR),
            400));
  }

  private static Seen delta(int hour) {
    return new Seen.OfPerformance(
        new Measured(
            MODEL,
            2,
            1,
            "ANY",
            null,
            START + hour * HOUR,
            START + (hour + 1) * HOUR,
            Measured.LOG_LOSS_DELTA,
            "log_loss_delta/v1",
            hour % 2 == 0 ? 0.02 : 0.03,
            null,
            false,
            null,
            400));
  }

  private World() {}
}
