package dev.millrace.core.rollout;

import static dev.millrace.core.rollout.RolloutWorld.rollout;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.json.JsonMapper;
import dev.millrace.core.definition.Model.Hypothesis;
import dev.millrace.core.model.LifecycleEntry;
import dev.millrace.core.rollout.RolloutStep.Phase;
import dev.millrace.core.rollout.RolloutStep.Verdict;
import java.util.List;
import org.junit.jupiter.api.Test;

class RolloutControlTest {

  private static final double NOISE = 0.004;

  @Test
  void aBetterVersionGoesAllTheWay() {
    RolloutWorld world = new RolloutWorld(rollout(Hypothesis.NON_INFERIOR), 1).served();
    world.validated(2, "r1");
    world.hours(2, 1, 0.02, NOISE, 24 * 30);
    assertThat(world.told())
        .containsExactly(
            "SHADOW STARTED",
            "SHADOW EFFECTIVE",
            "SHADOW ADVANCED",
            "CANARY 20 STARTED",
            "CANARY 20 EFFECTIVE",
            "CANARY 20 ADVANCED",
            "CANARY 100 STARTED",
            "CANARY 100 EFFECTIVE",
            "CANARY 100 ADVANCED",
            "PROBATION STARTED",
            "PROBATION EFFECTIVE",
            "PROBATION PASSED");
    String id = JoinedId.brief(List.of(RolloutWorld.MODEL, "r1"));
    assertThat(world.commands)
        .extracting(LifecycleEntry::type, LifecycleEntry::idempotencyKey)
        .map(t -> t.toList().get(0) + " " + t.toList().get(1))
        .containsExactly(
            "STAGE " + id + "/SHADOW/0.0",
            "STAGE " + id + "/CANARY/0.2",
            "STAGE " + id + "/CANARY/1.0",
            "PROMOTE " + id + "/PROMOTE/1.0",
            "STAGE " + id + "/CLOSING/0.0");
    assertThat(world.commands.get(3).details())
        .contains("\"shadows\":[1]", "\"request_id\":\"r1\"");
    assertThat(world.alerts).isEmpty();
    assertThat(world.champion).isEqualTo(2);
    assertThat(world.state.busy()).isFalse();
    // 3 d shadow, two steps of 1 d and 3 d probation, each six hours ahead of mature time.
    assertThat(world.hours).isBetween(8L * 24, 10L * 24);
  }

  @Test
  void aWorseVersionIsWithdrawnOnceTenBlocksSayIt() {
    RolloutWorld world = new RolloutWorld(rollout(Hypothesis.NON_INFERIOR), 2).served();
    world.validated(2, "r1");
    world.hours(2, 1, -0.02, NOISE, 24 * 30);
    assertThat(world.told()).containsExactly("SHADOW STARTED", "SHADOW EFFECTIVE", "SHADOW FAILED");
    assertThat(world.alerts).extracting(Alert::rule).containsExactly("rollout_failed");
    assertThat(world.steps.get(2).evidence()).contains("\"blocks\":10");
    assertThat(world.commands.get(1).details()).contains("\"canary\":null", "\"shadows\":[]");
    assertThat(world.champion).isEqualTo(1);
  }

  @Test
  void whatIsOpenIsWithdrawnAndNeverPromoted() {
    RolloutWorld world = new RolloutWorld(rollout(Hypothesis.SUPERIOR), 3).served();
    world.validated(2, "r1");
    world.hours(2, 1, 0.0, 0, 24 * 30);
    assertThat(world.told())
        .containsExactly("SHADOW STARTED", "SHADOW EFFECTIVE", "SHADOW INCONCLUSIVE");
    assertThat(world.alerts).extracting(Alert::rule).containsExactly("rollout_inconclusive");
    assertThat(world.promoted()).isFalse();
    assertThat(world.state.busy()).isFalse();
  }

  @Test
  void noPairsNeverPromote() {
    RolloutWorld world = new RolloutWorld(rollout(Hypothesis.NON_INFERIOR), 3).served();
    world.validated(2, "r1");
    // Comparisons of other versions move time and nothing else.
    world.hours(7, 8, 1, NOISE, 24 * 30);
    assertThat(world.ended(Verdict.INCONCLUSIVE)).isTrue();
    assertThat(world.promoted()).isFalse();
  }

