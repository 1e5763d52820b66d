package dev.millrace.core.rollout;

import dev.millrace.core.model.LifecycleEntry;
import dev.millrace.core.rollout.RolloutState.Progress;
import dev.millrace.core.rollout.RolloutStep.Phase;
import dev.millrace.core.rollout.RolloutStep.Verdict;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** One input's way through rollout control: the state so far, and what follows and is said. */
final class RolloutTurn {

  private final String model;
  private RolloutState state;
  private final List<RolloutStep> steps = new ArrayList<>();
  private final List<LifecycleEntry> commands = new ArrayList<>();
  private final List<Alert> alerts = new ArrayList<>();

  RolloutTurn(String model, RolloutState state) {
    this.model = model;
    this.state = state;
  }

  String model() {
    return model;
  }

  /** As far as the input has changed it by now. */
  RolloutState state() {
    return state;
  }

  void become(RolloutState next) {
    state = next;
  }

  /** The rollout under way is this now; null: none is. */
  void progress(@Nullable Progress next) {
    state = state.progress(next);
  }

  long now() {
    return state.now();
  }

  void command(LifecycleEntry command) {
    commands.add(command);
  }

  void step(
      Progress progress,
      Phase phase,
      double share,
      Verdict verdict,
      String why,
      @Nullable Evidence evidence) {
    steps.add(
        new RolloutStep(
            progress.rolloutId(),
            model,
            progress.version(),
            progress.baseline(),
            phase,
            share,
            verdict,
            why,
            now(),
            progress.deploymentId(),
            progress.requestId(),
            evidence == null ? "{}" : evidence.json()));
  }

  void alert(Progress progress, String rule, String why, @Nullable Evidence evidence) {
    alerts.add(
        new Alert(
            JoinedId.brief(List.of(model, rule, progress.rolloutId(), progress.stage().name())),
            model,
            rule,
            "Model "
                + model
                + " version "
                + progress.version()
                + ": "
                + why
                + "; look at ./millrace models show "
                + model,
            now(),
            evidence == null ? "{}" : evidence.json()));
  }

  RolloutControl.Outcome outcome() {
    return new RolloutControl.Outcome(state, steps, commands, alerts);
  }
}
