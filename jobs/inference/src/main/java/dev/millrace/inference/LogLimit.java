package dev.millrace.inference;

/** Lets one line through in ten seconds and counts the others. For one thread. */
final class LogLimit {

  private static final long PERIOD_NANOS = 10_000_000_000L;

  private boolean any;
  private long lastNanos;
  private long heldBack;

  /** How many lines were held back since the last one; -1 where this one is to be held back. */
  long pass(long nowNanos) {
    if (any && nowNanos - lastNanos < PERIOD_NANOS) {
      heldBack++;
      return -1;
    }
    long before = heldBack;
    any = true;
    lastNanos = nowNanos;
    heldBack = 0;
    return before;
  }
}
