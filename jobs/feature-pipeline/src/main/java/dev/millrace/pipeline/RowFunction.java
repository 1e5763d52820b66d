package dev.millrace.pipeline;

import dev.millrace.core.definition.FeatureView;
import dev.millrace.core.feature.Accumulator;
import dev.millrace.core.feature.Arrival;
import dev.millrace.core.feature.EntityRows;
import dev.millrace.core.feature.EntityState;
import dev.millrace.core.feature.EventPage;
import dev.millrace.core.feature.ViewPlan;
import dev.millrace.core.row.FeatureRow;
import dev.millrace.streaming.DeadLetter;
import dev.millrace.streaming.Inbound;
import dev.millrace.streaming.RecordType;
import dev.millrace.streaming.Serializers;
import dev.millrace.streaming.SourcePlan;
import java.time.Duration;
import java.util.Iterator;
import java.util.Map;
import org.apache.flink.api.common.functions.OpenContext;
import org.apache.flink.api.common.state.MapState;
import org.apache.flink.api.common.state.MapStateDescriptor;
import org.apache.flink.api.common.state.StateTtlConfig;
import org.apache.flink.api.common.state.ValueState;
import org.apache.flink.api.common.state.ValueStateDescriptor;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.metrics.Counter;
import org.apache.flink.streaming.api.functions.KeyedProcessFunction;
import org.apache.flink.util.Collector;
import org.apache.flink.util.OutputTag;
import org.jspecify.annotations.Nullable;

/**
 * Moves events and time to one view's rows; {@link EntityRows} decides.
 *
 * <p>Late data: judged before, every event here counts, except one whose id was here within the
 * source's {@code dedup-window} (its row only moves on) and one too many for its entity (a letter).
 *
 * <p>State: one value per entity and, beside it, its older pages of events or its tiles, and the
 * ids of the dedup window. The value lives as long as the entity's row in Redis, by processing
 * time, because a row without the positions of an older one would be refused there; what is beside
 * it goes with the windows, by event time. One timer per entity, none once its windows are empty.
 */
final class RowFunction extends KeyedProcessFunction<String, ViewEvent, FeatureRow> {

  private static final long serialVersionUID = 1L;

  static final OutputTag<DeadLetter> LETTERS =
      new OutputTag<>("row-letters", Serializers.DEAD_LETTER);

  /** Where the rows that events caused come out for the views that read this one. */
  static final OutputTag<Inbound> EVENTS = new OutputTag<>("row-events", Serializers.INBOUND);

  /** State must not go before the row in Redis, whose life starts a little later. */
  private static final Duration LONGER_THAN_ROW = Duration.ofHours(1);

  private final ViewPlan plan;
  private final SourcePlan source;
  private final String view;
  private final int eventsMost;
  private final Duration rowTtl;
  private final long dedupMillis;
  private final long latenessMillis;
  private final @Nullable RowEvents read;

  private transient EntityRows rows;
  private transient ValueState<EntityState> entity;
  private transient MapState<String, Long> seen;
  private transient StateStore store;
  private transient Counter repeated;
  private transient Counter tooMany;

  RowFunction(FeatureView view, SourcePlan source, Duration dedupWindow) {
    this(view, source, dedupWindow, null);
  }

  /**
   * @param read what other views read of the rows; null where there is none
   */
  @SuppressWarnings("NullAway.Init") // Flink calls open before the first element.
  RowFunction(FeatureView view, SourcePlan source, Duration dedupWindow, @Nullable RowEvents read) {
    this.read = read;
    this.plan = ViewPlan.of(view);
    this.source = source;
    this.view = view.name();
    this.eventsMost = view.maxEventsPerKey();
    this.rowTtl = view.ttl();
    this.dedupMillis = dedupWindow.toMillis();
    this.latenessMillis = view.allowedLateness().toMillis();
  }

