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

  private final ViewPlan plan;

  public EntityRows(ViewPlan plan) {
    this.plan = plan;
  }

  /** Takes an event and gives the row after it. */
  public FeatureRow accept(
      EntityState state,
      String entityKey,
      long timeMillis,
      int partition,
      long offset,
      @Nullable Object[] values,
      long nowMillis) {
    state.positions = state.positions.advance(partition, offset);
    plan.take(state, timeMillis, partition, offset, values);
    if (timeMillis > state.eventTimeMillis) {
      state.eventTimeMillis = timeMillis;
    }
    if (timeMillis > state.timeMillis) {
      state.timeMillis = timeMillis;
      state.buffer.evictThrough(timeMillis - plan.longestMillis());
    }
    return row(
        state,
        entityKey,
        nowMillis,
        state.timeMillis > state.eventTimeMillis,
        true,
        plan.evaluate(state, state.timeMillis));
  }

  /** Brings the entity's windows up to date: every row that is due at or before the watermark. */
  public List<FeatureRow> advance(
      EntityState state, String entityKey, long watermarkMillis, long nowMillis) {
    List<FeatureRow> rows = new ArrayList<>();
    long at = state.timeMillis;
    @Nullable Object[] before = null;
    for (long due = due(state, at); due <= watermarkMillis; due = due(state, at)) {
      if (before == null) {
        before = plan.evaluate(state, at);
      }
      @Nullable Object[] values = plan.evaluate(state, due);
      at = due;
      if (!Arrays.equals(before, values)) {
        state.timeMillis = due;
        rows.add(row(state, entityKey, nowMillis, true, true, values));
      }
      before = values;
    }
    boolean empty = state.buffer.firstAfter(at - plan.longestMillis()) == state.buffer.size();
    if (empty && at > state.timeMillis) {
      // The last event left and changed nothing: no row, and nothing more to wait for.
      state.timeMillis = at;
    }
    // Not further than T: where nothing changed T stands, and an event may come that is before
    // `at`.
    state.buffer.evictThrough(state.timeMillis - plan.longestMillis());
    boolean throttled = nowMillis - state.refreshedAtMillis < ONLINE_REFRESH_LEAST_MILLIS;
    long present = Math.floorDiv(watermarkMillis, plan.refreshMillis()) * plan.refreshMillis();
    if (!empty && !throttled && present > state.timeMillis) {
      state.timeMillis = present;
      rows.add(row(state, entityKey, nowMillis, true, false, plan.evaluate(state, present)));
      state.buffer.evictThrough(present - plan.longestMillis());
    }
    return online(state, rows, empty || !throttled, nowMillis);
  }

  /**
   * When to call {@link #advance} next; {@link Long#MAX_VALUE} where every window is empty, so that
   * no timer is left.
   */
  public long nextTimerMillis(EntityState state, long watermarkMillis) {
    if (state.buffer.size() == 0) {
      return Long.MAX_VALUE;
    }
    long after = Math.max(state.timeMillis, watermarkMillis);
    return (Math.floorDiv(after, plan.refreshMillis()) + 1) * plan.refreshMillis();
  }

  private long due(EntityState state, long atMillis) {
    long exit = plan.nextExitMillis(state, atMillis);
    if (exit == Long.MAX_VALUE) {
      return Long.MAX_VALUE;
    }
    return -Math.floorDiv(-exit, plan.refreshMillis()) * plan.refreshMillis();
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
      FeatureRow row = rows.get(i);
      rows.set(
          i,
          new FeatureRow(
              row.entityKey(),
              row.timeMillis(),
              row.positions(),
              row.knownAtMillis(),
              row.refresh(),
              row.logged(),
              now && i == last,
              row.values()));
    }
    return rows;
  }

  private static FeatureRow row(
      EntityState state,
      String entityKey,
      long nowMillis,
      boolean refresh,
      boolean logged,
      @Nullable Object[] values) {
    return new FeatureRow(
        entityKey, state.timeMillis, state.positions, nowMillis, refresh, logged, true, values);
  }
}
