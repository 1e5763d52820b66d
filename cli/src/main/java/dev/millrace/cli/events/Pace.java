package dev.millrace.cli.events;

import java.util.Locale;

/**
 * When each event is due. The schedule does not wait for the broker: an event that is late is sent
 * at once and those after it keep their times.
 */
public final class Pace {

  private static final double NANOS_PER_MILLI = 1e6;
  private static final double NANOS_PER_SECOND = 1e9;

  private final double speed;
  private final double rate;

  private Pace(double speed, double rate) {
    this.speed = speed;
    this.rate = rate;
  }

  /** As fast as possible. */
  public static Pace unlimited() {
    return new Pace(0, 0);
  }

  /** Event time passes {@code speed} times as fast as real time. */
  public static Pace bySpeed(double speed) {
    return new Pace(positive(speed, "speed"), 0);
  }

  /** So many events a second. */
  public static Pace byRate(double eventsPerSecond) {
    return new Pace(0, positive(eventsPerSecond, "rate"));
  }

  private static double positive(double value, String what) {
    if (!(value > 0) || Double.isInfinite(value)) {
      throw new IllegalArgumentException(
          String.format(Locale.ROOT, "Cannot play with %s %s: it must be above 0", what, value));
    }
    return value;
  }

  boolean isUnlimited() {
    return speed == 0 && rate == 0;
  }

  /** Nanoseconds after the first event's at which an event is due. */
  long dueNanos(long eventsBefore, long firstTimeMillis, long timeMillis) {
    if (rate > 0) {
      return (long) (eventsBefore / rate * NANOS_PER_SECOND);
    }
    if (speed > 0) {
      return (long) ((timeMillis - firstTimeMillis) * NANOS_PER_MILLI / speed);
    }
    return 0;
  }
}
