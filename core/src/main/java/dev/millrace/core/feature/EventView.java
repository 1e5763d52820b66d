package dev.millrace.core.feature;

import org.jspecify.annotations.Nullable;

/**
 * One accepted event as accumulators see it: its place in the total order (event time, partition,
 * offset) and the columns of its view's {@link Aggregations}. A cursor may stand behind it, so it
 * is valid only during the call it is passed to.
 */
public interface EventView {

  long timeMillis();

  int partition();

  long offset();

  /** A number column, from 0; NaN where the event has no value. */
  double number(int column);

  /** An object column, from 0: Long, Float, Double, Integer, String, Boolean or null. */
  @Nullable Object object(int column);

  /** By (event time, partition, offset): negative where this event is before the other. */
  default int compareOrder(long otherTimeMillis, int otherPartition, long otherOffset) {
    int byTime = Long.compare(timeMillis(), otherTimeMillis);
    if (byTime != 0) {
      return byTime;
    }
    int byPartition = Integer.compare(partition(), otherPartition);
    return byPartition != 0 ? byPartition : Long.compare(offset(), otherOffset);
  }
}
