package dev.millrace.inference;

/**
 * Keeps scoring going while the online store is down: after a failure nobody asks it for a pause
 * that doubles with each further failure, from 100 ms to 5 s.
 */
final class StoreCircuit {

  private static final long PAUSE_LEAST_NANOS = 100_000_000L;
  private static final long PAUSE_MOST_NANOS = 5_000_000_000L;

  private long pauseNanos;
  private long failedAtNanos;

  /** Whether the store may be asked. */
  boolean mayTry(long nowNanos) {
    return pauseNanos == 0 || nowNanos - failedAtNanos >= pauseNanos;
  }

  void succeeded() {
    pauseNanos = 0;
  }

  void failed(long nowNanos) {
    failedAtNanos = nowNanos;
    pauseNanos = pauseNanos == 0 ? PAUSE_LEAST_NANOS : Math.min(PAUSE_MOST_NANOS, 2 * pauseNanos);
  }
}
