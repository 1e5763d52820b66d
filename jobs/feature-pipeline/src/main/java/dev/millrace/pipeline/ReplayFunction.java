package dev.millrace.pipeline;

import dev.millrace.core.definition.FeatureView;
import dev.millrace.core.feature.EntityState;
import dev.millrace.core.row.FeatureRow;
import dev.millrace.streaming.SourcePlan;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import org.apache.flink.api.common.accumulators.LongCounter;
import org.apache.flink.api.common.functions.OpenContext;
import org.apache.flink.streaming.api.functions.KeyedProcessFunction;
import org.apache.flink.util.Collector;
import org.apache.flink.util.OutputTag;
import org.jspecify.annotations.Nullable;

/**
 * One view's rows over a bounded replay: what {@link RowFunction} does, with the end of an entity's
 * events in the place of watermarks.
 *
 * <p>In batch mode Flink brings one key after the other, each by timestamp; events of one timestamp
 * come in no order and are held until the next one comes. Memory: the events of one entity and
 * timestamp. Timers: one an entity, which Flink fires when its events are through.
 */
final class ReplayFunction extends KeyedProcessFunction<String, Replayed, FeatureRow> {

  private static final long serialVersionUID = 1L;

  /** Where the whole state of each entity comes out once its events are through. */
  static final OutputTag<EntityPart> STATE = new OutputTag<>("state", EntityPart.TYPE);

  private static final Comparator<Replayed> READ =
      Comparator.comparingInt((Replayed r) -> r.event().partition())
          .thenComparingLong(r -> r.event().offset());

  private final ViewRows rows;
  private final long endMillis;
  private final ReplayOrder order;
  private final boolean givesState;
  private final LongCounter entities = new LongCounter();
  private final LongCounter tooMany = new LongCounter();

  private transient List<Replayed> held;
  private transient @Nullable FeatureRow newest;

  /**
   * A replay of one view.
   *
   * @param endMillis refreshes are due up to here
   * @param order in which events come
   * @param givesState whether entities' states are wanted at {@link #STATE}
   */
  @SuppressWarnings("NullAway.Init") // Flink opens a function before it is used.
  ReplayFunction(
      FeatureView view,
      SourcePlan source,
      Duration dedupWindow,
      long endMillis,
      ReplayOrder order,
      boolean givesState) {
    this.rows = new ViewRows(view, source, dedupWindow);
    this.endMillis = endMillis;
    this.order = order;
    this.givesState = givesState;
  }

  @Override
  public void open(OpenContext context) {
    rows.open(getRuntimeContext());
    held = new ArrayList<>();
    getRuntimeContext().addAccumulator("entities", entities);
    getRuntimeContext().addAccumulator("tooMany", tooMany);
  }

  @Override
  public void processElement(Replayed replayed, Context context, Collector<FeatureRow> out)
      throws Exception {
    if (held.isEmpty()) {
      context.timerService().registerEventTimeTimer(Long.MAX_VALUE);
    } else if (held.get(0).orderMillis() != replayed.orderMillis()) {
      takeHeld(context, out);
    }
    held.add(replayed);
  }

  @Override
  public void onTimer(long timestampMillis, OnTimerContext context, Collector<FeatureRow> out)
      throws Exception {
    takeHeld(context, out);
    entities.add(1);
    EntityState state = rows.state();
    if (state != null) {
      rows.advance(
          state,
          context.getCurrentKey(),
          endMillis,
          context.timerService().currentProcessingTime(),
          row -> give(row, out));
      if (givesState) {
        state.timerMillis = rows.nextTimerMillis(state, endMillis);
        rows.update(state);
        rows.parts(context.getCurrentKey(), part -> context.output(STATE, part));
      }
    }
    // Only the last row of an entity goes online.
    FeatureRow last = newest;
    if (last != null) {
      out.collect(last.withOnline(true));
    }
    newest = null;
  }

  private void takeHeld(Context context, Collector<FeatureRow> out) throws Exception {
    held.sort(READ);
    EntityState state = rows.stateOrNew();
    for (Replayed replayed : held) {
      FeatureRow unusedRow =
          rows.accept(
              state,
              replayed.event(),
              context.timerService().currentProcessingTime(),
              row -> give(row, out),
              letter -> tooMany.add(1));
    }
    held.clear();
    rows.update(state);
  }

  /**
   * Holds a row until the next one comes. In the order of event time only the last of each T goes
   * out: an event that was read before an earlier one does not move the positions, so no reader
   * could tell which of two rows of one T is the later.
   */
  private void give(FeatureRow row, Collector<FeatureRow> out) {
    FeatureRow before = newest;
    if (before != null
        && order == ReplayOrder.EVENT_TIME
        && before.timeMillis() == row.timeMillis()) {
      // What is not logged changes no value.
      newest = row.logged() ? row : before;
      return;
    }
    if (before != null) {
      out.collect(before.withOnline(false));
    }
    newest = row;
  }
}
