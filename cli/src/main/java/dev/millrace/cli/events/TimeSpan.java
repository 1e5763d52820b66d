package dev.millrace.cli.events;

/** Event times from {@code fromMillis} on and before {@code toMillis}. */
public record TimeSpan(long fromMillis, long toMillis) {

  public static final TimeSpan ALL = new TimeSpan(Long.MIN_VALUE, Long.MAX_VALUE);

  boolean holds(long timeMillis) {
    return timeMillis >= fromMillis && timeMillis < toMillis;
  }
}
