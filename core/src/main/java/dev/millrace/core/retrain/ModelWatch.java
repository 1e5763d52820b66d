package dev.millrace.core.retrain;

import dev.millrace.core.definition.Model;
import dev.millrace.core.definition.Model.Retraining;
import dev.millrace.core.definition.Model.Rollout;
import dev.millrace.core.model.LifecycleEntry;
import dev.millrace.core.rollout.Alert;
import dev.millrace.core.rollout.Measured;
import dev.millrace.core.rollout.RolloutControl;
import dev.millrace.core.rollout.RolloutState;
import dev.millrace.core.rollout.RolloutStep;
import java.io.Serializable;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Retraining policy and rollout control of one model, folded together over the same inputs. */
public final class ModelWatch {

  private final RetrainPolicy policy;
  private final RolloutControl control;

  public ModelWatch(Plan plan) {
    this.policy = new RetrainPolicy(plan.model(), plan.retraining(), plan.training());
    this.control = new RolloutControl(plan.model(), plan.rollout(), plan.window());
  }

  /**
   * What of a model's definition decides.
   *
   * @param window of the performance records
   */
  public record Plan(
      String model,
      @Nullable Retraining retraining,
      RetrainPolicy.@Nullable Spans training,
      @Nullable Rollout rollout,
      Duration window)
      implements Serializable {

    public static Plan of(Model model) {
      Model.Training training = model.training();
      return new Plan(
          model.name(),
          model.retraining(),
          training == null ? null : RetrainPolicy.Spans.of(training),
          model.rollout(),
          model.monitoring().window());
    }
  }

  /** What both know. */
  public record State(RetrainState retrain, RolloutState rollout) {
    public static final State EMPTY = new State(RetrainState.EMPTY, RolloutState.EMPTY);
  }

  /** What follows from one input. */
  public record Outcome(
      State state,
      List<RetrainDecision> decisions,
      List<RolloutStep> steps,
      List<LifecycleEntry> commands,
      List<Alert> alerts) {
    public Outcome {
      decisions = List.copyOf(decisions);
      steps = List.copyOf(steps);
      commands = List.copyOf(commands);
      alerts = List.copyOf(alerts);
    }
  }

  public Outcome on(State state, Measured measured) {
    RolloutControl.Outcome rollout = control.on(state.rollout(), measured);
    return joined(rollout, policy.on(state.retrain(), measured, rollout.state().busy()));
  }

  public Outcome on(State state, LifecycleEntry entry) {
    RolloutControl.Outcome rollout = control.on(state.rollout(), entry);
    return joined(rollout, policy.on(state.retrain(), entry, rollout.state().busy()));
  }

  public Outcome on(State state, Drifted drifted) {
    RetrainPolicy.Outcome retrain = policy.on(state.retrain(), drifted, state.rollout().busy());
    return new Outcome(
        new State(retrain.state(), state.rollout()),
        retrain.decisions(),
        List.of(),
        List.of(),
        List.of());
  }

  private Outcome joined(RolloutControl.Outcome rollout, RetrainPolicy.Outcome retrain) {
    RetrainState state = retrain.state();
    List<RetrainDecision> decisions = new ArrayList<>(retrain.decisions());
    for (RolloutStep step : rollout.steps()) {
      RetrainPolicy.Outcome next = policy.on(state, step, rollout.state().busy());
      state = next.state();
      decisions.addAll(next.decisions());
    }
    return new Outcome(
        new State(state, rollout.state()),
        decisions,
        rollout.steps(),
        rollout.commands(),
        rollout.alerts());
  }
}