  @Test
  void aVersionThatTurnsBadInProbationIsRolledBackToBeforeItsRollout() {
    RolloutWorld world = new RolloutWorld(rollout(Hypothesis.NON_INFERIOR), 4).served();
    world.validated(2, "r1");
    while (!world.promoted()) {
      world.hour(2, 1, 0.02, NOISE);
    }
    world.hours(2, 1, -0.02, NOISE, 24 * 10);
    assertThat(world.told()).endsWith("PROBATION ROLLED_BACK");
    assertThat(world.alerts).extracting(Alert::rule).containsExactly("rolled_back");
    LifecycleEntry last = world.commands.get(world.commands.size() - 1);
    assertThat(world.commands.get(world.commands.size() - 2).type()).isEqualTo("ROLLBACK");
    assertThat(last.type()).isEqualTo("STAGE");
    assertThat(last.details()).contains("\"canary\":null", "\"shadows\":[]");
    assertThat(world.state.current()).matches(s -> s != null && !s.has(2));
    assertThat(world.champion).isEqualTo(1);
    assertThat(world.state.busy()).isFalse();
  }

  @Test
  void aBadVersionThatWasPromotedByHandIsRolledBack() {
    for (int bad : new int[] {2, 5}) {
      int former = 3;
      RolloutWorld world = new RolloutWorld(rollout(Hypothesis.NON_INFERIOR), 5);
      world.effective("d0", "boot", former, null, 0, List.of());
      world.effective("d1", "hand", bad, null, 0, List.of(former));
      world.hours(bad, former, -0.05, NOISE, 24 * 3);
      assertThat(world.told())
          .as("version %s after %s", bad, former)
          .containsExactly("PROBATION STARTED", "PROBATION EFFECTIVE", "PROBATION ROLLED_BACK");
      assertThat(world.commands).extracting(LifecycleEntry::type).containsExactly("ROLLBACK");
      assertThat(world.hours).as("ten blocks of two hours").isLessThan(40);
    }
  }

  @Test
  void aGoodVersionThatWasPromotedByHandStays() {
    RolloutWorld world = new RolloutWorld(rollout(Hypothesis.NON_INFERIOR), 6).served();
    world.effective("d1", "hand", 2, null, 0, List.of(1));
    world.hours(2, 1, 0.01, NOISE, 24 * 10);
    assertThat(world.told())
        .containsExactly("PROBATION STARTED", "PROBATION EFFECTIVE", "PROBATION PASSED");
    assertThat(world.champion).isEqualTo(2);
  }

  @Test
  void aPromotionByHandWithoutTheFormerBesideItIsNotWatched() {
    RolloutWorld world = new RolloutWorld(rollout(Hypothesis.NON_INFERIOR), 6).served();
    world.effective("d1", "hand", 2, null, 0, List.of());
    assertThat(world.steps).isEmpty();
  }

  @Test
  void aRefusedCommandIsGivenAgainUnderAnotherKey() {
    RolloutWorld world = new RolloutWorld(rollout(Hypothesis.NON_INFERIOR), 7).served();
    world.refusal = "deployment d9 is being prepared";
    world.validated(2, "r1");
    world.hour(2, 1, 0.02, NOISE);
    world.hour(2, 1, 0.02, NOISE);
    world.refusal = null;
    world.hour(2, 1, 0.02, NOISE);
    String key = JoinedId.brief(List.of(RolloutWorld.MODEL, "r1")) + "/SHADOW/0.0";
    assertThat(world.commands)
        .extracting(LifecycleEntry::idempotencyKey)
        .containsExactly(key, key + "/2", key + "/3");
    assertThat(world.told()).containsExactly("SHADOW STARTED", "SHADOW EFFECTIVE");
  }

  @Test
  void aCommandThatIsNotAllowedEndsTheRollout() {
    RolloutWorld world = new RolloutWorld(rollout(Hypothesis.NON_INFERIOR), 7).served();
    world.refusal = "version 2 is archived";
    world.validated(2, "r1");
    assertThat(world.told()).containsExactly("SHADOW STARTED", "SHADOW FAILED");
    assertThat(world.alerts).extracting(Alert::rule).containsExactly("rollout_refused");
    assertThat(world.state.busy()).isFalse();
  }

