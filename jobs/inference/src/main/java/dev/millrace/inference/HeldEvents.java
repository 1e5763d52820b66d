package dev.millrace.inference;

import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Events beyond the barrier of a deployment that is being prepared. */
final class HeldEvents {

  /** Beyond it the task fails and reads the events again when the registry is back. */
  static final int MAX = 500_000;

  private List<Joined> events = new ArrayList<>();

  /** What READY is announced with; null where nothing is held. */
  private @Nullable Long barrierMillis;

  /** From now on events beyond this time are held. */
  void holdBeyond(long eventTimeMillis) {
    barrierMillis = eventTimeMillis;
  }

  /** Whether there is a barrier. */
  boolean holds() {
    return barrierMillis != null;
  }

  boolean isBeyond(long eventTimeMillis) {
    Long barrier = barrierMillis;
    return barrier != null && eventTimeMillis > barrier;
  }

  /** Holds an event; false where there is no room. */
  boolean add(Joined joined) {
    return events.size() < MAX && events.add(joined);
  }

  /** Takes the barrier away and gives what it kept apart. */
  List<Joined> release() {
    List<Joined> released = events;
    events = new ArrayList<>();
    barrierMillis = null;
    return released;
  }

  /** What time may come to: no further than what is held. */
  long boundMillis() {
    Long barrier = barrierMillis;
    return barrier == null || events.isEmpty() ? Long.MAX_VALUE : barrier;
  }

  int size() {
    return events.size();
  }

  /** All of them, for a snapshot. */
  List<Joined> events() {
    return List.copyOf(events);
  }
}
