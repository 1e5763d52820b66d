package dev.millrace.inference;

import dev.millrace.core.definition.Model;
import java.io.Serializable;
import org.jspecify.annotations.Nullable;

/**
 * How a model's versions are to run.
 *
 * @param maxRows the largest batch
 * @param maxDelayMillis how long an event may wait for its batch to fill
 * @param latencyMillis what waiting and scoring may take together; null for no objective
 * @param refusesSlow whether a version that cannot meet the objective is refused. One that served
 *     before a restart is not: who scores an event must not depend on how busy a machine is.
 * @param bounded whether it is for a batch run: nobody waits for a batch to fill, and nobody has
 *     prepared its versions
 */
record Execution(
    Model.Provider provider,
    int maxRows,
    long maxDelayMillis,
    @Nullable Long latencyMillis,
    boolean refusesSlow,
    boolean bounded)
    implements Serializable {

  private static final int BATCH_RUN_ROWS = 1024;
  private static final long BATCH_RUN_DELAY_MILLIS = 1_000;

  static Execution of(Model.Execution defined) {
    return new Execution(
        defined.provider(),
        defined.maxRows(),
        defined.maxDelay().toMillis(),
        defined.latency() == null ? null : (Long) defined.latency().toMillis(),
        true,
        false);
  }

  /** Without an objective, in batches that are worth their overhead. */
  Execution ofBatchRun() {
    return new Execution(
        provider, Math.max(maxRows, BATCH_RUN_ROWS), BATCH_RUN_DELAY_MILLIS, null, false, true);
  }

  /** For a version that serves already. */
  Execution again() {
    return new Execution(provider, maxRows, maxDelayMillis, latencyMillis, false, bounded);
  }

  /** Whether a version may never have run before. */
  boolean isFirst() {
    return refusesSlow || bounded;
  }
}