  @Test
  void anArtifactThatCannotBeLoadedEndsTheRollout() {
    RolloutControl control =
        new RolloutControl(RolloutWorld.MODEL, rollout(Hypothesis.NON_INFERIOR), RolloutWorld.HOUR);
    RolloutWorld world = new RolloutWorld(rollout(Hypothesis.NON_INFERIOR), 8).served();
    LifecycleEntry validated =
        world.event(LifecycleEntry.Event.VERSION_VALIDATED, 2, "k", "", "{\"request_id\": \"r1\"}");
    RolloutControl.Outcome started = control.on(world.state, validated);
    String key = started.commands().get(0).idempotencyKey();
    RolloutControl.Outcome preparing =
        control.on(
            started.state(),
            world.event(
                LifecycleEntry.Event.DEPLOYMENT_PREPARING,
                null,
                key,
                "",
                "{\"deployment_id\": \"d1\"}"));
    RolloutControl.Outcome revoked =
        control.on(
            preparing.state(),
            world.event(
                LifecycleEntry.Event.DEPLOYMENT_REVOKED,
                null,
                "unloadable-key",
                "another sha256",
                "{\"deployment_id\": \"d1\"}"));
    assertThat(revoked.steps()).extracting(RolloutStep::decision).containsExactly(Verdict.FAILED);
    assertThat(revoked.alerts()).extracting(Alert::rule).containsExactly("challenger_unloadable");
    assertThat(revoked.commands()).isEmpty();
    assertThat(revoked.state().busy()).isFalse();
  }

  @Test
  void aPersonsDeploymentTakesTheRolloutsPlace() {
    RolloutWorld world = new RolloutWorld(rollout(Hypothesis.NON_INFERIOR), 9).served();
    world.validated(2, "r1");
    world.hour(2, 1, 0.02, NOISE);
    world.effective("hand", "hand", 3, null, 0, List.of());
    assertThat(world.told()).endsWith("SHADOW INCONCLUSIVE");
    assertThat(world.steps.get(2).why()).contains("hand");
    assertThat(world.state.busy()).isFalse();
  }

  @Test
  void anOlderVersionIsNoCandidateAndOneWithoutARequestNeither() {
    RolloutWorld world = new RolloutWorld(rollout(Hypothesis.NON_INFERIOR), 9);
    world.effective("d0", "boot", 5, null, 0, List.of());
    world.validated(4, "r1");
    world.take(world.event(LifecycleEntry.Event.VERSION_VALIDATED, 6, "k", "", "{}"));
    assertThat(world.steps).isEmpty();
    assertThat(world.commands).isEmpty();
  }

  @Test
  void comparisonsThatComeBeforeTheirDeploymentCountAndRepeatsOnce() {
    RolloutWorld once = new RolloutWorld(rollout(Hypothesis.NON_INFERIOR), 10).served();
    RolloutWorld twice = new RolloutWorld(rollout(Hypothesis.NON_INFERIOR), 10).served();
    once.validated(2, "r1");
    twice.validated(2, "r1");
    for (int i = 0; i < 24 * 12; i++) {
      once.hour(2, 1, 0.02, NOISE);
      twice.hour(2, 1, 0.02, NOISE);
      RolloutState.Comparison last =
          twice.state.comparisons().get(twice.state.comparisons().size() - 1);
      twice.take(
          new Measured(
              RolloutWorld.MODEL,
              last.version(),
              last.baseline(),
              "ANY",
              null,
              last.windowStartMillis(),
              last.windowEndMillis(),
              Measured.LOG_LOSS_DELTA,
              "delta/v1",
              last.gain(),
              null,
              false,
              null,
              last.pairs()));
    }
    assertThat(twice.steps).isEqualTo(once.steps);
    assertThat(twice.state).isEqualTo(once.state);
  }

  @Test
  void withoutARolloutNothingHappens() {
    RolloutControl control = new RolloutControl(RolloutWorld.MODEL, null, RolloutWorld.HOUR);
    RolloutWorld world = new RolloutWorld(rollout(Hypothesis.SUPERIOR), 1);
    RolloutControl.Outcome outcome =
        control.on(
            RolloutState.EMPTY,
            world.event(
                LifecycleEntry.Event.VERSION_VALIDATED, 2, "k", "", "{\"request_id\": \"r\"}"));
    assertThat(outcome.state()).isEqualTo(RolloutState.EMPTY);
    assertThat(outcome.commands()).isEmpty();
  }

  @Test
  void theStateIsTheSameAfterJson() throws Exception {
    RolloutWorld world = new RolloutWorld(rollout(Hypothesis.NON_INFERIOR), 12).served();
    world.validated(2, "r1");
    world.validated(3, "r2");
    world.hours(2, 1, 0.02, NOISE, 24 * 4);
    JsonMapper json = new JsonMapper();
    assertThat(json.readValue(json.writeValueAsString(world.state), RolloutState.class))
        .isEqualTo(world.state);
    assertThat(world.steps).extracting(RolloutStep::phase).contains(Phase.CANARY);
  }

