package dev.millrace.core.feature;

import dev.millrace.core.row.FeatureRow;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * When an entity gets a row, and which T it has.
 *
 * <p>After each accepted event there is a row at T = the larger of the largest event time and the
 * last refresh. As time passes, the log gets a row at the first multiple of {@code refresh} at or
 * after an event left a window, where that changed a value; the online store also gets the present
 * T of every entity whose windows are not empty, at most once a wall second.
 */
public final class EntityRows {

  private static final long ONLINE_REFRESH_LEAST_MILLIS = 1_000;

  private final Aggregations aggregations;
  private final EntityWindows windows;
  private final long refreshMillis;

  /** The window of all time, or -1. */
  private final int allTime;

  public EntityRows(ViewPlan plan) {
    this.aggregations = plan.aggregations();
    long[] lengths = aggregations.windowsMillis();
    int last = lengths.length - 1;
    this.allTime = last >= 0 && lengths[last] == Aggregations.ALL_TIME ? last : -1;
    this.windows = plan.windows();
    this.refreshMillis = plan.refreshMillis();
  }

  /** Of an entity that has no event yet. */
  public EntityState newState() {
    return windows.newState();
  }

  /**
   * The refreshes that are due before an event's time, for the log. Which rows there are would else
   * depend on whether the watermark or the event came first.
   *
   * @return none where the event is out of order, or would not be taken
   */
  public List<FeatureRow> before(
      EntityState state, String entityKey, long eventMillis, long nowMillis, EntityStore store) {
    long firstDue = due(state);
    if (firstDue >= eventMillis || windows.full(state, eventMillis)) {
      return List.of();
    }
    List<FeatureRow> rows = new ArrayList<>();
    changes(state, entityKey, firstDue, eventMillis - 1, nowMillis, store, rows);
    // The event's own row follows at once, so none of these has to go online.
    rows.replaceAll(row -> row.withOnline(false));
    return rows;
  }

  /**
   * Takes an event and gives the row after it.
   *
   * @return null where the entity has as many events in its longest window as it may; the event is
   *     not taken then, and changes nothing
   */
  public @Nullable FeatureRow accept(
      EntityState state, String entityKey, EventView event, long nowMillis, EntityStore store) {
    long timeMillis = Math.max(state.timeMillis, event.timeMillis());
    if (windows.full(state, timeMillis)) {
      return null;
    }
    windows.moveTo(state, timeMillis, store);
    windows.add(state, event, store);
    addToAllTime(state, event);
    state.positions = state.positions.advance(event.partition(), event.offset());
    state.eventTimeMillis = Math.max(state.eventTimeMillis, event.timeMillis());
    state.timeMillis = timeMillis;
    windows.evict(state, store);
    return row(state, entityKey, nowMillis, values(state, timeMillis));
  }

  /** The row after an event that counts nowhere, because it was here before: it only moves on. */
  public FeatureRow passOver(
      EntityState state,
      String entityKey,
      int partition,
      long offset,
      long nowMillis,
      EntityStore store) {
    state.positions = state.positions.advance(partition, offset);
    windows.moveTo(state, state.timeMillis, store);
    return row(state, entityKey, nowMillis, values(state, state.timeMillis));
  }

  private void addToAllTime(EntityState state, EventView event) {
    if (allTime >= 0) {
      for (Accumulator accumulator : state.windows[allTime].accumulators) {
        accumulator.add(event);
      }
    }
  }

  /** Brings the entity's windows up to date: every row that is due at or before the watermark. */
  public List<FeatureRow> advance(
      EntityState state,
      String entityKey,
      long watermarkMillis,
      long nowMillis,
      EntityStore store) {
    List<FeatureRow> rows = new ArrayList<>();
    long at = changes(state, entityKey, due(state), watermarkMillis, nowMillis, store, rows);
    boolean empty = windows.empty(state);
    if (empty && at > state.timeMillis) {
      // The last event left and changed nothing: no row, and nothing more to wait for.
      state.timeMillis = at;
    }
    boolean throttled = nowMillis - state.refreshedAtMillis < ONLINE_REFRESH_LEAST_MILLIS;
    long present = Math.floorDiv(watermarkMillis, refreshMillis) * refreshMillis;
    if (!empty && !throttled && present > state.timeMillis) {
      windows.moveTo(state, present, store);
      state.timeMillis = present;
      rows.add(refreshed(state, entityKey, nowMillis, false, values(state, present)));
    }
    // Only to T: where nothing changed T stands, and an event may come that is before `at`.
    windows.evict(state, store);
    return online(state, rows, empty || !throttled, nowMillis);
  }

  /**
   * Moves the windows through every refresh at which something leaves, and adds a row for each that
   * changes a value.
   *
   * @return the time that the windows stand at then
   */
  private long changes(
      EntityState state,
      String entityKey,
      long firstDue,
      long throughMillis,
      long nowMillis,
      EntityStore store,
      List<FeatureRow> rows) {
    long at = state.windowsAtMillis;
    @Nullable Object[] before = null;
    // A watermark of MAX_VALUE ends the stream, and then nothing that leaves is left.
    for (long due = firstDue; due <= throughMillis && due != Long.MAX_VALUE; due = due(state)) {
      if (before == null) {
        before = values(state, at);
      }
      windows.moveTo(state, due, store);
      @Nullable Object[] values = values(state, due);
      at = due;
      if (!Arrays.equals(before, values)) {
        state.timeMillis = due;
        rows.add(refreshed(state, entityKey, nowMillis, true, values));
      }
      before = values;
    }
    return at;
  }

  /**
   * When to call {@link #advance} next; {@link Long#MAX_VALUE} where every window is empty, so that
   * no timer is left.
   */
  public long nextTimerMillis(EntityState state, long watermarkMillis) {
    if (windows.empty(state)) {
      return Long.MAX_VALUE;
    }
    long after = Math.max(state.timeMillis, watermarkMillis);
    return (Math.floorDiv(after, refreshMillis) + 1) * refreshMillis;
  }

  private long due(EntityState state) {
    long exit = windows.nextExitMillis(state);
    if (exit == Long.MAX_VALUE) {
      return Long.MAX_VALUE;
    }
    return -Math.floorDiv(-exit, refreshMillis) * refreshMillis;
  }

  private @Nullable Object[] values(EntityState state, long atMillis) {
    @Nullable Object[] values = new Object[aggregations.features()];
    for (int i = 0; i < state.windows.length; i++) {
      aggregations.read(i, state.windows[i].accumulators, atMillis, values);
    }
    return values;
  }

  /** Only the newest of the rows goes online, and only when it is time. */
  private static List<FeatureRow> online(
      EntityState state, List<FeatureRow> rows, boolean now, long nowMillis) {
    if (rows.isEmpty()) {
      return rows;
    }
    int last = rows.size() - 1;
    if (now) {
      state.refreshedAtMillis = nowMillis;
    }
    for (int i = 0; i <= last; i++) {
      rows.set(i, rows.get(i).withOnline(now && i == last));
    }
    return rows;
  }

  private static FeatureRow row(
      EntityState state, String entityKey, long nowMillis, @Nullable Object[] values) {
    return new FeatureRow(
        entityKey,
        state.timeMillis,
        state.positions,
        nowMillis,
        state.timeMillis > state.eventTimeMillis,
        true,
        true,
        values);
  }

  private static FeatureRow refreshed(
      EntityState state,
      String entityKey,
      long nowMillis,
      boolean logged,
      @Nullable Object[] values) {
    return new FeatureRow(
        entityKey, state.timeMillis, state.positions, nowMillis, true, logged, true, values);
  }
}
