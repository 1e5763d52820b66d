package dev.millrace.pipeline;

import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
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
import org.jspecify.annotations.Nullable;

/**
 * Brings the rows that one entity of a derived view reads into the order of (T, partition, offset)
 * and gives each a position that follows from that order alone.
 *
 * <p>The rows come from several tasks and overtake each other, so the positions of the events that
 * caused them do not ascend here, and which row was first differs from run to run. A row waits
 * until the watermark has passed its T; then all before it are there. What comes behind the
 * watermark, because its event came within {@code allowed-lateness}, is passed on at once.
 *
 * <p>The position is partition 0 and the offset {@code T * 1000 + n} of the n-th row of that
 * millisecond, or the next one after the last where that is larger. It needs no count since the
 * beginning, so a job that begins in the middle of history gives the same ones, and Redis, which
 * compares doubles, has them exactly until the year 2255.
 *
 * <p>State: the rows that wait, and the last position for as long as the entity's row may live.
 */
final class RowOrder extends KeyedProcessFunction<String, ViewEvent, ViewEvent> {

  private static final long serialVersionUID = 1L;

  private static final long POSITIONS_PER_MILLI = 1_000;
  private static final Duration LONGER_THAN_ROW = Duration.ofHours(1);

  static final Comparator<ViewEvent> BY_CAUSE =
      Comparator.comparingInt(ViewEvent::partition).thenComparingLong(ViewEvent::offset);

  private final Duration rowTtl;

  private transient MapState<Long, List<ViewEvent>> waiting;
  private transient ValueState<Long> last;
  private transient Counter behind;

  @SuppressWarnings("NullAway.Init") // Flink calls open before the first element.
  RowOrder(Duration rowTtl) {
    this.rowTtl = rowTtl;
  }

  @Override
  public void open(OpenContext context) {
    waiting =
        getRuntimeContext()
            .getMapState(
                new MapStateDescriptor<>("waiting", Types.LONG, Types.LIST(ViewEvent.TYPE)));
    ValueStateDescriptor<Long> descriptor = new ValueStateDescriptor<>("last", Types.LONG);
    descriptor.enableTimeToLive(
        StateTtlConfig.newBuilder(rowTtl.plus(LONGER_THAN_ROW))
            .updateTtlOnCreateAndWrite()
            .neverReturnExpired()
            .cleanupIncrementally(10, false)
            .cleanupInRocksdbCompactFilter(1_000)
            .build());
    last = getRuntimeContext().getState(descriptor);
    behind = getRuntimeContext().getMetricGroup().counter("rowsBehindWatermark");
  }

  @Override
  public void processElement(ViewEvent event, Context context, Collector<ViewEvent> out)
      throws Exception {
    if (event.timeMillis() <= context.timerService().currentWatermark()) {
      behind.inc();
      out.collect(next(event));
      return;
    }
    List<ViewEvent> sameTime = waiting.get(event.timeMillis());
    if (sameTime == null) {
      sameTime = new ArrayList<>();
      context.timerService().registerEventTimeTimer(event.timeMillis());
    }
    sameTime.add(event);
    waiting.put(event.timeMillis(), sameTime);
  }

  @Override
  public void onTimer(long timestampMillis, OnTimerContext context, Collector<ViewEvent> out)
      throws Exception {
    List<ViewEvent> sameTime = waiting.get(timestampMillis);
    if (sameTime == null) {
      return;
    }
    List<ViewEvent> ordered = new ArrayList<>(sameTime);
    ordered.sort(BY_CAUSE);
    for (ViewEvent event : ordered) {
      out.collect(next(event));
    }
    waiting.remove(timestampMillis);
    if (waiting.isEmpty()) {
      // On the heap an empty map would stay.
      waiting.clear();
    }
  }

  private ViewEvent next(ViewEvent event) throws Exception {
    ViewEvent placed = placed(event, last.value());
    last.update(placed.offset());
    return placed;
  }

  /**
   * A row at its own position.
   *
   * @param before the last position of its entity; null where there was none
   */
  static ViewEvent placed(ViewEvent event, @Nullable Long before) {
    long offset = Math.max(0, Math.multiplyExact(event.timeMillis(), POSITIONS_PER_MILLI));
    if (before != null && before >= offset) {
      offset = before + 1;
    }
    return new ViewEvent(
        event.entityKey(), event.timeMillis(), 0, offset, event.columns(), event.eventId());
  }
}
