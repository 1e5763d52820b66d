package dev.millrace.streaming;

import java.time.Duration;
import org.apache.flink.configuration.CheckpointingOptions;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.configuration.PipelineOptions;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;

/**
 * The environment every job runs in: no generic serialization, no operator without a uid, always
 * with checkpoints. What an operator of the platform sets stays in {@code flink-conf}.
 */
public final class StrictEnvironment {

  private static final Duration CHECKPOINT_INTERVAL = Duration.ofSeconds(5);

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

  private StrictEnvironment() {}
}
