package dev.millrace.core.rollout;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import dev.millrace.core.definition.Model.Hypothesis;
import dev.millrace.core.definition.Model.Rollout;
import dev.millrace.core.model.LifecycleEntry;
import dev.millrace.core.rollout.RolloutStep.Verdict;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.SplittableRandom;
import org.jspecify.annotations.Nullable;

/**
 * A model with a registry that does at once what it is told, and hours of events on which two
 * versions are compared.
 */
final class RolloutWorld {

  static final String MODEL = "fraud_risk";
  static final Duration HOUR = Duration.ofHours(1);
  static final long START = 1_767_225_600_000L;
  private static final JsonMapper JSON = new JsonMapper();

  final List<RolloutStep> steps = new ArrayList<>();
  final List<LifecycleEntry> commands = new ArrayList<>();
  final List<Alert> alerts = new ArrayList<>();
  private final RolloutControl control;
  private final SplittableRandom random;
  private final Deque<LifecycleEntry> due = new ArrayDeque<>();
  private int made;
  private final List<String> deployments = new ArrayList<>();
  RolloutState state = RolloutState.EMPTY;
  int champion = 1;
  long hours;

  /** What the registry answers instead of doing it; null: it does it. */
  @Nullable String refusal;

  RolloutWorld(Rollout rollout, long seed) {
    this.control = new RolloutControl(MODEL, rollout, HOUR);
    this.random = new SplittableRandom(seed);
  }

  static Rollout rollout(Hypothesis hypothesis) {
    return new Rollout(
        "card",
        List.of("card"),
        hypothesis,
        0.002,
        Duration.ofHours(6),
        Duration.ofDays(3),
        List.of(20, 100),
        Duration.ofDays(1),
        Duration.ofDays(3),
        null);
  }

  long now() {
    return START + hours * HOUR.toMillis();
  }

  /** The deployment of the first champion. */
  RolloutWorld served() {
    effective("d0", "boot", 1, null, 0, List.of());
    return this;
  }

  void validated(int version, String requestId) {
    take(
        event(
            LifecycleEntry.Event.VERSION_VALIDATED,
            version,
            "k-" + version,
            "",
            "{\"request_id\": \"" + requestId + "\"}"));
    settle();
  }

  void effective(
      String id,
      String key,
      int next,
      @Nullable Integer canary,
      double share,
      List<Integer> shadows) {
    take(
        event(
            LifecycleEntry.Event.DEPLOYMENT_EFFECTIVE,
            null,
            key,
            "",
            details(id, next, canary, share, shadows)));
    champion = next;
    deployments.add(id);
    settle();
  }

  private String details(
      String id, int next, @Nullable Integer canary, double share, List<Integer> shadows) {
    String canaryJson = canary == null ? "null" : "{\"version\": " + canary + "}";
    String shadowJson =
        String.join(", ", shadows.stream().map(s -> "{\"version\": " + s + "}").toList());
    // Events ahead of mature time have been seen already.
    return String.format(
        Locale.ROOT,
        "{\"deployment_id\": \"%s\", \"champion\": {\"version\": %d}, \"canary\": %s, "
            + "\"share\": %s, \"shadows\": [%s], \"effective_time\": %d, \"state\": \"x\"}",
        id,
        next,
        canaryJson,
        share,
        shadowJson,
        now() + Duration.ofHours(6).toMillis() + 1);
  }

  LifecycleEntry event(
      LifecycleEntry.Event type,
      @Nullable Integer version,
      String key,
      String reason,
      String details) {
    return new LifecycleEntry(
        MODEL,
        LifecycleEntry.Kind.EVENT,
        type.name(),
        version,
        "registry",
        reason,
        0,
        key,
        null,
        null,
        details);
  }

  void take(LifecycleEntry entry) {
    keep(control.on(state, entry));
  }

  void take(Measured measured) {
    keep(control.on(state, measured));
  }

  private void keep(RolloutControl.Outcome outcome) {
    state = outcome.state();
    steps.addAll(outcome.steps());
    alerts.addAll(outcome.alerts());
    commands.addAll(outcome.commands());
    due.addAll(outcome.commands());
  }

  /** The registry does what it was told. */
  private void settle() {
    while (!due.isEmpty()) {
      LifecycleEntry command = due.remove();
      JsonNode details = details(command);
      String refused = refusal;
      if (refused != null) {
        take(
            event(
                LifecycleEntry.Event.REFUSED,
                command.version(),
                command.idempotencyKey(),
                refused,
                "{}"));
        return;
      }
      String id = "d" + ++made;
      if (command.is(LifecycleEntry.Command.ROLLBACK)) {
        assertThat(details.path("deployment_id").asText())
            .isEqualTo(deployments.get(deployments.size() - 1));
        int bad = champion;
        while (current().serves(bad)) {
          String gone = deployments.remove(deployments.size() - 1);
          take(
              event(
                  LifecycleEntry.Event.DEPLOYMENT_REVOKED,
                  null,
                  command.idempotencyKey(),
                  "rolled back",
                  "{\"deployment_id\": \"" + gone + "\"}"));
        }
        champion = Objects.requireNonNull(current().champion());
        continue;
      }
      List<Integer> shadows = new ArrayList<>();
      details.path("shadows").forEach(s -> shadows.add(s.asInt()));
      boolean promotes = command.is(LifecycleEntry.Command.PROMOTE);
      Integer canary =
          promotes || details.path("canary").isNull()
              ? null
              : Integer.valueOf(details.path("canary").asInt());
      int next = promotes ? Integer.parseInt(String.valueOf(command.version())) : champion;
      double share = details.path("share").asDouble();
      take(
          event(
              LifecycleEntry.Event.DEPLOYMENT_PREPARING,
              null,
              command.idempotencyKey(),
              "",
              details(id, next, canary, share, shadows)));
      effective(id, "ready", next, canary, share, shadows);
    }
  }

  private Standing current() {
    return Objects.requireNonNull(state.current());
  }

  private static JsonNode details(LifecycleEntry command) {
    try {
      return JSON.readTree(command.details());
    } catch (JsonProcessingException e) {
      throw new IllegalStateException(e);
    }
  }

  /** An hour in which {@code version} is better than {@code baseline} by so much on average. */
  void hour(int version, int baseline, double gain, double deviation) {
    long start = now();
    hours++;
    boolean inOrder = version > baseline;
    double value = gain + deviation * random.nextGaussian();
    take(
        new Measured(
            MODEL,
            inOrder ? version : baseline,
            inOrder ? baseline : version,
            "ANY",
            null,
            start,
            now(),
            Measured.LOG_LOSS_DELTA,
            "delta/v1",
            inOrder ? value : -value,
            null,
            false,
            null,
            400));
    settle();
  }

  /** Hours until the rollout is over, or so many. */
  void hours(int version, int baseline, double gain, double deviation, int most) {
    for (int i = 0; i < most && state.progress() != null; i++) {
      hour(version, baseline, gain, deviation);
    }
  }

  List<String> told() {
    return steps.stream()
        .map(
            s ->
                s.phase()
                    + (s.share() > 0 ? " " + Math.round(s.share() * 100) : "")
                    + " "
                    + s.decision())
        .toList();
  }

  boolean promoted() {
    return commands.stream().anyMatch(c -> c.is(LifecycleEntry.Command.PROMOTE));
  }

  boolean ended(Verdict verdict) {
    return steps.stream().anyMatch(s -> s.decision() == verdict);
  }
}
