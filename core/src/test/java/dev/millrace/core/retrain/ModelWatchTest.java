package dev.millrace.core.retrain;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.millrace.core.definition.Model;
import dev.millrace.core.lifecycle.LifecycleRules;
import dev.millrace.core.lifecycle.ModelState;
import dev.millrace.core.lifecycle.Preparation;
import dev.millrace.core.model.LifecycleEntry;
import dev.millrace.core.model.LifecycleEntry.Command;
import dev.millrace.core.rollout.Alert;
import dev.millrace.core.rollout.Measured;
import dev.millrace.core.rollout.RolloutStep;
import dev.millrace.core.rollout.RolloutStep.Verdict;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.TreeMap;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/**
 * The loop closed with the registry's own rules, a trainer and an inference of a few lines each.
 */
class ModelWatchTest {

  private static final String MODEL = "fraud_risk";
  private static final long START = Instant.parse("2026-01-01T00:00:00Z").toEpochMilli();
  private static final long HOUR = Duration.ofHours(1).toMillis();
  private static final long PATIENCE_MILLIS = LifecycleRules.PATIENCE_MILLIS;

  private final ModelWatch watch =
      new ModelWatch(
          new ModelWatch.Plan(
              MODEL,
              new Model.Retraining(
                  Set.of(Model.Cause.PERFORMANCE, Model.Cause.CONCEPT),
                  null,
                  Duration.ofHours(24),
                  3,
                  1_000,
                  null),
              new RetrainPolicy.Spans(
                  Duration.ofDays(28), Duration.ofHours(12), Duration.ofDays(1)),
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
                  null),
              Duration.ofHours(1)));
  private final SplittableRandom random = new SplittableRandom(5);
  private ModelWatch.State state = ModelWatch.State.EMPTY;
  private ModelState registry = ModelState.empty(MODEL);
  private @Nullable Preparation preparation;
  private final List<LifecycleEntry> journal = new ArrayList<>();
  private final List<Measured> log = new ArrayList<>();
  private final Set<String> given = new TreeSet<>();
  private final Deque<LifecycleEntry> commands = new ArrayDeque<>();
  private final List<RetrainDecision> decisions = new ArrayList<>();
  private final List<RolloutStep> steps = new ArrayList<>();
  private final List<Alert> alerts = new ArrayList<>();
  private long hour;
  private long clockMillis = START;

  /** How many deployments inference is too late for. */
  private int late;

  private boolean accepted = true;

  private void tell(Command command, @Nullable Integer version, String key, String details) {
    LifecycleEntry entry =
        LifecycleEntry.command(MODEL, command, version, "test", "because", 0, key, details);
    commands.add(
        command != Command.REGISTER
            ? entry
            : new LifecycleEntry(
                MODEL,
                LifecycleEntry.Kind.COMMAND,
                entry.type(),
                null,
                "test",
                "because",
                0,
                key,
                "file:/m.onnx",
                "0".repeat(64),
                details));
    settle();
  }

  /** The registry takes what it was told, until nothing is left to say. */
  private void settle() {
    while (!commands.isEmpty()) {
      apply(LifecycleRules.decide(registry, preparation, commands.remove(), ++clockMillis));
      registry
          .preparing()
          .ifPresent(
              d -> {
                if (late > 0) {
                  late--;
                  Preparation half =
                      new Preparation(d.deploymentId(), clockMillis, new TreeMap<>(), null);
                  clockMillis += PATIENCE_MILLIS;
                  apply(LifecycleRules.expire(registry, half, START, clockMillis));
                } else {
                  commands.add(
                      LifecycleEntry.command(
                          MODEL,
                          Command.READY,
                          null,
                          "inference",
                          "",
                          0,
                          d.deploymentId() + "/0/" + clockMillis,
                          String.format(
                              Locale.ROOT,
                              "{\"deployment_id\": \"%s\", \"subtask\": 0, \"parallelism\": 1,"
                                  + " \"largest_event_time\": %d}",
                              d.deploymentId(),
                              now() + 7 * HOUR)));
                }
              });
    }
  }

  private void apply(LifecycleRules.Decision decision) {
    registry = decision.state();
    preparation = decision.preparation();
    for (LifecycleEntry event : decision.events()) {
      journal.add(event);
      keep(watch.on(state, event));
    }
  }

  private void keep(ModelWatch.Outcome outcome) {
    state = outcome.state();
    decisions.addAll(outcome.decisions());
    steps.addAll(outcome.steps());
    alerts.addAll(outcome.alerts());
    commands.addAll(outcome.commands());
    outcome.commands().forEach(c -> given.add(c.idempotencyKey()));
    for (RetrainDecision decision : outcome.decisions()) {
      if (decision.requested()) {
        train(decision);
      }
    }
  }

  private void train(RetrainDecision request) {
    int next = registry.versions().size() + 1;
    commands.add(
        new LifecycleEntry(
            MODEL,
            LifecycleEntry.Kind.COMMAND,
            Command.REGISTER.name(),
            null,
            "trainer",
            "",
            0,
            request.requestId(),
            "file:/m.onnx",
            "1".repeat(64),
            "{\"request_id\": \""
                + request.requestId()
                + "\", \"window_until\": \""
                + Instant.ofEpochMilli(Objects.requireNonNull(request.windowEndMillis()))
                + "\"}"));
    commands.add(
        LifecycleEntry.command(
            MODEL,
            Command.VALIDATE,
            next,
            "trainer",
            "",
            0,
            request.requestId() + "/validate",
            "{\"passed\": " + accepted + "}"));
  }

  private long now() {
    return START + hour * HOUR;
  }

  /** An hour; the newest version gains so much over the one before it. */
  private void hour(boolean rise, int newer, int older, double gain) {
    int champion = registry.champion().orElseThrow();
    measured(champion, null, "log_loss", 0.2, false, null);
    measured(
        champion, null, "page_hinkley", 60, rise, rise ? Long.valueOf(now() - 3 * HOUR) : null);
    measured(
        newer, older, Measured.LOG_LOSS_DELTA, gain + 0.004 * random.nextGaussian(), false, null);
    hour++;
  }

  private void measured(
      int version,
      @Nullable Integer baseline,
      String metric,
      double value,
      boolean alarm,
      @Nullable Long since) {
    Measured measured =
        new Measured(
            MODEL,
            version,
            baseline,
            metric.equals("log_loss") ? "CHAMPION" : "ANY",
            null,
            now(),
            now() + HOUR,
            metric,
            metric + "/v1",
            value,
            50.0,
            alarm,
            since,
            400);
    log.add(measured);
    keep(watch.on(state, measured));
    settle();
  }

  private void begin() {
    tell(Command.REGISTER, null, "first", "{}");
    tell(Command.PROMOTE, 1, "first champion", "{}");
    for (int i = 0; i < 48; i++) {
      hour(false, 2, 1, 0);
    }
    hour(true, 2, 1, 0);
  }

  private List<String> told() {
    return steps.stream().map(s -> s.version() + " " + s.phase() + " " + s.decision()).toList();
  }

  private long requests() {
    return decisions.stream().filter(RetrainDecision::requested).count();
  }

  @Test
  void aChangeEndsWithANewChampion() {
    begin();
    for (int i = 0; i < 24 * 14; i++) {
      hour(false, 2, 1, 0.02);
    }
    assertThat(requests()).isEqualTo(1);
    assertThat(registry.champion()).contains(2);
    assertThat(told()).endsWith("2 PROBATION PASSED");
    assertThat(registry.current().orElseThrow().versions()).containsExactly(2);
    assertThat(registry.preparing()).isEmpty();
    assertThat(alerts).isEmpty();
    assertThat(state.retrain().episode()).isNull();
  }

  @Test
  void aBadVersionThatIsForcedInIsRolledBack() {
    begin();
    for (int i = 0; i < 24 * 14; i++) {
      hour(false, 2, 1, 0.02);
    }
    tell(Command.REGISTER, null, "bad", "{}");
    tell(Command.PROMOTE, 3, "forced", "{\"force\": true, \"shadows\": [2]}");
    assertThat(registry.champion()).contains(3);
    for (int i = 0; i < 48; i++) {
      hour(false, 3, 2, -0.05);
    }
    assertThat(told())
        .endsWith("3 PROBATION STARTED", "3 PROBATION EFFECTIVE", "3 PROBATION ROLLED_BACK");
    assertThat(registry.champion()).contains(2);
    assertThat(alerts).extracting(Alert::rule).containsExactly("rolled_back");
    assertThat(state.rollout().busy()).isFalse();
  }

  @Test
  void aSuccessorThatTurnsBadLeavesNothingBehind() {
    begin();
    boolean promoted = false;
    for (int i = 0; i < 24 * 14; i++) {
      promoted |= registry.champion().orElseThrow() == 2;
      hour(false, 2, 1, promoted ? -0.02 : 0.02);
    }
    assertThat(told()).contains("2 PROBATION ROLLED_BACK");
    assertThat(registry.champion()).contains(1);
    assertThat(registry.current().orElseThrow().versions()).containsExactly(1);
    assertThat(state.rollout().busy()).isFalse();
  }

  @Test
  void aWorseSuccessorIsWithdrawnAndAnotherIsAskedFor() {
    begin();
    for (int i = 0; i < 24 * 8; i++) {
      hour(i == 24 * 7, 2, 1, -0.02);
    }
    assertThat(told()).startsWith("2 SHADOW STARTED", "2 SHADOW EFFECTIVE", "2 SHADOW FAILED");
    assertThat(registry.champion()).contains(1);
    assertThat(requests()).isEqualTo(2);
  }

  @Test
  void aRejectedVersionIsNoChallenger() {
    accepted = false;
    begin();
    for (int i = 0; i < 66; i++) {
      hour(false, 2, 1, 0);
    }
    assertThat(requests()).isEqualTo(1);
    assertThat(steps).isEmpty();
    assertThat(decisions).last().matches(d -> d.why().equals("COOLDOWN"));
  }

  @Test
  void subtasksThatAreAwayForAWhileDoNotEndARollout() {
    begin();
    late = 2;
    for (int i = 0; i < 24 * 14; i++) {
      hour(false, 2, 1, 0.02);
    }
    assertThat(registry.champion()).contains(2);
    assertThat(steps).noneMatch(s -> s.decision() == Verdict.FAILED);
    assertThat(told()).endsWith("2 PROBATION PASSED");
  }

  @Test
  void aJobWithoutItsStateGivesNoCommandThatWasNotGiven() {
    begin();
    for (int i = 0; i < 24 * 14; i++) {
      hour(false, 2, 1, 0.02);
    }
    List<String> requests =
        decisions.stream()
            .filter(RetrainDecision::requested)
            .map(RetrainDecision::requestId)
            .toList();
    for (boolean journalFirst : new boolean[] {true, false}) {
      ModelWatch.State again = ModelWatch.State.EMPTY;
      List<ModelWatch.Outcome> outcomes = new ArrayList<>();
      for (int part = 0; part < 2; part++) {
        if (journalFirst == (part == 0)) {
          for (LifecycleEntry event : journal) {
            outcomes.add(watch.on(again, event));
            again = outcomes.get(outcomes.size() - 1).state();
          }
        } else {
          for (Measured measured : log) {
            outcomes.add(watch.on(again, measured));
            again = outcomes.get(outcomes.size() - 1).state();
          }
        }
      }
      assertThat(again.rollout().busy()).isFalse();
      assertThat(outcomes)
          .flatExtracting(ModelWatch.Outcome::commands)
          .extracting(LifecycleEntry::idempotencyKey)
          .isSubsetOf(given);
      assertThat(outcomes)
          .flatExtracting(ModelWatch.Outcome::decisions)
          .filteredOn(RetrainDecision::requested)
          .extracting(RetrainDecision::requestId)
          .isSubsetOf(requests);
      assertThat(outcomes).flatExtracting(ModelWatch.Outcome::alerts).isEmpty();
      assertThat(outcomes)
          .flatExtracting(ModelWatch.Outcome::steps)
          .noneMatch(s -> s.decision().endsBadly());
    }
  }

  @Test
  void aJobWithoutItsStateGoesOnWhereTheJournalIs() {
    begin();
    while (steps.stream().noneMatch(s -> s.phase() == RolloutStep.Phase.CANARY)) {
      hour(false, 2, 1, 0.02);
    }
    ModelWatch.State again = ModelWatch.State.EMPTY;
    for (LifecycleEntry event : journal) {
      again = watch.on(again, event).state();
    }
    for (Measured measured : log) {
      again = watch.on(again, measured).state();
    }
    assertThat(again.rollout().progress()).isEqualTo(state.rollout().progress());
    state = again;
    for (int i = 0; i < 24 * 10; i++) {
      hour(false, 2, 1, 0.02);
    }
    assertThat(told()).endsWith("2 PROBATION PASSED");
    assertThat(registry.champion()).contains(2);
    assertThat(requests()).isEqualTo(1);
  }

  @Test
  void aStateOfAnEarlierBuildIsNotPaused() throws Exception {
    JsonMapper json = new JsonMapper();
    ObjectNode written = json.valueToTree(ModelWatch.State.EMPTY);
    for (String part : List.of("retrain", "rollout")) {
      assertThat(((ObjectNode) written.get(part)).remove("paused")).isNotNull();
    }
    assertThat(json.treeToValue(written, ModelWatch.State.class)).isEqualTo(ModelWatch.State.EMPTY);
  }
}
