package dev.millrace.inference;

import java.util.ArrayList;
import java.util.List;

/** The events that are scored together next. */
final class EventBatch {

  /** What a batch may hold of the heap, whatever its rows. */
  static final long BYTES_MAX = 8L << 20;

  private final int maxRows;
  private List<PendingEvent> events;
  private long bytes;
  private long arrivedMillis;

  EventBatch(int maxRows) {
    this.maxRows = maxRows;
    this.events = new ArrayList<>(maxRows);
  }

  boolean isEmpty() {
    return events.isEmpty();
  }

  /** Adds an event; the first one's time is that of the batch. */
  void add(PendingEvent event, long nowMillis) {
    if (events.isEmpty()) {
      arrivedMillis = nowMillis;
    }
    events.add(event);
    bytes += event.bytes;
  }

  /** Whether it has as many rows, or as many bytes as it may. */
  boolean isFull(int rows) {
    return events.size() >= rows || bytes >= BYTES_MAX;
  }

  /** When its first event came. */
  long arrivedMillis() {
    return arrivedMillis;
  }

  /** Gives the events, and begins anew. */
  List<PendingEvent> take() {
    List<PendingEvent> taken = events;
    events = new ArrayList<>(maxRows);
    bytes = 0;
    return taken;
  }
}
