package dev.millrace.pipeline;

import dev.millrace.core.definition.FeatureView;
import dev.millrace.core.feature.Arrival;
import dev.millrace.core.feature.EntityRows;
import dev.millrace.core.feature.EntityState;
import dev.millrace.core.feature.ViewPlan;
import dev.millrace.core.row.FeatureRow;
import dev.millrace.streaming.DeadLetter;
import dev.millrace.streaming.SourcePlan;
import java.io.Serializable;
import java.time.Duration;
import java.util.Iterator;
import java.util.Map;
import java.util.function.Consumer;
import org.apache.flink.api.common.functions.RuntimeContext;
import org.apache.flink.api.common.state.MapState;
import org.apache.flink.api.common.state.ValueState;
import org.apache.flink.metrics.Counter;
import org.jspecify.annotations.Nullable;

/**
 * One view's rows in keyed state, for whoever brings the events and the time: the stream, or a
 * backfill. {@link EntityRows} decides.
 *
 * <p>Late data: judged before, every event here counts, except one whose id was here within the
 * source's {@code dedup-window} (its row only moves on) and one too many for its entity (a letter).
 *
 * <p>State: one value per entity and, beside it, its older pages of events or its tiles, and the
 * ids of the dedup window. The value lives as long as the entity's row in Redis, by processing
 * time, because a row without the positions of an older one would be refused there; what is beside
 * it goes with the windows, by event time.
 */
final class ViewRows implements Serializable {

  private static final long serialVersionUID = 1L;

  private final ViewPlan plan;
  private final SourcePlan source;
  private final String view;
  private final int eventsMost;
  private final Duration rowTtl;
  private final long dedupMillis;
  private final long latenessMillis;

  private transient EntityRows rows;
  private transient ViewState keyed;
  private transient ValueState<EntityState> entity;
  private transient MapState<String, Long> seen;
  private transient StateStore store;
  private transient Counter repeated;
  private transient Counter tooMany;

  @SuppressWarnings("NullAway.Init") // Whoever owns it calls open first.
  ViewRows(FeatureView view, SourcePlan source, Duration dedupWindow) {
    this.plan = ViewPlan.of(view);
    this.source = source;
    this.view = view.name();
    this.eventsMost = view.maxEventsPerKey();
    this.rowTtl = view.ttl();
    this.dedupMillis = dedupWindow.toMillis();
    this.latenessMillis = view.allowedLateness().toMillis();
  }

  void open(RuntimeContext context) {
    rows = new EntityRows(plan);
    keyed = new ViewState(context, rowTtl);
    entity = keyed.entity();
    seen = keyed.seen();
    store = keyed.store();
    repeated = context.getMetricGroup().counter("eventsRepeated");
    tooMany = context.getMetricGroup().counter("eventsTooMany");
  }

  /** The state of the current key; null where there is none. */
  @Nullable EntityState state() throws Exception {
    return entity.value();
  }

  void update(EntityState state) throws Exception {
    entity.update(state);
  }

  /** The state of the current key, made where there is none. */
  EntityState stateOrNew() throws Exception {
    EntityState state = entity.value();
    if (state == null) {
      forget();
      state = rows.newState();
    }
    return state;
  }

  /**
   * Gives the rows that are due before an event, and the one after it.
   *
   * @return the row after it; null where the event counts nowhere
   */
  @Nullable FeatureRow accept(
      EntityState state,
      ViewEvent event,
      long nowMillis,
      Consumer<FeatureRow> out,
      Consumer<DeadLetter> letters)
      throws Exception {
    if (wasHere(event) && state.timeMillis > Long.MIN_VALUE / 2) {
      repeated.inc();
      out.accept(
          rows.passOver(
              state, event.entityKey(), event.partition(), event.offset(), nowMillis, store));
      return null;
    }
    rows.before(state, event.entityKey(), event.timeMillis(), nowMillis, store).forEach(out);
    FeatureRow row =
        rows.accept(
            state,
            event.entityKey(),
            new Arrival(
                event.timeMillis(),
                event.partition(),
                event.offset(),
                event.columns(),
                plan.aggregations().numberColumns()),
            nowMillis,
            store);
    if (row == null) {
      tooMany.inc();
      letters.accept(tooMany(event));
      return null;
    }
    if (event.eventId() != null && dedupMillis > 0) {
      seen.put(event.eventId(), event.timeMillis());
    }
    out.accept(row);
    return row;
  }

  private boolean wasHere(ViewEvent event) throws Exception {
    if (event.eventId() == null || dedupMillis == 0) {
      return false;
    }
    Long before = seen.get(event.eventId());
    return before != null && Math.abs(before - event.timeMillis()) <= dedupMillis;
  }

  private DeadLetter tooMany(ViewEvent event) {
    return DeadLetter.withoutBytes(
        source.name(),
        source.topic(),
        event.partition(),
        event.offset(),
        event.timeMillis(),
        DeadLetter.Reason.TOO_MANY_EVENTS,
        "entity "
            + event.entityKey()
            + " has "
            + eventsMost
            + " events in the longest window of view "
            + view
            + " already; raise max-events-per-key, or take accuracy: tiled",
        source.stage() + "/" + view);
  }

  /** Gives every row that is due at or before the watermark. */
  void advance(
      EntityState state, String key, long watermarkMillis, long nowMillis, Consumer<FeatureRow> out)
      throws Exception {
    rows.advance(state, key, watermarkMillis, nowMillis, store).forEach(out);
    if (dedupMillis > 0) {
      forgetIdsBefore(watermarkMillis - dedupMillis - latenessMillis);
    }
  }

  /** When to {@link #advance} next; {@link Long#MAX_VALUE} where nothing is left to wait for. */
  long nextTimerMillis(EntityState state, long watermarkMillis) throws Exception {
    long next = rows.nextTimerMillis(state, watermarkMillis);
    return next == Long.MAX_VALUE && dedupMillis > 0 && !seen.isEmpty()
        ? Math.max(state.timeMillis, watermarkMillis) + dedupMillis + latenessMillis + 1
        : next;
  }

  /** Gives the whole state of the current key. */
  void parts(String entityKey, Consumer<EntityPart> out) throws Exception {
    keyed.parts(entityKey, out);
  }

  /** What may be left of an entity whose value has expired while event time stood still. */
  void forget() throws Exception {
    store.clear();
    if (dedupMillis > 0) {
      seen.clear();
    }
  }

  private void forgetIdsBefore(long timeMillis) throws Exception {
    for (Iterator<Map.Entry<String, Long>> ids = seen.iterator(); ids.hasNext(); ) {
      if (ids.next().getValue() < timeMillis) {
        ids.remove();
      }
    }
    if (seen.isEmpty()) {
      // On the heap an empty map would stay.
      seen.clear();
    }
  }
}
