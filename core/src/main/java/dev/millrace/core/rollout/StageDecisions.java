package dev.millrace.core.rollout;

import dev.millrace.core.definition.Model.Rollout;
import dev.millrace.core.rollout.RolloutState.Progress;
import dev.millrace.core.rollout.RolloutState.Stage;
import dev.millrace.core.rollout.RolloutStep.Phase;
import dev.millrace.core.rollout.RolloutStep.Verdict;
import java.util.List;

/** How each stage of a rollout ends, by its length and by what its comparisons say. */
final class StageDecisions {

  private final RolloutTurn turn;
  private final Rollout plan;
  private final StageRoles roles;
  private final RegistryCommands commands;
  private final PairedBlocks blocks;

  StageDecisions(
      RolloutTurn turn,
      Rollout plan,
      StageRoles roles,
      RegistryCommands commands,
      PairedBlocks blocks) {
    this.turn = turn;
    this.plan = plan;
    this.roles = roles;
    this.commands = commands;
    this.blocks = blocks;
  }

  void decide() {
    Progress progress = turn.state().progress();
    if (progress == null || turn.state().paused()) {
      return;
    }
    if (progress.again()) {
      commands.giveAgain(progress);
      return;
    }
    Long sinceMillis = progress.stageSinceMillis();
    if (progress.command() != null || sinceMillis == null) {
      return;
    }
    switch (progress.stage()) {
      case SHADOW -> shadow(progress, sinceMillis);
      case CANARY -> canary(progress, sinceMillis);
      case PROBATION -> probation(progress, sinceMillis);
      case CLOSING -> {
        // Its end is an event of the registry.
      }
    }
  }

  private void shadow(Progress progress, long sinceMillis) {
    Evidence evidence = blocks.sinceShadow(turn.state(), progress);
    if (evidence.harm()) {
      commands.fail(progress, "rollout_failed", evidence.says("worse"), evidence);
    } else if (turn.now() >= sinceMillis + plan.shadow().toMillis() && evidence.goodEnough()) {
      turn.step(
          progress, Phase.SHADOW, 0, Verdict.ADVANCED, evidence.says("good enough"), evidence);
      nextStep(progress, 0);
    } else if (turn.now()
        >= sinceMillis + RolloutControl.SHADOW_PATIENCE * plan.shadow().toMillis()) {
      String why =
          evidence.says("open")
              + " after "
              + RolloutControl.SHADOW_PATIENCE
              + " times the shadow's length";
      turn.step(progress, Phase.SHADOW, 0, Verdict.INCONCLUSIVE, why, evidence);
      turn.alert(progress, "rollout_inconclusive", why + "; it is withdrawn", evidence);
      commands.withdraw(progress, why);
    }
  }

  private void canary(Progress progress, long sinceMillis) {
    Evidence evidence = blocks.sinceShadow(turn.state(), progress);
    if (evidence.harm()) {
      commands.fail(progress, "rollout_failed", evidence.says("worse"), evidence);
    } else if (turn.now() >= sinceMillis + plan.step().toMillis()) {
      turn.step(
          progress,
          Phase.CANARY,
          roles.shareOf(progress),
          Verdict.ADVANCED,
          evidence.says("no harm"),
          evidence);
      nextStep(progress, progress.step() + 1);
    }
  }

  private void probation(Progress progress, long sinceMillis) {
    Evidence evidence = blocks.ofProbation(turn.state(), progress);
    if (evidence.harm()) {
      String why = evidence.says("worse");
      turn.step(progress, Phase.PROBATION, 0, Verdict.ROLLED_BACK, why, evidence);
      turn.alert(
          progress,
          "rolled_back",
          "version " + progress.baseline() + " serves again: " + why,
          evidence);
      commands.rollBack(progress, why);
    } else if (turn.now() >= sinceMillis + plan.probation().toMillis()) {
      turn.step(progress, Phase.PROBATION, 0, Verdict.PASSED, evidence.says("no harm"), evidence);
      commands.stage(progress, Stage.CLOSING, 0, null, 0, List.of(), "probation passed");
    }
  }

  private void nextStep(Progress progress, int step) {
    if (step < plan.canary().size()) {
      double share = roles.share(step);
      Progress next = progress.atStep(step);
      turn.step(next, Phase.CANARY, share, Verdict.STARTED, "the step before held", null);
      commands.stage(next, Stage.CANARY, step, progress.version(), share, List.of(), "canary step");
      return;
    }
    turn.step(progress, Phase.PROBATION, 0, Verdict.STARTED, "all steps held", null);
    commands.promote(progress);
  }
}
