package dev.millrace.retrain;

import dev.millrace.core.definition.Project;
import dev.millrace.core.model.LifecycleEntry;
import dev.millrace.core.retrain.ModelWatch;
import dev.millrace.core.retrain.RetrainDecision;
import dev.millrace.core.rollout.Alert;
import dev.millrace.core.rollout.RolloutStep;
import dev.millrace.streaming.JobSetup;
import dev.millrace.streaming.StrictEnvironment;
import java.time.Duration;
import java.util.List;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.streaming.api.datastream.DataStream;
import org.apache.flink.streaming.api.datastream.SingleOutputStreamOperator;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;

/**
 * Decides by each model's policy whether it is trained again, and takes each new version through
 * its rollout: drift, performance and the registry's events in; decisions, steps, alerts and
 * commands to the registry out.
 */
public final class RetrainTriggerJob {

  /** The last part of the job's name. */
  public static final String STAGE = "retrain-trigger";

  /** A command is seen by the registry with the checkpoint after it: this is how long it waits. */
  private static final Duration CHECKPOINT_INTERVAL = Duration.ofSeconds(2);

  public static void main(String[] args) throws Exception {
    JobSetup setup = JobSetup.from(args, System.getenv());
    setup.refuseSecond(name(setup.project()));
    StreamExecutionEnvironment env = StrictEnvironment.create();
    env.enableCheckpointing(CHECKPOINT_INTERVAL.toMillis());
    define(env, plans(setup.project()), TriggerEnds.of(setup));
    env.execute(name(setup.project()));
  }

  /** The name by which a second job of the same project is found and refused. */
  public static String name(Project project) {
    return "millrace-" + project.name() + "-" + STAGE;
  }

  private static List<ModelWatch.Plan> plans(Project project) {
    if (project.models().isEmpty()) {
      throw new IllegalArgumentException(
          "Cannot start retrain-trigger: project "
              + project.name()
              + " has no model; add one to models:");
    }
    return project.models().stream().map(ModelWatch.Plan::of).toList();
  }

  /** Declares the whole graph; the caller brings the ends, so that tests bring in-memory ones. */
  static void define(StreamExecutionEnvironment env, List<ModelWatch.Plan> plans, Ends ends) {
    // A handful of records a second at most: one subtask keeps what is read in few hands.
    SingleOutputStreamOperator<RetrainDecision> decisions =
        ends.drift(env)
            .union(ends.performance(env), ends.lifecycle(env))
            .keyBy(Seen::model, Types.STRING)
            .process(new WatchFunction(plans))
            .returns(WatchTypes.DECISION)
            .name("watch models")
            .uid("watch")
            .setParallelism(1);
    ends.decisions(decisions);
    ends.steps(decisions.getSideOutput(WatchFunction.STEPS));
    ends.commands(decisions.getSideOutput(WatchFunction.COMMANDS));
    ends.alerts(decisions.getSideOutput(WatchFunction.ALERTS));
  }

  /** What the graph begins and ends with. */
  interface Ends {
    /** Windows that drifted. */
    DataStream<Seen> drift(StreamExecutionEnvironment env);

    DataStream<Seen> performance(StreamExecutionEnvironment env);

    /** Events of the registry. */
    DataStream<Seen> lifecycle(StreamExecutionEnvironment env);

    void decisions(DataStream<RetrainDecision> decisions);

    void steps(DataStream<RolloutStep> steps);

    void commands(DataStream<LifecycleEntry> commands);

    void alerts(DataStream<Alert> alerts);
  }

  private RetrainTriggerJob() {}
}
