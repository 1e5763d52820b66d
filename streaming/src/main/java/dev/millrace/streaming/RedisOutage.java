package dev.millrace.streaming;

import dev.millrace.core.definition.FeatureView.RedisOptions.Unavailable;
import java.util.function.LongSupplier;
import org.apache.flink.metrics.Counter;
import org.apache.flink.metrics.MetricGroup;
import org.apache.flink.metrics.ThreadSafeSimpleCounter;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * For how long Redis has not taken rows, how long it is left alone before the next try, and from
 * when on rows are let go. Says it once a minute, however many tries there are. Of one thread.
 */
final class RedisOutage {

  private static final Logger LOG = LoggerFactory.getLogger(RedisOutage.class);

  static final long PATIENCE_MILLIS = 5_000;
  private static final long PAUSE_LEAST_MILLIS = 50;
  private static final long PAUSE_MOST_MILLIS = 1_000;
  private static final long WARNING_EVERY_MILLIS = 60_000;
  private static final long NEVER = Long.MIN_VALUE;

  private final String redis;
  private final Unavailable policy;
  private final LongSupplier clock;
  private final Counter retries;
  private final Counter skipped;
  private volatile long sinceMillis = NEVER;
  private long warnedMillis = NEVER;
  private long pauseMillis = PAUSE_LEAST_MILLIS;

  /**
   * @param redis its address, for messages
   * @param clock epoch milliseconds
   */
  RedisOutage(String redis, Unavailable policy, LongSupplier clock, MetricGroup metrics) {
    this.redis = redis;
    this.policy = policy;
    this.clock = clock;
    this.retries = metrics.counter("redisRetries", new ThreadSafeSimpleCounter());
    this.skipped = metrics.counter("redisRowsSkipped", new ThreadSafeSimpleCounter());
    metrics.gauge("redisUnavailableMillis", this::lengthMillis);
  }

  /** Redis took all rows of a try. */
  void answered() {
    if (sinceMillis == NEVER) {
      return;
    }
    if (warnedMillis != NEVER) {
      LOG.info("Redis at {} takes rows again, after {} ms", redis, lengthMillis());
    }
    sinceMillis = NEVER;
    warnedMillis = NEVER;
    pauseMillis = PAUSE_LEAST_MILLIS;
  }

  /**
   * Redis left rows of a try.
   *
   * @param startedMillis when the try began
   * @param tookSome whether it took others
   * @return how long to leave it alone
   */
  long failed(String reason, long startedMillis, boolean tookSome) {
    retries.inc();
    if (sinceMillis == NEVER) {
      sinceMillis = startedMillis;
    }
    long now = clock.getAsLong();
    if (warnedMillis == NEVER || now - warnedMillis >= WARNING_EVERY_MILLIS) {
      warnedMillis = now;
      LOG.warn(
          "Redis at {} does not take rows ({}); {}",
          redis,
          reason,
          policy == Unavailable.WAIT
              ? "the job waits and tries on"
              : "after " + PATIENCE_MILLIS / 1000 + " s rows are let go until it does");
    }
    long pause = tookSome ? PAUSE_LEAST_MILLIS : pauseMillis;
    pauseMillis = Math.min(PAUSE_MOST_MILLIS, pauseMillis * 2);
    return pause;
  }

  /** Whether what finds no room is let go rather than waited for. */
  boolean skips() {
    return policy == Unavailable.SKIP && lengthMillis() >= PATIENCE_MILLIS;
  }

  void skipped(int rows) {
    skipped.inc(rows);
  }

  /** Zero while Redis takes rows. */
  private long lengthMillis() {
    long since = sinceMillis;
    return since == NEVER ? 0 : Math.max(0, clock.getAsLong() - since);
  }
}
