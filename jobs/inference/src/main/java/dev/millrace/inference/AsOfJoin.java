package dev.millrace.inference;

import dev.millrace.streaming.Event;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeMap;
import org.apache.flink.api.common.state.ListState;
import org.apache.flink.api.common.state.ListStateDescriptor;
import org.apache.flink.api.common.state.StateTtlConfig;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.api.java.tuple.Tuple2;
import org.apache.flink.api.java.typeutils.TupleTypeInfo;
import org.apache.flink.metrics.Counter;
import org.apache.flink.metrics.Gauge;
import org.apache.flink.runtime.state.VoidNamespace;
import org.apache.flink.runtime.state.VoidNamespaceSerializer;
import org.apache.flink.streaming.api.operators.AbstractStreamOperator;
import org.apache.flink.streaming.api.operators.InternalTimer;
import org.apache.flink.streaming.api.operators.InternalTimerService;
import org.apache.flink.streaming.api.operators.Triggerable;
import org.apache.flink.streaming.api.operators.TwoInputStreamOperator;
import org.apache.flink.streaming.api.watermark.Watermark;
import org.apache.flink.streaming.runtime.streamrecord.StreamRecord;
import org.apache.flink.streaming.runtime.watermarkstatus.WatermarkStatus;
import org.jspecify.annotations.Nullable;

/**
 * Joins each event with the row of one view that held at the event's own time, whatever the speed
 * at which both are read. Keyed by the view's entity.
 *
 * <p>An entity's rows come in the order in which they were written, and T never falls. The event at
 * (partition, offset) waits for the first row that covers it; its row is the last one, up to and
 * including that, whose T is not beyond the event's time. So the answer depends on the two logs
 * alone, and training, which reads the same logs from the warehouse, finds the same row.
 *
 * <p>An event that no row will cover, because it was late for the view, goes on after {@link
 * #PATIENCE} of wall time with the last row that is not beyond its time, and is counted.
 *
 * <p>Rows are kept from the last one whose T is not beyond the events' watermark and the events
 * that wait: no later event can ask for an older one unless it is late. The watermark that goes out
 * stays behind every event that waits.
 */
