package dev.millrace.inference;

import java.util.LinkedHashMap;
import java.util.Map;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * How much of a task's time its shadows take.
 *
 * <p>Each batch earns all shadows together twice the time of those who answered, and 1 ms; each has
 * an account for its part of that. A shadow whose account is overdrawn leaves batches out until it
 * is even again. So who answers is delayed by a bounded share of its own time, whatever a shadow
 * costs, and a shadow that is too slow still scores some of the events.
 *
 * <p>For one thread.
 */
final class ShadowBudget {

  private static final Logger LOG = LoggerFactory.getLogger(ShadowBudget.class);
  private static final int TIMES_ANSWERING = 2;
  private static final long BATCH_NANOS = 1_000_000;

  /** What may be saved up. */
  private static final long MOST_NANOS = 20_000_000;

  /** Versions come and go; accounts of those that nobody asked for longest are closed. */
  private static final int ACCOUNTS = 64;

  private final String model;
  private final InferenceMetrics metrics;
  private final WaitClock clock;
  private final LogLimit logLimit = new LogLimit();

  /** What each version has left, below 0 where it is overdrawn. */
  private final Map<Integer, Long> accounts =
      new LinkedHashMap<>(ACCOUNTS, 0.75f, true) {
        private static final long serialVersionUID = 1L;

        @Override
        protected boolean removeEldestEntry(Map.Entry<Integer, Long> eldest) {
          return size() > ACCOUNTS;
        }
      };

  ShadowBudget(String model, InferenceMetrics metrics, WaitClock clock) {
    this.model = model;
    this.metrics = metrics;
    this.clock = clock;
  }

  /**
   * Whether a shadow may score a batch.
   *
   * @param answeredNanos what those who answer took for it
   * @param shadows how many share what that earns
   */
  boolean allows(int version, long answeredNanos, int shadows, int rows) {
    long earned = (TIMES_ANSWERING * answeredNanos + BATCH_NANOS) / shadows;
    long left = Math.min(MOST_NANOS, accounts.getOrDefault(version, MOST_NANOS - earned) + earned);
    accounts.put(version, left);
    if (left > 0) {
      return true;
    }
    metrics.shadowsShed.inc(rows);
    long heldBack = logLimit.pass(clock.nanoTime());
    if (heldBack >= 0) {
      LOG.warn(
          "Shadow {} of model {} leaves out {} rows, its batches take longer than twice those of"
              + " who answers and 1 ms ({} like it since the last line); see metric shadowsShed",
          version,
          model,
          rows,
          heldBack);
    }
    return false;
  }

  /** What the shadow took for a batch that it was allowed. */
  void took(int version, long nanos) {
    accounts.merge(version, -nanos, Long::sum);
  }
}
