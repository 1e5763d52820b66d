package dev.millrace.cli.apply;

import dev.millrace.cli.CommandFailed;
import dev.millrace.cli.local.FlinkRest;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Consumer;

/** A batch job of one of the jobs' jars, run on the cluster and waited for. */
public final class PipelineBatch {

  private static final int PARALLELISM = 2;
  private static final Duration PATIENCE = Duration.ofHours(12);
  private static final Duration CANCEL_PATIENCE = Duration.ofMinutes(1);
  private static final long POLL_NANOS = 300_000_000;
  private static final long SAY_NANOS = 10_000_000_000L;

  private final FlinkRest flink;
  private final Consumer<String> progress;
  private final ProjectJobs.Kind kind;

  /**
   * A run of the feature pipeline's jar on one cluster.
   *
   * @param progress is told what happens
   */
  public PipelineBatch(FlinkRest flink, Consumer<String> progress) {
    this(flink, progress, ProjectJobs.FEATURE_PIPELINE);
  }

  /**
   * A run of another job's jar.
   *
   * @param progress is told what happens
   */
  public PipelineBatch(FlinkRest flink, Consumer<String> progress, ProjectJobs.Kind kind) {
    this.flink = flink;
    this.progress = progress;
    this.kind = kind;
  }

  /**
   * Runs a main class of the jar and waits.
   *
   * @param what is said to be impossible where the job fails, as in "join set.parquet"
   * @return what the job counted
   */
  public Map<String, String> run(String what, String entryClass, List<String> args)
      throws IOException {
    return run(what, entryClass, args, PARALLELISM);
  }

  /** The same with as many subtasks. */
  public Map<String, String> run(String what, String entryClass, List<String> args, int parallelism)
      throws IOException {
    String jarId = flink.upload(ProjectJobs.jar(kind));
    String jobId = flink.run(jarId, entryClass, args, parallelism, null, false);
    progress.accept("runs as job " + jobId);
    await(what, jobId);
    return flink.accumulators(jobId);
  }

  private void await(String what, String jobId) throws IOException {
    long startNanos = System.nanoTime();
    long saidNanos = startNanos;
    String state = flink.state(jobId);
    while (!FlinkRest.isTerminalState(state)) {
      long nowNanos = System.nanoTime();
      if (nowNanos - startNanos > PATIENCE.toNanos()) {
        flink.cancel(jobId, CANCEL_PATIENCE);
        throw new CommandFailed(
            "Cannot %s: job %s is %s for %d hours; see the Flink web UI"
                .formatted(what, jobId, state, PATIENCE.toHours()));
      }
      if (nowNanos - saidNanos > SAY_NANOS) {
        saidNanos = nowNanos;
        progress.accept("%s, %s".formatted(state, records(jobId)));
      }
      LockSupport.parkNanos(POLL_NANOS);
      state = flink.state(jobId);
    }
    if (!state.equals("FINISHED")) {
      throw new CommandFailed(
          "Cannot %s: job %s is %s (%s)"
              .formatted(what, jobId, state, flink.rootCause(jobId).orElse("no failure is known")));
    }
  }

  /** How far each step is, by what it has taken in. */
  private String records(String jobId) throws IOException {
    long most = 0;
    for (double taken : flink.metric(jobId, "numRecordsIn").values()) {
      most = Math.max(most, (long) taken);
    }
    return "%,d records read by the busiest step".formatted(most);
  }
}
