package dev.millrace.pipeline.training;

/** Which rows of the log count for an event, besides T ≤ its time. */
public enum Knowledge {
  /** What the event saw in its stream: the rule of {@link dev.millrace.core.row.AsOf}. */
  STREAM,
  /** The same, among the rows that were known when the event was scored. */
  SERVED,
  /** What is known now of the entity at the event's time. */
  CORRECTED
}