final class AsOfJoin extends AbstractStreamOperator<Joined>
    implements TwoInputStreamOperator<Joined, EntityRow, Joined>,
        Triggerable<String, VoidNamespace> {

  /** How long an event waits for its row. Longer than a restart of the feature pipeline takes. */
  static final Duration PATIENCE = Duration.ofMinutes(2);

  private static final long serialVersionUID = 1L;
  private static final long TICK_MILLIS = 100;
  private static final int CLEANED_AT_ONCE = 5;

  private final int view;
  private final int views;
  private final long rowTtlMillis;

  private transient ListState<ViewRow> rows;

  /** What waits, and since when by the clock. */
  private transient ListState<Tuple2<Long, Joined>> waiting;

  private transient InternalTimerService<VoidNamespace> timers;
  private transient Counter uncovered;

  /** How many events wait, by their time; of this subtask, not of one key. */
  private transient TreeMap<Long, Integer> waitingTimes;

  private transient int waitingCount;
  private transient long inputWatermark;
  private transient long outputWatermark;
  private transient boolean inputIdle;
  private transient boolean outputIdle;
  private transient boolean ticking;

  /**
   * The join with one view.
   *
   * @param view index among the plan's views
   * @param rowTtlMillis how long the rows of an entity of which nothing more comes are kept
   */
  @SuppressWarnings("NullAway.Init") // Flink calls open before the first element.
  AsOfJoin(int view, int views, long rowTtlMillis) {
    this.view = view;
    this.views = views;
    this.rowTtlMillis = rowTtlMillis;
  }

  @Override
  public void open() throws Exception {
    super.open();
    ListStateDescriptor<ViewRow> rowsDescriptor =
        new ListStateDescriptor<>("rows", EntityRow.ROW_TYPE);
    rowsDescriptor.enableTimeToLive(
        StateTtlConfig.newBuilder(Duration.ofMillis(rowTtlMillis))
            .setUpdateType(StateTtlConfig.UpdateType.OnCreateAndWrite)
            .cleanupIncrementally(CLEANED_AT_ONCE, false)
            .build());
    rows = getRuntimeContext().getListState(rowsDescriptor);
    ListStateDescriptor<Tuple2<Long, Joined>> waitingDescriptor =
        new ListStateDescriptor<>("waiting", new TupleTypeInfo<>(Types.LONG, Joined.TYPE));
    waiting = getRuntimeContext().getListState(waitingDescriptor);
    timers = getInternalTimerService("patience", VoidNamespaceSerializer.INSTANCE, this);
    uncovered = getMetricGroup().counter("eventsWithoutTheirRow");
    waitingTimes = new TreeMap<>();
    inputWatermark = Long.MIN_VALUE;
    outputWatermark = Long.MIN_VALUE;
    getMetricGroup().gauge("eventsThatWait", (Gauge<Integer>) () -> waitingCount);
    getKeyedStateBackend()
        .applyToAllKeys(
            VoidNamespace.INSTANCE,
            VoidNamespaceSerializer.INSTANCE,
            waitingDescriptor,
            (key, state) -> {
              for (Tuple2<Long, Joined> one : state.get()) {
                count(event(one.f1), 1);
              }
            });
  }

  @Override
  public void processElement1(StreamRecord<Joined> element) throws Exception {
    Joined joined = element.getValue();
    Event event = event(joined);
    ViewRow last = null;
    for (ViewRow row : rows.get()) {
      last = row.timeMillis() <= event.eventTimeMillis() ? row : last;
      if (row.positions().covers(event.partition(), event.offset())) {
        emit(joined, last);
        return;
      }
    }
    long now = timers.currentProcessingTime();
    waiting.add(Tuple2.of(now, joined));
    count(event, 1);
    setTimer(now);
  }

  @Override
  public void processElement2(StreamRecord<EntityRow> element) throws Exception {
    ViewRow added = element.getValue().row();
    List<ViewRow> known = new ArrayList<>();
    rows.get().forEach(known::add);
    known.add(added);
    long oldestWaiting = Long.MAX_VALUE;
    List<Tuple2<Long, Joined>> still = new ArrayList<>();
    boolean answered = false;
    for (Tuple2<Long, Joined> one : waiting.get()) {
      Joined joined = one.f1;
      Event event = event(joined);
      if (added.positions().covers(event.partition(), event.offset())) {
        emit(joined, last(known, event.eventTimeMillis()));
        count(event, -1);
        answered = true;
      } else {
        still.add(one);
        oldestWaiting = Math.min(oldestWaiting, event.eventTimeMillis());
      }
    }
    if (answered) {
      waiting.update(still);
    }
    int from = firstNeeded(known, Math.min(inputWatermark, oldestWaiting));
    if (from == 0) {
      rows.add(added);
    } else {
      rows.update(List.copyOf(known.subList(from, known.size())));
    }
  }

  /** One timer a key and half a patience, not one an event. */
  private void setTimer(long nowMillis) {
    long step = PATIENCE.toMillis() / 2;
    timers.registerProcessingTimeTimer(VoidNamespace.INSTANCE, (nowMillis / step + 3) * step);
  }

  /** The index of the last row whose T is not beyond this time; 0 where none is. */
  private static int firstNeeded(List<ViewRow> known, long timeMillis) {
    for (int i = known.size() - 1; i > 0; i--) {
      if (known.get(i).timeMillis() <= timeMillis) {
        return i;
      }
    }
    return 0;
  }

  private static @Nullable ViewRow last(List<ViewRow> known, long timeMillis) {
    for (int i = known.size() - 1; i >= 0; i--) {
      if (known.get(i).timeMillis() <= timeMillis) {
        return known.get(i);
      }
    }
    return null;
  }

  @Override
  public void onProcessingTime(InternalTimer<String, VoidNamespace> timer) throws Exception {
    List<ViewRow> known = new ArrayList<>();
    rows.get().forEach(known::add);
    long now = timers.currentProcessingTime();
    List<Tuple2<Long, Joined>> still = new ArrayList<>();
    boolean any = false;
    for (Tuple2<Long, Joined> one : waiting.get()) {
      if (now - one.f0 < PATIENCE.toMillis()) {
        still.add(one);
        continue;
      }
      Event event = event(one.f1);
      emit(one.f1, last(known, event.eventTimeMillis()));
      count(event, -1);
      uncovered.inc();
      any = true;
    }
    if (any) {
      waiting.update(still);
      advance();
    }
    if (!still.isEmpty()) {
      setTimer(now);
    }
  }

  @Override
  public void onEventTime(InternalTimer<String, VoidNamespace> timer) {
    throw new IllegalStateException("Cannot happen: the join sets no timers of event time");
  }

  @Override
  public void processWatermark1(Watermark mark) {
    inputWatermark = mark.getTimestamp();
    advance();
  }

  @Override
  public void processWatermark2(Watermark mark) {
    // The rows' own time does not say which events they cover; their positions do.
  }

  @Override
  protected void processWatermarkStatus(WatermarkStatus status, int index) {
    if (index == 0) {
      inputIdle = status.isIdle();
      advance();
    }
  }

  /** Sends on what time has come to, behind every event that waits. */
  private void advance() {
    long behind = waitingTimes.isEmpty() ? Long.MAX_VALUE : waitingTimes.firstKey() - 1;
    long next = Math.min(inputWatermark, behind);
    if (next > outputWatermark) {
      if (outputIdle) {
        outputIdle = false;
        output.emitWatermarkStatus(WatermarkStatus.ACTIVE);
      }
      outputWatermark = next;
      output.emitWatermark(new Watermark(next));
    }
    boolean idle = inputIdle && waitingTimes.isEmpty();
    if (idle != outputIdle) {
      outputIdle = idle;
      output.emitWatermarkStatus(idle ? WatermarkStatus.IDLE : WatermarkStatus.ACTIVE);
    }
    if ((inputWatermark > outputWatermark || idle != inputIdle) && !ticking) {
      ticking = true;
      var unused =
          getProcessingTimeService()
              .registerTimer(
                  getProcessingTimeService().getCurrentProcessingTime() + TICK_MILLIS,
                  at -> {
                    ticking = false;
                    advance();
                  });
    }
  }

  private void emit(Joined joined, @Nullable ViewRow row) {
    output.collect(
        new StreamRecord<>(joined.with(view, row, views), event(joined).eventTimeMillis()));
  }

  private void count(Event event, int change) {
    waitingCount += change;
    waitingTimes.merge(
        event.eventTimeMillis(), change, (a, b) -> a + b == 0 ? null : Integer.valueOf(a + b));
  }

  private static Event event(Joined joined) {
    Event event = joined.event();
    if (event == null) {
      throw new IllegalStateException("Cannot join a dead letter: letters go around the join");
    }
    return event;
  }
}
