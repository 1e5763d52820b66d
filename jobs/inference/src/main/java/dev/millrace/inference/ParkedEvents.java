package dev.millrace.inference;

import dev.millrace.streaming.Event;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.PriorityQueue;
import java.util.TreeMap;
import java.util.function.LongFunction;
import org.jspecify.annotations.Nullable;

/**
 * Events whose rows do not include them yet. Each is asked for again after a pause that rises from
 * 1 to 5 ms, with the next batch's reads or on its own, and goes on when its rows include it, when
 * {@code max-feature-wait} is over, or when the store cannot be asked.
 *
 * <p>What is parked here is bounded by its owner, who waits while {@link #isOver}; it passes its
 * bound by no more than one batch. For one thread.
 */
final class ParkedEvents {

  /** At 40,000 events/s and a wait of 100 ms each. */
  static final int ROWS_MAX = 4_096;

  static final long BYTES_MAX = 64L << 20;

  /** How many parked events one round trip asks for: it must not hold up the batch it goes with. */
  static final int ROUND_MAX = 512;

  private static final long PAUSE_MOST_MILLIS = 5;

  private final ScoringPlan plan;
  private final @Nullable FeatureLookup lookup;
  private final LongFunction<Serving.@Nullable Served> servedAt;
  private final InferenceMetrics metrics;
  private final PriorityQueue<Parked> byDue =
      new PriorityQueue<>(
          Comparator.<Parked>comparingLong(p -> p.dueMillis).thenComparingLong(p -> p.number));

  /** How many events are parked, by their time. */
  private final TreeMap<Long, Integer> times = new TreeMap<>();

  private long bytes;
  private long parkedCount;

  private static final class Parked {
    final PendingEvent event;
    final long number;
    final long sinceMillis;
    final long deadlineMillis;
    long pauseMillis;
    long dueMillis;

    Parked(PendingEvent event, long number, long sinceMillis, long waitMillis) {
      this.event = event;
      this.number = number;
      this.sinceMillis = sinceMillis;
      this.deadlineMillis = sinceMillis + waitMillis;
    }
  }

  /**
   * Nothing is parked.
   *
   * @param lookup null where events come with their rows
   * @param servedAt who serves an event of this time, as far as is known now
   */
  ParkedEvents(
      ScoringPlan plan,
      @Nullable FeatureLookup lookup,
      LongFunction<Serving.@Nullable Served> servedAt,
      InferenceMetrics metrics) {
    this.plan = plan;
    this.lookup = lookup;
    this.servedAt = servedAt;
    this.metrics = metrics;
  }

  /**
   * Reads rows for a batch, and for those that are due, and gives the events that can be scored;
   * the others of the batch are parked.
   */
  List<PendingEvent> ready(List<PendingEvent> batch, long nowMillis) {
    batch.forEach(this::serve);
    FeatureLookup reads = lookup;
    if (reads == null) {
      return batch;
    }
    List<PendingEvent> ready = new ArrayList<>(batch.size());
    List<Parked> due = takeDue(nowMillis, ready);
    List<PendingEvent> asked = new ArrayList<>(batch.size() + due.size());
    due.forEach(p -> asked.add(p.event));
    asked.addAll(batch);
    boolean answered = reads.read(asked);
    for (Parked parked : due) {
      if (answered && nowMillis < parked.deadlineMillis && parked.event.waits(plan)) {
        again(parked, nowMillis);
      } else {
        leave(parked, nowMillis, ready);
      }
    }
    for (PendingEvent event : batch) {
      if (answered && plan.maxFeatureWaitMillis() > 0 && event.waits(plan)) {
        park(event, nowMillis);
      } else {
        ready.add(event);
      }
    }
    if (!answered) {
      for (Parked parked = byDue.poll(); parked != null; parked = byDue.poll()) {
        leave(parked, nowMillis, ready);
      }
    }
    return ready;
  }

  /** Takes those that are to be asked for; those whose time is over and that are too many go on. */
  private List<Parked> takeDue(long nowMillis, List<PendingEvent> ready) {
    List<Parked> due = new ArrayList<>();
    List<Parked> left = new ArrayList<>();
    for (Parked next = byDue.peek();
        next != null && next.dueMillis <= nowMillis;
        next = byDue.peek()) {
      byDue.remove();
      if (due.size() < ROUND_MAX) {
        serve(next.event);
        due.add(next);
      } else if (next.deadlineMillis <= nowMillis) {
        leave(next, nowMillis, ready);
      } else {
        left.add(next);
      }
    }
    byDue.addAll(left);
    return due;
  }

  private void park(PendingEvent event, long nowMillis) {
    bytes += event.bytes;
    times.merge(event.event.eventTimeMillis(), 1, Integer::sum);
    again(new Parked(event, parkedCount++, nowMillis, plan.maxFeatureWaitMillis()), nowMillis);
  }

  private void again(Parked parked, long nowMillis) {
    parked.pauseMillis = Math.min(PAUSE_MOST_MILLIS, parked.pauseMillis + 1);
    parked.dueMillis = Math.min(nowMillis + parked.pauseMillis, parked.deadlineMillis);
    byDue.add(parked);
  }

  private void leave(Parked parked, long nowMillis, List<PendingEvent> ready) {
    serve(parked.event);
    bytes -= parked.event.bytes;
    times.computeIfPresent(
        parked.event.event.eventTimeMillis(), (t, n) -> n == 1 ? null : Integer.valueOf(n - 1));
    metrics.featureWaitMs.update(nowMillis - parked.sinceMillis);
    ready.add(parked.event);
  }

  /** A deployment may have changed since it was parked. */
  private void serve(PendingEvent event) {
    event.served = servedAt.apply(event.event.eventTimeMillis());
  }

  /** When the first of them is to be asked for again. */
  long dueMillis() {
    Parked first = byDue.peek();
    return first == null ? Long.MAX_VALUE : first.dueMillis;
  }

  /** The least time of an event that is parked. */
  long leastEventTimeMillis() {
    return times.isEmpty() ? Long.MAX_VALUE : times.firstKey();
  }

  /** Whether more is parked than may be. */
  boolean isOver() {
    return byDue.size() > ROWS_MAX || bytes > BYTES_MAX;
  }

  boolean isEmpty() {
    return byDue.isEmpty();
  }

  int size() {
    return byDue.size();
  }

  /** All of them, for a snapshot. */
  List<Joined> events() {
    List<Joined> events = new ArrayList<>(byDue.size());
    for (Parked parked : byDue) {
      Event event = parked.event.event;
      events.add(new Joined(event, null, null));
    }
    return events;
  }
}
