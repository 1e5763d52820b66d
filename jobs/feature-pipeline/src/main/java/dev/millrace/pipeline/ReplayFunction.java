package dev.millrace.pipeline;

import dev.millrace.core.feature.EntityState;
import dev.millrace.core.row.FeatureRow;
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
 * come in no order and are held until the next one comes. Rows of a view that are events get the
 * position that {@link RowOrder} gives them. Memory: the events of one entity and timestamp.
 * Timers: one an entity, which Flink fires when its events are through.
 */
final class ReplayFunction extends KeyedProcessFunction<String, Replayed, FeatureRow> {

  private static final long serialVersionUID = 1L;

  /** Where the whole state of each entity comes out once its events are through. */
  static final OutputTag<EntityPart> STATE = new OutputTag<>("state", EntityPart.TYPE);

  private static final Comparator<Replayed> READ =
      Comparator.comparing(Replayed::event, RowOrder.BY_CAUSE);

  private final ViewRows rows;
  private final long endMillis;
  private final ReplayOrder order;
  private final boolean ofRows;
  private final @Nullable RowEvents read;
  private final boolean givesState;
  private final LongCounter entities = new LongCounter();
  private final LongCounter tooMany = new LongCounter();

  private transient List<Replayed> held;
  private transient @Nullable FeatureRow newest;
  private transient @Nullable Long placed;

  /**
   * A replay of one view.
   *
   * @param rows of the view
   * @param ofRows whether its events are the rows of another view
   * @param endMillis refreshes are due up to here
   * @param order in which events come
   * @param read what the replay of another view reads of the rows; null where it is this one that
   *     was asked for
   * @param givesState whether entities' states are wanted at {@link #STATE}
   */
  @SuppressWarnings("NullAway.Init") // Flink opens a function before it is used.
  ReplayFunction(
      ViewRows rows,
      boolean ofRows,
      long endMillis,
      ReplayOrder order,
      @Nullable RowEvents read,
      boolean givesState) {
    this.rows = rows;
    this.endMillis = endMillis;
    this.order = order;
    this.ofRows = ofRows;
    this.read = read;
    this.givesState = givesState;
  }

  @Override
  public void open(OpenContext context) {
    rows.open(getRuntimeContext());
    held = new ArrayList<>();
    if (read == null) {
      getRuntimeContext().addAccumulator("entities", entities);
    }
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
    placed = null;
  }

  private void takeHeld(Context context, Collector<FeatureRow> out) throws Exception {
    held.sort(READ);
    EntityState state = rows.stateOrNew();
    for (Replayed replayed : held) {
      ViewEvent cause = replayed.event();
      ViewEvent event = ofRows ? RowOrder.placed(cause, placed) : cause;
      placed = event.offset();
      FeatureRow row =
          rows.accept(
              state,
              event,
              context.timerService().currentProcessingTime(),
              given -> give(given, out),
              letter -> tooMany.add(1));
      if (row != null && read != null) {
        context.output(RowFunction.EVENTS, read.of(row, event.partition(), event.offset()));
      }
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
