package dev.millrace.core.rollout;

import org.jspecify.annotations.Nullable;

/**
 * How far a model's labels are mature, in event time: the "now" of every decision about it.
 *
 * <p>Windows come in order, but each in several records. A window counts once a later one has
 * begun: a decision then never sees half of a window, and does not depend on which of its records
 * came first.
 *
 * @param newestEndMillis the largest end of a window seen
 * @param nowMillis the largest end of a window that a later one has followed
 */
public record MatureTime(@Nullable Long newestEndMillis, @Nullable Long nowMillis) {

  public static final MatureTime UNKNOWN = new MatureTime(null, null);

  /** After a record of the window that ends then. */
  public MatureTime after(long windowEndMillis) {
    Long newest = newestEndMillis;
    if (newest == null) {
      return new MatureTime(windowEndMillis, null);
    }
    return windowEndMillis > newest ? new MatureTime(windowEndMillis, newest) : this;
  }
}
