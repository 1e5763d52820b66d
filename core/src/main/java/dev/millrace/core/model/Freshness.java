package dev.millrace.core.model;

/** How a view's row stood to the event that was scored with it. */
public enum Freshness {
  /** The row holds what it should at the event's time. */
  INCLUDED,
  /** The row is behind the event. */
  STALE,
  /** The row's T is more than a minute beyond the event's time: it may know the event's future. */
  AHEAD,
  /** There is no row, or the online store could not be asked. */
  MISSING
}
