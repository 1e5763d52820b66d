package dev.millrace.retrain;

import dev.millrace.core.model.LifecycleEntry;
import dev.millrace.core.retrain.ModelWatch;
import dev.millrace.core.retrain.RetrainDecision;
import dev.millrace.core.rollout.Alert;
import dev.millrace.core.rollout.RolloutStep;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apache.flink.api.common.functions.OpenContext;
import org.apache.flink.api.common.state.ValueState;
import org.apache.flink.api.common.state.ValueStateDescriptor;
import org.apache.flink.metrics.Counter;
import org.apache.flink.streaming.api.functions.KeyedProcessFunction;
import org.apache.flink.util.Collector;
import org.apache.flink.util.OutputTag;

/** Folds what is seen of each model into decisions, steps, commands and alerts. */
final class WatchFunction extends KeyedProcessFunction<String, Seen, RetrainDecision> {

  private static final long serialVersionUID = 1L;

  static final OutputTag<RolloutStep> STEPS = new OutputTag<>("rollouts", WatchTypes.STEP);
  static final OutputTag<LifecycleEntry> COMMANDS = new OutputTag<>("commands", WatchTypes.COMMAND);
  static final OutputTag<Alert> ALERTS = new OutputTag<>("alerts", WatchTypes.ALERT);

  private final List<ModelWatch.Plan> plans;
  private transient Map<String, ModelWatch> watches;
  private transient ValueState<ModelWatch.State> state;
  private transient Counter requested;
  private transient Counter suppressed;
  private transient Counter commands;

  @SuppressWarnings("NullAway.Init") // Flink calls open before the first element.
  WatchFunction(List<ModelWatch.Plan> plans) {
    this.plans = List.copyOf(plans);
  }

  @Override
  public void open(OpenContext context) {
    watches = new HashMap<>();
    for (ModelWatch.Plan plan : plans) {
      watches.put(plan.model(), new ModelWatch(plan));
    }
    state = getRuntimeContext().getState(new ValueStateDescriptor<>("watch", WatchTypes.STATE));
    requested = getRuntimeContext().getMetricGroup().counter("retrainingRequested");
    suppressed = getRuntimeContext().getMetricGroup().counter("retrainingSuppressed");
    commands = getRuntimeContext().getMetricGroup().counter("rolloutCommands");
  }

  @Override
  public void processElement(Seen seen, Context context, Collector<RetrainDecision> out)
      throws Exception {
    ModelWatch watch = watches.get(seen.model());
    if (watch == null) {
      // The journal is that of the whole installation.
      return;
    }
    ModelWatch.State kept = state.value();
    ModelWatch.State before = kept == null ? ModelWatch.State.EMPTY : kept;
    ModelWatch.Outcome outcome;
    if (seen instanceof Seen.OfDrift drift) {
      outcome = watch.on(before, drift.drifted());
    } else if (seen instanceof Seen.OfPerformance performance) {
      outcome = watch.on(before, performance.measured());
    } else {
      outcome = watch.on(before, ((Seen.OfLifecycle) seen).entry());
    }
    state.update(outcome.state());
    for (RetrainDecision decision : outcome.decisions()) {
      (decision.requested() ? requested : suppressed).inc();
      out.collect(decision);
    }
    outcome.steps().forEach(step -> context.output(STEPS, step));
    outcome.alerts().forEach(alert -> context.output(ALERTS, alert));
    for (LifecycleEntry command : outcome.commands()) {
      commands.inc();
      context.output(COMMANDS, at(command, context.timerService().currentProcessingTime()));
    }
  }

  private static LifecycleEntry at(LifecycleEntry command, long millis) {
    return new LifecycleEntry(
        command.model(),
        command.kind(),
        command.type(),
        command.version(),
        command.actor(),
        command.reason(),
        millis,
        command.idempotencyKey(),
        command.uri(),
        command.sha256(),
        command.details());
  }
}
