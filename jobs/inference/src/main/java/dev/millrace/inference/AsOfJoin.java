package dev.millrace.inference;

import dev.millrace.core.row.AsOf;
import dev.millrace.streaming.Event;
import dev.millrace.streaming.RecordSerializer;
import dev.millrace.streaming.RecordType;
import java.io.IOException;
import java.time.Duration;
import java.util.Arrays;
import java.util.TreeMap;
import org.apache.flink.api.common.state.MapState;
import org.apache.flink.api.common.state.MapStateDescriptor;
import org.apache.flink.api.common.state.ValueState;
import org.apache.flink.api.common.state.ValueStateDescriptor;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.api.common.typeutils.SimpleTypeSerializerSnapshot;
import org.apache.flink.api.common.typeutils.TypeSerializerSnapshot;
import org.apache.flink.api.java.tuple.Tuple2;
import org.apache.flink.api.java.typeutils.TupleTypeInfo;
import org.apache.flink.core.memory.DataInputView;
import org.apache.flink.core.memory.DataOutputView;
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
 * <p>An entity's rows come in the order in which they were written. {@link AsOf} is the rule: an
 * event waits for the first row that covers it or is beyond its time, and the answer depends on the
 * two logs alone. Training has the same rule and reads the same logs from the warehouse.
 *
 * <p>An event that no row will cover, because it was late for the view, and whose entity has no row
 * beyond it either, goes on after {@link #PATIENCE} of wall time with the last row that is not
 * beyond its time, and is counted.
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

  private final int view;
  private final int views;
  private final long rowLifeMillis;

  /** By their number in {@link Queues}. */
  private transient MapState<Long, ViewRow> rows;

  /** What waits and since when by the clock; by partition and number, see {@link #place}. */
  private transient MapState<Long, Tuple2<Long, Joined>> waiting;

  private transient ValueState<Queues> queues;
  private transient InternalTimerService<VoidNamespace> timers;
  private transient Counter uncovered;

  /** How many events wait, by their time; of this subtask, not of one key. */
  private transient TreeMap<Long, Integer> waitingTimes;

  private transient int waitingCount;

  /** While the job did not run nothing was waited for: the rows lie in the topic unread. */
  private transient long openedMillis;

  private transient long inputWatermark;
  private transient long outputWatermark;
  private transient boolean inputIdle;
  private transient boolean outputIdle;
  private transient boolean ticking;

  /**
   * The join with one view.
   *
   * @param view index among the plan's views
   * @param rowLifeMillis how long after its T a row holds, as in training; by the clock, how long
   *     the rows of an entity are kept of which nothing more comes
   */
  @SuppressWarnings("NullAway.Init") // Flink calls open before the first element.
  AsOfJoin(int view, int views, long rowLifeMillis) {
    this.view = view;
    this.views = views;
    this.rowLifeMillis = rowLifeMillis;
  }

  /**
   * Where an entity's queues begin and end. Both are read at their ends only, so a long backlog of
   * either side costs no more an element than a short one.
   *
   * @param touchedMillis by the clock, when the last row came
   * @param partitions of the waiting events; the arrays after it go with it
   */
  record Queues(
      long rowsFrom, long rowsTo, long touchedMillis, int[] partitions, long[] from, long[] to) {

    static final TypeInformation<Queues> TYPE = new RecordType<>(Queues.class, Serializer.INSTANCE);
    static final Queues NONE = new Queues(0, 0, 0, new int[0], new long[0], new long[0]);

    Queues withRows(long newFrom, long newTo, long nowMillis) {
      return new Queues(newFrom, newTo, nowMillis, partitions, from, to);
    }

    int indexOf(int partition) {
      for (int i = 0; i < partitions.length; i++) {
        if (partitions[i] == partition) {
          return i;
        }
      }
      return -1;
    }

    Queues withWaiting(int index, int partition, long newFrom, long newTo) {
      int at = index < 0 ? partitions.length : index;
      int size = Math.max(partitions.length, at + 1);
      int[] newPartitions = Arrays.copyOf(partitions, size);
      long[] froms = Arrays.copyOf(from, size);
      long[] tos = Arrays.copyOf(to, size);
      newPartitions[at] = partition;
      froms[at] = newFrom;
      tos[at] = newTo;
      return new Queues(rowsFrom, rowsTo, touchedMillis, newPartitions, froms, tos);
    }

    boolean anyWaiting() {
      for (int i = 0; i < partitions.length; i++) {
        if (from[i] < to[i]) {
          return true;
        }
      }
      return false;
    }

    /** Writes them into state. */
    static final class Serializer extends RecordSerializer<Queues> {
      private static final long serialVersionUID = 1L;
      static final Serializer INSTANCE = new Serializer();

      @Override
      public Queues createInstance() {
        return NONE;
      }

      @Override
      protected void write(Queues queues, DataOutputView out) throws IOException {
        out.writeLong(queues.rowsFrom);
        out.writeLong(queues.rowsTo);
        out.writeLong(queues.touchedMillis);
        out.writeInt(queues.partitions.length);
        for (int i = 0; i < queues.partitions.length; i++) {
          out.writeInt(queues.partitions[i]);
          out.writeLong(queues.from[i]);
          out.writeLong(queues.to[i]);
        }
      }

      @Override
      public Queues deserialize(DataInputView in) throws IOException {
        long rowsFrom = in.readLong();
        long rowsTo = in.readLong();
        long touched = in.readLong();
        int size = in.readInt();
        int[] partitions = new int[size];
        long[] from = new long[size];
        long[] to = new long[size];
        for (int i = 0; i < size; i++) {
          partitions[i] = in.readInt();
          from[i] = in.readLong();
          to[i] = in.readLong();
        }
        return new Queues(rowsFrom, rowsTo, touched, partitions, from, to);
      }

      @Override
      public TypeSerializerSnapshot<Queues> snapshotConfiguration() {
        return new Snapshot();
      }

      /** Restores the serializer. */
      public static final class Snapshot extends SimpleTypeSerializerSnapshot<Queues> {
        public Snapshot() {
          super(() -> INSTANCE);
        }
      }
    }
  }

  @Override
  public void open() throws Exception {
    super.open();
    rows =
        getRuntimeContext()
            .getMapState(new MapStateDescriptor<>("rows", Types.LONG, EntityRow.ROW_TYPE));
    MapStateDescriptor<Long, Tuple2<Long, Joined>> waitingDescriptor =
        new MapStateDescriptor<>(
            "waiting", Types.LONG, new TupleTypeInfo<>(Types.LONG, Joined.TYPE));
    waiting = getRuntimeContext().getMapState(waitingDescriptor);
    queues = getRuntimeContext().getState(new ValueStateDescriptor<>("queues", Queues.TYPE));
    timers = getInternalTimerService("patience", VoidNamespaceSerializer.INSTANCE, this);
    openedMillis = timers.currentProcessingTime();
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
              for (Tuple2<Long, Joined> one : state.values()) {
                count(event(one.f1), 1);
              }
            });
  }

  @Override
  public void processElement1(StreamRecord<Joined> element) throws Exception {
    Joined joined = element.getValue();
    Event event = event(joined);
    Queues known = known();
    if (decided(known, event)) {
      emit(joined, found(known, event));
      Queues pruned = prune(known);
      if (pruned.rowsFrom != known.rowsFrom) {
        queues.update(pruned);
      }
      return;
    }
    long now = timers.currentProcessingTime();
    int index = known.indexOf(event.partition());
    long from = index < 0 ? 0 : known.from[index];
    long to = index < 0 ? 0 : known.to[index];
    waiting.put(place(event.partition(), to), Tuple2.of(now, joined));
    queues.update(known.withWaiting(index, event.partition(), from, to + 1));
    count(event, 1);
    setTimer(now);
  }

  @Override
  public void processElement2(StreamRecord<EntityRow> element) throws Exception {
    ViewRow added = element.getValue().row();
    Queues known = known();
    rows.put(known.rowsTo, added);
    long now = timers.currentProcessingTime();
    known = known.withRows(known.rowsFrom, known.rowsTo + 1, now);
    for (int i = 0; i < known.partitions.length; i++) {
      // The events of a partition come in its order, so those that are decided are the first.
      long number = known.from[i];
      while (number < known.to[i]) {
        long place = place(known.partitions[i], number);
        Joined joined = waiting.get(place).f1;
        Event event = event(joined);
        if (!decided(known, event)) {
          break;
        }
        emit(joined, found(known, event));
        count(event, -1);
        waiting.remove(place);
        number++;
      }
      if (number != known.from[i]) {
        known = known.withWaiting(i, known.partitions[i], number, known.to[i]);
      }
    }
    queues.update(prune(known));
    // One timer an entity and time to live: it clears what nobody asks for any more.
    timers.registerProcessingTimeTimer(
        VoidNamespace.INSTANCE, (now / rowLifeMillis + 2) * rowLifeMillis);
  }

  private Queues known() throws IOException {
    Queues known = queues.value();
    return known == null ? Queues.NONE : known;
  }

  private ViewRow row(long number) {
    ViewRow row;
    try {
      row = rows.get(number);
    } catch (Exception e) {
      throw new IllegalStateException("Cannot read row " + number + " of the entity", e);
    }
    if (row == null) {
      throw new IllegalStateException("Cannot find row " + number + " of the entity in state");
    }
    return row;
  }

  /** The entity's rows that are kept, for the rule that training has too. */
  private AsOf.Rows kept(Queues known) {
    return new AsOf.Rows() {
      @Override
      public int size() {
        return Math.toIntExact(known.rowsTo - known.rowsFrom);
      }

      @Override
      public long timeMillis(int index) {
        return row(known.rowsFrom + index).timeMillis();
      }

      @Override
      public boolean covers(int index, int partition, long offset) {
        return row(known.rowsFrom + index).positions().covers(partition, offset);
      }
    };
  }

  private boolean decided(Queues known, Event event) {
    return AsOf.isDecided(kept(known), event.partition(), event.offset(), event.eventTimeMillis());
  }

  private @Nullable ViewRow found(Queues known, Event event) {
    int found =
        AsOf.own(
            kept(known), event.partition(), event.offset(), event.eventTimeMillis(), rowLifeMillis);
    return found == AsOf.NONE ? null : row(known.rowsFrom + found);
  }

  /** Drops the rows before the last one that is beyond no time that can still be asked for. */
  private Queues prune(Queues known) throws Exception {
    long asked =
        waitingTimes.isEmpty() ? inputWatermark : Math.min(inputWatermark, waitingTimes.firstKey());
    long from = known.rowsFrom;
    while (from + 1 < known.rowsTo && row(from + 1).timeMillis() <= asked) {
      rows.remove(from);
      from++;
    }
    return from == known.rowsFrom ? known : known.withRows(from, known.rowsTo, known.touchedMillis);
  }

  /** The key of a waiting event: offsets of 48 bits are more than any partition has. */
  private static long place(int partition, long number) {
    return ((long) partition << 48) | number;
  }

  /** One timer a key and half a patience, not one an event. */
  private void setTimer(long nowMillis) {
    long step = PATIENCE.toMillis() / 2;
    timers.registerProcessingTimeTimer(VoidNamespace.INSTANCE, (nowMillis / step + 3) * step);
  }

  @Override
  public void onProcessingTime(InternalTimer<String, VoidNamespace> timer) throws Exception {
    Queues known = known();
    long now = timers.currentProcessingTime();
    boolean any = false;
    for (int i = 0; i < known.partitions.length; i++) {
      long number = known.from[i];
      while (number < known.to[i]) {
        long place = place(known.partitions[i], number);
        Tuple2<Long, Joined> one = waiting.get(place);
        if (now - Math.max(one.f0, openedMillis) < PATIENCE.toMillis()) {
          break;
        }
        Event event = event(one.f1);
        emit(one.f1, found(known, event));
        count(event, -1);
        uncovered.inc();
        waiting.remove(place);
        number++;
        any = true;
      }
      if (number != known.from[i]) {
        known = known.withWaiting(i, known.partitions[i], number, known.to[i]);
      }
    }
    if (known.anyWaiting()) {
      queues.update(known);
      setTimer(now);
    } else if (now - known.touchedMillis >= rowLifeMillis) {
      rows.clear();
      queues.clear();
    } else {
      queues.update(known);
    }
    if (any) {
      advance();
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
