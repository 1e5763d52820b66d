package dev.millrace.pipeline;

import dev.millrace.core.definition.FeatureView;
import dev.millrace.core.feature.EntityState;
import dev.millrace.core.row.FeatureRow;
import dev.millrace.streaming.DeadLetter;
import dev.millrace.streaming.Inbound;
import dev.millrace.streaming.Serializers;
import dev.millrace.streaming.SourcePlan;
import java.time.Duration;
import org.apache.flink.api.common.functions.OpenContext;
import org.apache.flink.streaming.api.functions.KeyedProcessFunction;
import org.apache.flink.util.Collector;
import org.apache.flink.util.OutputTag;
import org.jspecify.annotations.Nullable;

/**
 * Moves the stream's events and watermarks to one view's rows; {@link ViewRows} keeps them.
 *
 * <p>State: that of {@link ViewRows}, and one timer per entity, none once its windows are empty.
 */
final class RowFunction extends KeyedProcessFunction<String, ViewEvent, FeatureRow> {

  private static final long serialVersionUID = 1L;

  static final OutputTag<DeadLetter> LETTERS =
      new OutputTag<>("row-letters", Serializers.DEAD_LETTER);

  /** Where the rows that events caused come out for the views that read this one. */
  static final OutputTag<Inbound> EVENTS = new OutputTag<>("row-events", Serializers.INBOUND);

  private final ViewRows rows;
  private final @Nullable RowEvents read;

  RowFunction(FeatureView view, SourcePlan source, Duration dedupWindow) {
    this(view, source, dedupWindow, null);
  }

  /**
   * @param read what other views read of the rows; null where there is none
   */
  RowFunction(FeatureView view, SourcePlan source, Duration dedupWindow, @Nullable RowEvents read) {
    this.rows = new ViewRows(view, source, dedupWindow);
    this.read = read;
  }

  @Override
  public void open(OpenContext context) {
    rows.open(getRuntimeContext());
  }

  @Override
  public void processElement(ViewEvent event, Context context, Collector<FeatureRow> out)
      throws Exception {
    EntityState state = rows.stateOrNew();
    FeatureRow row =
        rows.accept(
            state,
            event,
            context.timerService().currentProcessingTime(),
            out::collect,
            letter -> context.output(LETTERS, letter));
    if (row != null && read != null) {
      context.output(EVENTS, read.of(row, event.partition(), event.offset()));
    }
    setTimer(state, context);
    rows.update(state);
  }

  @Override
  public void onTimer(long timestampMillis, OnTimerContext context, Collector<FeatureRow> out)
      throws Exception {
    EntityState state = rows.state();
    if (state == null) {
      rows.forget();
      return;
    }
    if (state.timerMillis != timestampMillis) {
      return;
    }
    state.timerMillis = Long.MAX_VALUE;
    rows.advance(
        state,
        context.getCurrentKey(),
        context.timerService().currentWatermark(),
        context.timerService().currentProcessingTime(),
        out::collect);
    setTimer(state, context);
    rows.update(state);
  }

  /** One timer at a time; it is set anew when it fires, so that an event does not move it. */
  private void setTimer(EntityState state, Context context) throws Exception {
    if (state.timerMillis == Long.MAX_VALUE) {
      long next = rows.nextTimerMillis(state, context.timerService().currentWatermark());
      if (next != Long.MAX_VALUE) {
        context.timerService().registerEventTimeTimer(next);
      }
      state.timerMillis = next;
    }
  }
}
