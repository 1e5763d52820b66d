package dev.millrace.pipeline;

import dev.millrace.core.feature.EntityRows;
import dev.millrace.core.feature.EntityState;
import dev.millrace.core.feature.ViewPlan;
import dev.millrace.core.row.FeatureRow;
import dev.millrace.streaming.RecordType;
import java.time.Duration;
import org.apache.flink.api.common.functions.OpenContext;
import org.apache.flink.api.common.state.StateTtlConfig;
import org.apache.flink.api.common.state.ValueState;
import org.apache.flink.api.common.state.ValueStateDescriptor;
import org.apache.flink.streaming.api.functions.KeyedProcessFunction;
import org.apache.flink.util.Collector;

/**
 * Moves events and time to one view's rows; {@link EntityRows} decides.
 *
 * <p>Late data: judged before, every event here counts. State: one value per entity, the events of
 * its longest window; it lives as long as the entity's row in Redis, by processing time, because a
 * row without the positions of an older one would be refused there. One timer per entity, none once
 * its windows are empty.
 */
final class RowFunction extends KeyedProcessFunction<String, ViewEvent, FeatureRow> {

  private static final long serialVersionUID = 1L;

  /** State must not go before the row in Redis, whose life starts a little later. */
  private static final Duration LONGER_THAN_ROW = Duration.ofHours(1);

  private final ViewPlan plan;
  private final Duration rowTtl;

  private transient EntityRows rows;
  private transient ValueState<EntityState> entity;

  @SuppressWarnings("NullAway.Init") // Flink calls open before the first element.
  RowFunction(ViewPlan plan, Duration rowTtl) {
    this.plan = plan;
    this.rowTtl = rowTtl;
  }

  @Override
  public void open(OpenContext context) {
    rows = new EntityRows(plan);
    ValueStateDescriptor<EntityState> descriptor =
        new ValueStateDescriptor<>(
            "entity", new RecordType<>(EntityState.class, EntityStateSerializer.INSTANCE));
    descriptor.enableTimeToLive(
        StateTtlConfig.newBuilder(rowTtl.plus(LONGER_THAN_ROW))
            .updateTtlOnCreateAndWrite()
            .neverReturnExpired()
            .cleanupIncrementally(10, false)
            .cleanupInRocksdbCompactFilter(1_000)
            .build());
    entity = getRuntimeContext().getState(descriptor);
  }

  @Override
  public void processElement(ViewEvent event, Context context, Collector<FeatureRow> out)
      throws Exception {
    EntityState state = entity.value();
    if (state == null) {
      state = plan.newState();
    }
    out.collect(
        rows.accept(
            state,
            event.entityKey(),
            event.timeMillis(),
            event.partition(),
            event.offset(),
            event.columns(),
            context.timerService().currentProcessingTime()));
    setTimer(state, context);
    entity.update(state);
  }

  @Override
  public void onTimer(long timestampMillis, OnTimerContext context, Collector<FeatureRow> out)
      throws Exception {
    EntityState state = entity.value();
    if (state == null || state.timerMillis != timestampMillis) {
      return;
    }
    state.timerMillis = Long.MAX_VALUE;
    rows.advance(
            state,
            context.getCurrentKey(),
            context.timerService().currentWatermark(),
            context.timerService().currentProcessingTime())
        .forEach(out::collect);
    setTimer(state, context);
    entity.update(state);
  }

  /** One timer at a time; it is set anew when it fires, so that an event does not move it. */
  private void setTimer(EntityState state, Context context) {
    if (state.timerMillis == Long.MAX_VALUE) {
      long next = rows.nextTimerMillis(state, context.timerService().currentWatermark());
      if (next != Long.MAX_VALUE) {
        context.timerService().registerEventTimeTimer(next);
      }
      state.timerMillis = next;
    }
  }
}
