package dev.millrace.pipeline;

import dev.millrace.core.definition.FeatureView;
import dev.millrace.core.definition.Source;
import dev.millrace.core.feature.EntityState;
import dev.millrace.core.row.FeatureRow;
import dev.millrace.streaming.SourcePlan;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import org.apache.flink.api.common.accumulators.LongCounter;
import org.apache.flink.api.common.functions.OpenContext;
import org.apache.flink.streaming.api.functions.KeyedProcessFunction;
import org.apache.flink.util.Collector;
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

  private static final Comparator<Replayed> READ =
      Comparator.comparing(Replayed::event, RowOrder.BY_CAUSE);

  private final ViewRows rows;
  private final long endMillis;
  private final boolean ofRows;
  private final @Nullable RowEvents read;
  private final LongCounter entities = new LongCounter();
  private final LongCounter tooMany = new LongCounter();

  private transient List<Replayed> held;
  private transient @Nullable FeatureRow newest;
  private transient @Nullable Long placed;

  /**
   * A replay of one view.
   *
   * @param endMillis refreshes are due up to here
   * @param read what the replay of another view reads of the rows; null where it is this one that
   *     was asked for
   */
  @SuppressWarnings("NullAway.Init") // Flink opens a function before it is used.
  ReplayFunction(
      FeatureView view, SourcePlan plan, Source source, long endMillis, @Nullable RowEvents read) {
    this.rows = new ViewRows(view, plan, source.dedupWindow());
    this.endMillis = endMillis;
    this.ofRows = source.kind() == Source.Kind.VIEW;
    this.read = read;
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

  private void give(FeatureRow row, Collector<FeatureRow> out) {
    Optional.ofNullable(newest).ifPresent(before -> out.collect(before.withOnline(false)));
    newest = row;
  }
}
