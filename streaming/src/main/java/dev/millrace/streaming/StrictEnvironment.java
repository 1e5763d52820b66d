package dev.millrace.streaming;

import java.time.Duration;
import org.apache.flink.api.common.BatchShuffleMode;
import org.apache.flink.api.common.RuntimeExecutionMode;
import org.apache.flink.configuration.CheckpointingOptions;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.configuration.ExecutionOptions;
import org.apache.flink.configuration.JobManagerOptions;
import org.apache.flink.configuration.PipelineOptions;
import org.apache.flink.configuration.RestartStrategyOptions;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;

/**
 * The environment every job runs in: no generic serialization, no operator without a uid, always
 * with checkpoints. What an operator of the platform sets stays in {@code flink-conf}.
 */
public final class StrictEnvironment {

  private static final Duration CHECKPOINT_INTERVAL = Duration.ofSeconds(5);

  /** With the delay between them long enough for a TaskManager that died to be replaced. */
  private static final int BATCH_RESTARTS_MAX = 8;

  private static final Duration BATCH_RESTART_DELAY = Duration.ofSeconds(15);

  public static StreamExecutionEnvironment create() {
    return strict(StreamExecutionEnvironment.getExecutionEnvironment(new Configuration()));
  }

  /** Makes an environment strict; a test brings its own. */
  public static StreamExecutionEnvironment strict(StreamExecutionEnvironment env) {
    Configuration strict = new Configuration();
    strict.set(PipelineOptions.GENERIC_TYPES, false);
    strict.set(PipelineOptions.AUTO_GENERATE_UIDS, false);
    strict.set(PipelineOptions.OBJECT_REUSE, true);
    if (env.getConfiguration().getOptional(CheckpointingOptions.CHECKPOINTING_INTERVAL).isEmpty()) {
      strict.set(CheckpointingOptions.CHECKPOINTING_INTERVAL, CHECKPOINT_INTERVAL);
    }
    env.configure(strict);
    return env;
  }

  /** Puts an environment into batch mode on a cluster that is made for streams. */
  public static void batch(StreamExecutionEnvironment env) {
    env.setRuntimeMode(RuntimeExecutionMode.BATCH);
    // A cluster for streams has few network buffers, and a blocking exchange wants many. The graphs
    // are trees, so their joins can all read at once, each sorting on a disk of its own. The
    // scheduler that is Flink's choice for batch knows blocking exchanges only.
    env.configure(
        new Configuration()
            .set(ExecutionOptions.BATCH_SHUFFLE_MODE, BatchShuffleMode.ALL_EXCHANGES_PIPELINED)
            .set(JobManagerOptions.SCHEDULER, JobManagerOptions.SchedulerType.Default));
    String restarts = env.getConfiguration().get(RestartStrategyOptions.RESTART_STRATEGY);
    if (!"none".equals(restarts)) {
      // A stream comes back for ever; somebody waits for a batch run, and wants to know why it
      // fails.
      env.configure(
          new Configuration()
              .set(RestartStrategyOptions.RESTART_STRATEGY, "fixed-delay")
              .set(RestartStrategyOptions.RESTART_STRATEGY_FIXED_DELAY_ATTEMPTS, BATCH_RESTARTS_MAX)
              .set(RestartStrategyOptions.RESTART_STRATEGY_FIXED_DELAY_DELAY, BATCH_RESTART_DELAY));
    }
  }

  private StrictEnvironment() {}
}