  @Override
  public void open(OpenContext context) {
    rows = new EntityRows(plan);
    ValueStateDescriptor<EntityState> descriptor =
        new ValueStateDescriptor<>(
            "entity", new RecordType<>(EntityState.class, EntityStateSerializer.OfEntity.INSTANCE));
    descriptor.enableTimeToLive(
        StateTtlConfig.newBuilder(rowTtl.plus(LONGER_THAN_ROW))
            .updateTtlOnCreateAndWrite()
            .neverReturnExpired()
            .cleanupIncrementally(10, false)
            .cleanupInRocksdbCompactFilter(1_000)
            .build());
    entity = getRuntimeContext().getState(descriptor);
    MapState<Long, EventPage> pages =
        getRuntimeContext()
            .getMapState(
                new MapStateDescriptor<>(
                    "pages",
                    Types.LONG,
                    new RecordType<>(EventPage.class, EntityStateSerializer.OfPage.INSTANCE)));
    MapState<Long, Accumulator[]> tiles =
        getRuntimeContext()
            .getMapState(
                new MapStateDescriptor<>(
                    "tiles",
                    Types.LONG,
                    new RecordType<>(Accumulator[].class, EntityStateSerializer.OfTile.INSTANCE)));
    store = new StateStore(pages, tiles);
    seen =
        getRuntimeContext()
            .getMapState(new MapStateDescriptor<>("seen-ids", Types.STRING, Types.LONG));
    repeated = getRuntimeContext().getMetricGroup().counter("eventsRepeated");
    tooMany = getRuntimeContext().getMetricGroup().counter("eventsTooMany");
  }

  @Override
  public void processElement(ViewEvent event, Context context, Collector<FeatureRow> out)
      throws Exception {
    EntityState state = entity.value();
    if (state == null) {
      forget();
      state = rows.newState();
    }
    long nowMillis = context.timerService().currentProcessingTime();
    if (wasHere(event) && state.timeMillis > Long.MIN_VALUE / 2) {
      repeated.inc();
      out.collect(
          rows.passOver(
              state, event.entityKey(), event.partition(), event.offset(), nowMillis, store));
    } else {
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
        context.output(LETTERS, tooMany(event));
        return;
      }
      if (event.eventId() != null && dedupMillis > 0) {
        seen.put(event.eventId(), event.timeMillis());
      }
      out.collect(row);
      if (read != null) {
        context.output(EVENTS, read.of(row, event.partition(), event.offset()));
      }
    }
    setTimer(state, context);
    entity.update(state);
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

  @Override
  public void onTimer(long timestampMillis, OnTimerContext context, Collector<FeatureRow> out)
      throws Exception {
    EntityState state = entity.value();
    if (state == null) {
      forget();
      return;
    }
    if (state.timerMillis != timestampMillis) {
      return;
    }
    state.timerMillis = Long.MAX_VALUE;
    long watermarkMillis = context.timerService().currentWatermark();
    rows.advance(
            state,
            context.getCurrentKey(),
            watermarkMillis,
            context.timerService().currentProcessingTime(),
            store)
        .forEach(out::collect);
    if (dedupMillis > 0) {
      forgetIdsBefore(watermarkMillis - dedupMillis - latenessMillis);
    }
    setTimer(state, context);
    entity.update(state);
  }

  /** What may be left of an entity whose value has expired while event time stood still. */
  private void forget() throws Exception {
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

  /** One timer at a time; it is set anew when it fires, so that an event does not move it. */
  private void setTimer(EntityState state, Context context) throws Exception {
    if (state.timerMillis == Long.MAX_VALUE) {
      long watermarkMillis = context.timerService().currentWatermark();
      long next = rows.nextTimerMillis(state, watermarkMillis);
      if (next == Long.MAX_VALUE && dedupMillis > 0 && !seen.isEmpty()) {
        next = Math.max(state.timeMillis, watermarkMillis) + dedupMillis + latenessMillis + 1;
      }
      if (next != Long.MAX_VALUE) {
        context.timerService().registerEventTimeTimer(next);
      }
      state.timerMillis = next;
    }
  }
}