  @Test
  void simulatedRolloutsSeldomPromoteAWorseVersionAndMostlyAGoodOne() {
    int runs = 500;
    int worse = 0;
    int justWorse = 0;
    int good = 0;
    int rolledBackThoughGood = 0;
    for (int seed = 0; seed < runs; seed++) {
      worse += simulated(-0.004, seed).promoted() ? 1 : 0;
      justWorse += simulated(-0.002, seed).promoted() ? 1 : 0;
      RolloutWorld fine = simulated(0.004, seed);
      good += fine.ended(Verdict.PASSED) ? 1 : 0;
      rolledBackThoughGood += fine.ended(Verdict.ROLLED_BACK) ? 1 : 0;
    }
    assertThat(worse / (double) runs).as("two margins worse").isLessThanOrEqualTo(0.05);
    assertThat(justWorse / (double) runs).as("a margin worse").isLessThanOrEqualTo(0.05);
    assertThat(good / (double) runs).as("better").isGreaterThan(0.9);
    assertThat(rolledBackThoughGood / (double) runs).isLessThanOrEqualTo(0.05);
  }

  private static RolloutWorld simulated(double gain, int seed) {
    RolloutWorld world = new RolloutWorld(rollout(Hypothesis.NON_INFERIOR), seed).served();
    world.validated(2, "r1");
    world.hours(2, 1, gain, 0.012, 24 * 30);
    return world;
  }

  private static void happens(RolloutWorld world, LifecycleEntry.Event event) {
    world.take(world.event(event, null, "by hand", "", "{}"));
  }

  @Test
  void nothingIsStagedWhileTheModelIsPaused() {
    RolloutWorld world = new RolloutWorld(rollout(Hypothesis.NON_INFERIOR), 1).served();
    happens(world, LifecycleEntry.Event.MODEL_PAUSED);
    world.validated(2, "r1");
    for (int hour = 0; hour < 24; hour++) {
      world.hour(2, 1, 0.02, NOISE);
    }
    assertThat(world.commands).isEmpty();
    assertThat(world.state.busy()).isTrue();
    happens(world, LifecycleEntry.Event.MODEL_RESUMED);
    assertThat(world.commands).extracting(LifecycleEntry::type).containsExactly("STAGE");
    world.hours(2, 1, 0.02, NOISE, 24 * 30);
    assertThat(world.champion).isEqualTo(2);
    assertThat(world.told()).endsWith("PROBATION PASSED");
  }

  @Test
  void aProbationIsNotEndedWhileTheModelIsPaused() {
    RolloutWorld world = new RolloutWorld(rollout(Hypothesis.NON_INFERIOR), 4).served();
    world.validated(2, "r1");
    while (!world.promoted()) {
      world.hour(2, 1, 0.02, NOISE);
    }
    happens(world, LifecycleEntry.Event.MODEL_PAUSED);
    int commands = world.commands.size();
    for (int hour = 0; hour < 24 * 10; hour++) {
      world.hour(2, 1, -0.02, NOISE);
    }
    assertThat(world.commands).hasSize(commands);
    assertThat(world.champion).isEqualTo(2);
    happens(world, LifecycleEntry.Event.MODEL_RESUMED);
    assertThat(world.told()).endsWith("PROBATION ROLLED_BACK");
    assertThat(world.commands.get(commands).type()).isEqualTo("ROLLBACK");
  }

  /** The registry knew of the pause before this job did. */
  @Test
  void whatWasRefusedForThePauseIsGivenAgainAfterIt() {
    RolloutWorld world = new RolloutWorld(rollout(Hypothesis.NON_INFERIOR), 1).served();
    LifecycleEntry validated =
        world.event(
            LifecycleEntry.Event.VERSION_VALIDATED, 2, "k-2", "", "{\"request_id\": \"r1\"}");
    world.take(validated);
    LifecycleEntry stage = world.commands.get(0);
    happens(world, LifecycleEntry.Event.MODEL_PAUSED);
    world.take(
        world.event(
            LifecycleEntry.Event.REFUSED, 2, stage.idempotencyKey(), "the model is paused", "{}"));
    assertThat(world.alerts).isEmpty();
    assertThat(world.commands).hasSize(1);
    happens(world, LifecycleEntry.Event.MODEL_RESUMED);
    assertThat(world.commands).hasSize(2);
    assertThat(world.commands.get(1).idempotencyKey()).isEqualTo(stage.idempotencyKey() + "/2");
    assertThat(world.commands.get(1).details()).isEqualTo(stage.details());
  }
}
