package dev.millrace.core.feature;

import dev.millrace.core.row.Positions;
import org.jspecify.annotations.Nullable;

/** All that is remembered of one entity in one view. Mutable; one owner. */
public final class EntityState {

  static final long NEVER = Long.MIN_VALUE / 2;

  /** T of the last row. */
  public long timeMillis = NEVER;

  /** The largest event time accepted; where T is beyond it, T comes from a refresh. */
  public long eventTimeMillis = NEVER;

  public Positions positions = Positions.NONE;

  /** The wall time of the last refresh that went to Redis. */
  public long refreshedAtMillis;

  /** The event time of the one timer that is set; {@link Long#MAX_VALUE} where none is. */
  public long timerMillis = Long.MAX_VALUE;

  public final EventBuffer buffer;

  /** One for each feature that takes the last value without a window. */
  public final Latest[] latest;

  public EntityState(EventBuffer buffer, Latest[] latest) {
    this.buffer = buffer;
    this.latest = latest;
  }

  public EntityState copy() {
    Latest[] copies = new Latest[latest.length];
    for (int i = 0; i < latest.length; i++) {
      copies[i] = latest[i].copy();
    }
    EntityState copy = new EntityState(buffer.copy(), copies);
    copy.timeMillis = timeMillis;
    copy.eventTimeMillis = eventTimeMillis;
    copy.positions = positions;
    copy.refreshedAtMillis = refreshedAtMillis;
    copy.timerMillis = timerMillis;
    return copy;
  }

  /** The latest non-null value of a column by (event time, partition, offset). */
  public static final class Latest {
    public long timeMillis = NEVER;
    public int partition;
    public long offset;
    public @Nullable Object value;

    void offer(long eventTimeMillis, int eventPartition, long eventOffset, Object newValue) {
      boolean later =
          eventTimeMillis != timeMillis
              ? eventTimeMillis > timeMillis
              : eventPartition != partition ? eventPartition > partition : eventOffset > offset;
      if (later || value == null) {
        timeMillis = eventTimeMillis;
        partition = eventPartition;
        offset = eventOffset;
        value = newValue;
      }
    }

    Latest copy() {
      Latest copy = new Latest();
      copy.timeMillis = timeMillis;
      copy.partition = partition;
      copy.offset = offset;
      copy.value = value;
      return copy;
    }
  }
}
