package dev.millrace.inference;

import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.core.row.Positions;
import dev.millrace.streaming.Event;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.runtime.checkpoint.OperatorSubtaskState;
import org.apache.flink.streaming.api.watermark.Watermark;
import org.apache.flink.streaming.runtime.streamrecord.StreamRecord;
import org.apache.flink.streaming.util.KeyedTwoInputStreamOperatorTestHarness;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class AsOfJoinTest {

  private static final long TTL_MILLIS = 7L * 24 * 60 * 60 * 1000;

  @Test
  void anEventWaitsForTheRowThatCoversIt() throws Exception {
    try (Join join = new Join(null)) {
      join.row("a", 5, "0:3");
      join.event("a", 10, 0, 4);
      assertThat(join.joined()).isEmpty();
      join.row("a", 10, "0:4");
      assertThat(join.joined()).containsExactly("0:4@10");
    }
  }

  @Test
  void aRowBeyondTheEventsTimeIsNotItsRow() throws Exception {
    try (Join join = new Join(null)) {
      join.row("a", 5, "0:3");
      join.row("a", 20, "0:3,1:7");
      // The event of time 10 came after the one of time 20.
      join.row("a", 20, "0:4,1:7");
      join.event("a", 10, 0, 4);
      assertThat(join.joined()).containsExactly("0:3@5");
      join.event("b", 10, 2, 1);
      join.row("b", 30, "2:1");
      assertThat(join.joined()).containsExactly("0:3@5", "none");
    }
  }

  @Test
  void aLateEventIsDecidedByARowBeyondIt() throws Exception {
    try (Join join = new Join(null)) {
      join.row("a", 5, "0:3");
      join.event("a", 10, 0, 4);
      // The pipeline refused event 4 as late; event 5 came after it.
      join.row("a", 20, "0:3,1:7");
      assertThat(join.joined()).containsExactly("0:3@5");
      join.event("a", 12, 0, 6);
      assertThat(join.joined()).containsExactly("0:3@5", "0:3@5");
    }
  }

  @Test
  void aRowIsGoneAfterItsLife() throws Exception {
    try (Join join = new Join(null)) {
      join.row("a", 5, "0:3");
      join.event("a", 6 + TTL_MILLIS, 0, 4);
      join.row("a", 7 + TTL_MILLIS, "0:4");
      assertThat(join.joined()).containsExactly("none");
    }
  }

  @Test
  void timeStaysBehindWhatWaits() throws Exception {
    try (Join join = new Join(null)) {
      join.event("a", 10, 0, 4);
      join.event("b", 12, 0, 5);
      join.harness.processWatermark1(new Watermark(50));
      assertThat(join.watermark()).isEqualTo(9);
      join.row("a", 10, "0:4");
      join.harness.setProcessingTime(200);
      assertThat(join.watermark()).isEqualTo(11);
      join.row("b", 12, "0:5");
      join.harness.setProcessingTime(400);
      assertThat(join.watermark()).isEqualTo(50);
    }
  }

  @Test
  void whoIsNeverCoveredGoesOnInTheEnd() throws Exception {
    try (Join join = new Join(null)) {
      join.row("a", 5, "0:3");
      join.event("a", 10, 0, 4);
      join.harness.setProcessingTime(AsOfJoin.PATIENCE.toMillis() - 1);
      join.event("a", 11, 0, 5);
      join.harness.setProcessingTime(2 * AsOfJoin.PATIENCE.toMillis() - 2);
      assertThat(join.joined()).containsExactly("0:3@5");
      join.harness.setProcessingTime(4 * AsOfJoin.PATIENCE.toMillis());
      assertThat(join.joined()).containsExactly("0:3@5", "0:3@5");
    }
  }

  @Test
  void theTimeThatTheJobStoodStillDoesNotCount() throws Exception {
    OperatorSubtaskState state;
    try (Join join = new Join(null)) {
      join.row("a", 5, "0:3");
      join.event("a", 10, 0, 4);
      state = join.harness.snapshot(1, 1);
    }
    long hourMillis = 60 * 60 * 1000;
    try (Join join = new Join(state, hourMillis)) {
      // The timers of before go off before the topic is read.
      join.harness.setProcessingTime(hourMillis + 1);
      assertThat(join.joined()).isEmpty();
      join.row("a", 10, "0:4");
      assertThat(join.joined()).containsExactly("0:4@10");
    }
    try (Join join = new Join(state, hourMillis)) {
      join.harness.setProcessingTime(hourMillis + 2 * AsOfJoin.PATIENCE.toMillis());
      assertThat(join.joined()).containsExactly("0:3@5");
    }
  }

  /**
   * Two partitions, three entities, events out of order; rows and events are read at any relative
   * speed, with restarts. The oracle sorts nothing and keeps everything.
   */
  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3, 4, 5, 6})
  void theSpeedDoesNotMatter(long seed) throws Exception {
    Random random = new Random(seed);
    List<Arrived> events = new ArrayList<>();
    long[] offsets = new long[2];
    long time = 1_000;
    for (int i = 0; i < 400; i++) {
      time += random.nextInt(4);
      int partition = random.nextInt(2);
      events.add(
          new Arrived(
              "k" + random.nextInt(3),
              time - (random.nextInt(4) == 0 ? random.nextInt(30) : 0),
              partition,
              offsets[partition]++));
    }
    List<EntityRow> rows = rows(events);
    Map<String, String> expected = new HashMap<>();
    events.forEach(e -> expected.put(e.id(), naive(e, rows)));

    Deque<Arrived> eventsLeft = new ArrayDeque<>(events);
    Deque<EntityRow> rowsLeft = new ArrayDeque<>(rows);
    Map<String, String> found = new HashMap<>();
    Join join = new Join(null);
    long watermark = Long.MIN_VALUE;
    int bias = random.nextInt(80) + 10;
    while (!eventsLeft.isEmpty() || !rowsLeft.isEmpty()) {
      if (random.nextInt(60) == 0) {
        found.putAll(join.byId());
        OperatorSubtaskState state = join.harness.snapshot(1, 1);
        join.close();
        join = new Join(state);
      }
      if (!rowsLeft.isEmpty() && (eventsLeft.isEmpty() || random.nextInt(100) < bias)) {
        EntityRow row = rowsLeft.remove();
        join.harness.processElement2(new StreamRecord<>(row));
      } else if (!eventsLeft.isEmpty()) {
        Arrived event = eventsLeft.remove();
        join.event(event.key, event.timeMillis, event.partition, event.offset);
        watermark = Math.max(watermark, event.timeMillis - 31);
        join.harness.processWatermark1(new Watermark(watermark));
      }
    }
    found.putAll(join.byId());
    assertThat(found).isEqualTo(expected);
    // Nothing waits, and of each entity only the rows are left that could still be asked for.
    assertThat(join.harness.numKeyedStateEntries()).isLessThanOrEqualTo(60);
    join.harness.setProcessingTime(3 * TTL_MILLIS);
    assertThat(join.harness.numKeyedStateEntries()).isZero();
    assertThat(join.harness.numProcessingTimeTimers()).isZero();
    join.close();
  }

  private record Arrived(String key, long timeMillis, int partition, long offset) {
    String id() {
      return partition + ":" + offset;
    }
  }

  /** A row after each event, and now and then one more with a later T, as the pipeline does. */
  private static List<EntityRow> rows(List<Arrived> events) {
    Map<String, EntityRow> last = new HashMap<>();
    List<EntityRow> rows = new ArrayList<>();
    for (Arrived event : events) {
      EntityRow before = last.get(event.key);
      long time =
          before == null ? event.timeMillis : Math.max(before.row().timeMillis(), event.timeMillis);
      Positions positions =
          (before == null ? Positions.NONE : before.row().positions())
              .advance(event.partition, event.offset);
      EntityRow row = row(event.key, time, positions);
      rows.add(row);
      if (event.offset % 7 == 3) {
        row = row(event.key, time + 5, positions);
        rows.add(row);
      }
      last.put(event.key, row);
    }
    return rows;
  }

  private static String naive(Arrived event, List<EntityRow> rows) {
    List<EntityRow> own = rows.stream().filter(r -> r.entityKey().equals(event.key)).toList();
    int covering = 0;
    while (!own.get(covering).row().positions().covers(event.partition, event.offset)) {
      covering++;
    }
    return own.subList(0, covering + 1).stream()
        .map(EntityRow::row)
        .filter(r -> r.timeMillis() <= event.timeMillis)
        .max(
            Comparator.comparingLong(ViewRow::timeMillis)
                .thenComparingLong(r -> sum(r.positions())))
        .map(AsOfJoinTest::text)
        .orElse("none");
  }

  private static long sum(Positions positions) {
    long sum = 0;
    for (int i = 0; i < positions.size(); i++) {
      sum += positions.offset(i) + 1;
    }
    return sum;
  }

  private static EntityRow row(String key, long timeMillis, Positions positions) {
    return new EntityRow(key, new ViewRow(timeMillis, positions, false, new @Nullable Double[0]));
  }

  private static String text(@Nullable ViewRow row) {
    return row == null ? "none" : row.positions() + "@" + row.timeMillis();
  }

  private static final class Join implements AutoCloseable {
    final KeyedTwoInputStreamOperatorTestHarness<String, Joined, EntityRow, Joined> harness;

    Join(@Nullable OperatorSubtaskState restored) throws Exception {
      this(restored, 0);
    }

    Join(@Nullable OperatorSubtaskState restored, long nowMillis) throws Exception {
      harness =
          new KeyedTwoInputStreamOperatorTestHarness<>(
              new AsOfJoin(0, 1, TTL_MILLIS),
              j -> j.event() == null ? "" : String.valueOf(j.event().values()[0]),
              EntityRow::entityKey,
              Types.STRING);
      harness.setup(Joined.Serializer.INSTANCE);
      harness.setProcessingTime(nowMillis);
      if (restored != null) {
        harness.initializeState(restored);
      }
      harness.open();
    }

    void event(String key, long timeMillis, int partition, long offset) throws Exception {
      Event event =
          new Event(
              partition,
              offset,
              timeMillis,
              timeMillis,
              partition + ":" + offset,
              new Object[] {key},
              null,
              null);
      harness.processElement1(new Joined(event, null, null), timeMillis);
    }

    void row(String key, long timeMillis, String positions) throws Exception {
      harness.processElement2(
          new StreamRecord<>(AsOfJoinTest.row(key, timeMillis, Positions.parse(positions))));
    }

    List<String> joined() {
      return harness.extractOutputValues().stream().map(Join::rowOf).toList();
    }

    Map<String, String> byId() {
      Map<String, String> byId = new HashMap<>();
      for (Joined joined : harness.extractOutputValues()) {
        Event event = joined.event();
        byId.put(event == null ? "" : event.id(), rowOf(joined));
      }
      return byId;
    }

    private static String rowOf(Joined joined) {
      @Nullable ViewRow[] rows = joined.rows();
      return text(rows == null ? null : rows[0]);
    }

    long watermark() {
      return harness.getOutput().stream()
          .filter(Watermark.class::isInstance)
          .mapToLong(w -> ((Watermark) w).getTimestamp())
          .max()
          .orElse(Long.MIN_VALUE);
    }

    @Override
    public void close() throws Exception {
      harness.close();
    }
  }
}
