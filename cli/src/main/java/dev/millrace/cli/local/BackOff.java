package dev.millrace.cli.local;

/**
 * How long to wait before a dead process is started again: twice as long each time it dies soon,
 * from the beginning once it has lived for a while.
 */
final class BackOff {
  static final long FIRST_MILLIS = 500;
  static final long LONGEST_MILLIS = 30_000;
  static final long STABLE_MILLIS = 60_000;

  private long nextMillis = FIRST_MILLIS;

  /**
   * The wait after a process has died that was ready for {@code livedMillis}; 0 if it never was.
   */
  long afterDeathMillis(long livedMillis) {
    if (livedMillis >= STABLE_MILLIS) {
      nextMillis = FIRST_MILLIS;
    }
    long waitMillis = nextMillis;
    nextMillis = Math.min(LONGEST_MILLIS, nextMillis * 2);
    return waitMillis;
  }
}
