package dev.millrace.core.rollout;

import dev.millrace.core.model.LifecycleEntry;
import dev.millrace.core.rollout.RolloutState.Progress;
import dev.millrace.core.rollout.RolloutState.Stage;
import dev.millrace.core.rollout.RolloutStep.Verdict;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What a rollout asks of the registry, and asks again where it could not be done then. Each command
 * is awaited: the rollout goes on when the registry says that it is in effect.
 */
final class RegistryCommands {

  private static final int ATTEMPTS_MAX = 10;

  private final RolloutTurn turn;
  private final StageRoles roles;

  RegistryCommands(RolloutTurn turn, StageRoles roles) {
    this.turn = turn;
    this.roles = roles;
  }

  void stage(
      Progress progress,
      Stage stage,
      int step,
      @Nullable Integer canary,
      double share,
      List<Integer> shadows,
      String why) {
    Map<String, @Nullable Object> details = new LinkedHashMap<>();
    details.put("canary", canary);
    details.put("share", share);
    details.put("shadows", shadows);
    details.put("rollout_id", progress.rolloutId());
    give(
        progress.atStep(step),
        stage,
        LifecycleEntry.Command.STAGE,
        progress.rolloutId() + "/" + stage + "/" + share,
        why,
        details);
  }

  /** Makes the challenger champion, with the former champion as its shadow. */
  void promote(Progress progress) {
    Map<String, @Nullable Object> details = new LinkedHashMap<>();
    details.put("force", false);
    details.put("shadows", List.of(progress.baseline()));
    details.put("request_id", progress.requestId());
    details.put("rollout_id", progress.rolloutId());
    give(
        progress,
        Stage.PROBATION,
        LifecycleEntry.Command.PROMOTE,
        progress.rolloutId() + "/PROMOTE/1.0",
        "all steps of its rollout held",
        details);
  }

  void rollBack(Progress progress, String why) {
    Map<String, @Nullable Object> details = new LinkedHashMap<>();
    // Only this one is meant: where a person was faster, the registry refuses.
    details.put("deployment_id", progress.deploymentId());
    details.put("rollout_id", progress.rolloutId());
    give(
        progress,
        Stage.CLOSING,
        LifecycleEntry.Command.ROLLBACK,
        progress.rolloutId() + "/ROLLBACK/0.0",
        why,
        details);
  }

  /** The challenger goes no further, and somebody has to know. */
  void fail(Progress progress, String rule, String why, @Nullable Evidence evidence) {
    turn.step(
        progress,
        StageRoles.phase(progress),
        roles.shareOf(progress),
        Verdict.FAILED,
        why,
        evidence);
    turn.alert(
        progress,
        rule,
        "its rollout is over: " + why + "; version " + progress.baseline() + " serves on",
        evidence);
    withdraw(progress, why);
  }

  /** Takes the challenger out of what stands. */
  void withdraw(Progress progress, String why) {
    Standing current = turn.state().current();
    if (current == null || !current.has(progress.version())) {
      turn.progress(null);
    } else {
      stage(progress, Stage.CLOSING, progress.step(), null, 0, List.of(), why);
    }
  }

  /** The command is given once more when time goes on or another deployment is through. */
  void again(Progress progress, String why) {
    if (progress.attempt() >= ATTEMPTS_MAX) {
      if (progress.stage() == Stage.CLOSING) {
        turn.alert(
            progress,
            "rollout_not_closed",
            progress.commandType() + " was refused " + ATTEMPTS_MAX + " times: " + why,
            null);
        turn.progress(null);
      } else {
        fail(
            progress,
            "rollout_refused",
            progress.commandType() + " was refused " + ATTEMPTS_MAX + " times: " + why,
            null);
      }
      return;
    }
    turn.progress(progress.awaiting(progress.command(), progress.attempt(), true));
  }

  /** Under another key, because the registry answers each key once. */
  void giveAgain(Progress progress) {
    String command = progress.command();
    String type = progress.commandType();
    String details = progress.commandDetails();
    if (command == null || type == null || details == null) {
      return;
    }
    int attempt = progress.attempt() + 1;
    String first =
        progress.attempt() == 1 ? command : command.substring(0, command.lastIndexOf('/'));
    String key = first + "/" + attempt;
    turn.progress(progress.awaiting(key, attempt, false));
    turn.command(
        LifecycleEntry.command(
            turn.model(),
            LifecycleEntry.Command.valueOf(type),
            progress.version(),
            RolloutControl.ACTOR,
            "given again, because it could not be done then",
            0,
            key,
            details));
  }

  private void give(
      Progress progress,
      Stage stage,
      LifecycleEntry.Command command,
      String key,
      String why,
      Map<String, @Nullable Object> details) {
    String json = JsonFields.of(details);
    turn.progress(progress.given(stage, key, command.name(), json));
    turn.command(
        LifecycleEntry.command(
            turn.model(), command, progress.version(), RolloutControl.ACTOR, why, 0, key, json));
  }
}
