package dev.millrace.core.rollout;

import dev.millrace.core.definition.Model.Rollout;
import dev.millrace.core.rollout.RolloutState.Progress;
import dev.millrace.core.rollout.RolloutState.Stage;
import dev.millrace.core.rollout.RolloutStep.Phase;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** Which versions have which roles in each stage of a rollout, and which deployments fit that. */
final class StageRoles {

  private final Rollout plan;

  StageRoles(Rollout plan) {
    this.plan = plan;
  }

  /** Whether the stage's roles are as the rollout needs them. */
  boolean intact(Progress progress, Standing standing) {
    return switch (progress.stage()) {
      case SHADOW ->
          standing.sameRoles(progress.baseline(), null, 0)
              && standing.shadows().contains(progress.version());
      case CANARY ->
          standing.sameRoles(progress.baseline(), progress.version(), share(progress.step()));
      case PROBATION ->
          Objects.equals(standing.champion(), progress.version())
              && standing.shadows().contains(progress.baseline());
      case CLOSING -> true;
    };
  }

  /** Whether an awaited command still makes sense beside a deployment that is not its own. */
  static boolean possible(Progress progress, Standing standing) {
    return Objects.equals(standing.champion(), progress.baseline());
  }

  /** Whether a deployment is what the rollout waits for. */
  boolean awaited(Progress progress, Standing next, String key) {
    if (key.equals(progress.command())
        || (next.deploymentId() != null && next.deploymentId().equals(progress.deploymentId()))) {
      return true;
    }
    return switch (progress.stage()) {
      case SHADOW, CANARY, PROBATION -> intact(progress, next);
      case CLOSING ->
          next.serves(progress.version())
              ? !next.shadows().contains(progress.baseline()) && next.canary() == null
              : !next.has(progress.version());
    };
  }

  /**
   * Where the rollout is after all, where one of its own steps took effect that was not given yet:
   * the journal is read again, by a job without its state, and runs before the measures.
   */
  @Nullable Progress ahead(Progress progress, Standing next, String key) {
    if (!key.startsWith(progress.rolloutId() + "/") || awaited(progress, next, key)) {
      return null;
    }
    Progress probation = progress.inStage(Stage.PROBATION, 0);
    if (intact(probation, next)) {
      return probation;
    }
    for (int step = 0; step < plan.canary().size(); step++) {
      Progress canary = progress.inStage(Stage.CANARY, step);
      if (intact(canary, next)) {
        return canary;
      }
    }
    Progress closing = progress.inStage(Stage.CLOSING, 0);
    return awaited(closing, next, "") ? closing : null;
  }

  /** Of the events that a step of the canary answers. */
  double share(int step) {
    return step < plan.canary().size() ? plan.canary().get(step) / 100.0 : 0;
  }

  double shareOf(Progress progress) {
    return progress.stage() == Stage.CANARY ? share(progress.step()) : 0;
  }

  static Phase phase(Progress progress) {
    return switch (progress.stage()) {
      case SHADOW -> Phase.SHADOW;
      case CANARY -> Phase.CANARY;
      case PROBATION, CLOSING -> Phase.PROBATION;
    };
  }
}
