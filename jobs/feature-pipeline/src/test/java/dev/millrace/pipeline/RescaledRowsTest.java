package dev.millrace.pipeline;

import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.core.definition.Entity;
import dev.millrace.core.definition.Feature;
import dev.millrace.core.definition.Feature.Function;
import dev.millrace.core.definition.Feature.ValueType;
import dev.millrace.core.definition.FeatureView;
import dev.millrace.core.row.FeatureRow;
import dev.millrace.streaming.SourcePlan;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.apache.avro.SchemaBuilder;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.runtime.checkpoint.OperatorSubtaskState;
import org.apache.flink.runtime.state.KeyGroupRangeAssignment;
import org.apache.flink.state.rocksdb.EmbeddedRocksDBStateBackend;
import org.apache.flink.streaming.api.operators.KeyedProcessOperator;
import org.apache.flink.streaming.util.AbstractStreamOperatorTestHarness;
import org.apache.flink.streaming.util.KeyedOneInputStreamOperatorTestHarness;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * An operator in RocksDB that goes from two subtasks to four and back, with a fall back between.
 */
class RescaledRowsTest {

  private static final int KEY_GROUPS = 128;
  private static final int EVENTS = 3_000;
  private static final long MINUTE = 60_000;
  private static final long OUT_OF_ORDER = 10 * MINUTE;

  private final List<ViewEvent> events = new ArrayList<>();
  private final long[] largestBefore = new long[EVENTS];

  RescaledRowsTest() {
    Random random = new Random(71);
    long time = 1_000_000 * MINUTE;
    long largest = 0;
    for (int i = 0; i < EVENTS; i++) {
      time += random.nextInt((int) MINUTE);
      long at = random.nextInt(5) == 0 ? time - random.nextInt((int) OUT_OF_ORDER) : time;
      largestBefore[i] = largest;
      largest = Math.max(largest, at);
      events.add(
          new ViewEvent(
              "c" + random.nextInt(40),
              at,
              0,
              i,
              new Object[] {random.nextInt(10_000) / 100.0},
              "e" + i));
    }
  }

  @ParameterizedTest
  @EnumSource(FeatureView.Accuracy.class)
  void rowsAreThoseOfOneSubtask(FeatureView.Accuracy accuracy) throws Exception {
    List<String> alone = new ArrayList<>();
    try (Subtasks one = new Subtasks(accuracy, 1, null, 1)) {
      one.run(0, EVENTS, alone);
    }
    List<String> rescaled = new ArrayList<>();
    OperatorSubtaskState first;
    try (Subtasks two = new Subtasks(accuracy, 2, null, 2)) {
      two.run(0, 1_000, rescaled);
      first = two.snapshot();
      // These fall back with the job; what they gave is taken back with the transaction.
      two.run(1_000, 1_300, new ArrayList<>());
    }
    OperatorSubtaskState second;
    try (Subtasks four = new Subtasks(accuracy, 4, first, 2)) {
      four.run(1_000, 2_000, rescaled);
      second = four.snapshot();
    }
    try (Subtasks two = new Subtasks(accuracy, 2, second, 4)) {
      two.run(2_000, EVENTS, rescaled);
    }
    assertThat(alone).hasSizeGreaterThanOrEqualTo(EVENTS);
    assertThat(rescaled).containsExactlyInAnyOrderElementsOf(alone);
  }

  /** All subtasks of the operator. */
  private final class Subtasks implements AutoCloseable {

    private final List<KeyedOneInputStreamOperatorTestHarness<String, ViewEvent, FeatureRow>> all =
        new ArrayList<>();

    Subtasks(
        FeatureView.Accuracy accuracy,
        int count,
        @Nullable OperatorSubtaskState restored,
        int countBefore)
        throws Exception {
      for (int subtask = 0; subtask < count; subtask++) {
        var harness =
            new KeyedOneInputStreamOperatorTestHarness<>(
                new KeyedProcessOperator<>(
                    new RowFunction(view(accuracy), source(), Duration.ofMinutes(5))),
                ViewEvent::entityKey,
                Types.STRING,
                KEY_GROUPS,
                count,
                subtask);
        harness.setStateBackend(new EmbeddedRocksDBStateBackend());
        if (restored != null) {
          harness.initializeState(
              AbstractStreamOperatorTestHarness.repartitionOperatorState(
                  restored, KEY_GROUPS, countBefore, count, subtask));
        }
        harness.open();
        all.add(harness);
      }
    }

    void run(int from, int to, List<String> rows) throws Exception {
      for (int i = from; i < to; i++) {
        ViewEvent event = events.get(i);
        int subtask =
            KeyGroupRangeAssignment.assignKeyToParallelOperator(
                event.entityKey(), KEY_GROUPS, all.size());
        all.get(subtask).processElement(event, event.timeMillis());
        if (i % 10 == 9) {
          for (var harness : all) {
            harness.processWatermark(largestBefore[i] - OUT_OF_ORDER - 1);
          }
        }
      }
      for (var harness : all) {
        for (FeatureRow row : harness.extractOutputValues()) {
          if (row.logged()) {
            rows.add(
                row.entityKey()
                    + " "
                    + row.timeMillis()
                    + " "
                    + row.positions()
                    + " "
                    + List.of(row.values()[0], String.valueOf(row.values()[1])));
          }
        }
        harness.getOutput().clear();
      }
    }

    OperatorSubtaskState snapshot() throws Exception {
      List<OperatorSubtaskState> states = new ArrayList<>();
      for (var harness : all) {
        states.add(harness.snapshot(1, 1));
      }
      return AbstractStreamOperatorTestHarness.repackageState(
          states.toArray(new OperatorSubtaskState[0]));
    }

    @Override
    public void close() throws Exception {
      for (var harness : all) {
        harness.close();
      }
    }
  }

  /** Exact over an hour, or tiled over thirty days. */
  private static FeatureView view(FeatureView.Accuracy accuracy) {
    Duration window =
        accuracy == FeatureView.Accuracy.EXACT ? Duration.ofHours(1) : Duration.ofDays(30);
    return new FeatureView(
        "v",
        new Entity("e", List.of("k")),
        "s",
        List.of("k"),
        null,
        accuracy,
        Duration.ofMinutes(5),
        Duration.ZERO,
        Duration.ofDays(60),
        List.of(
            new Feature("count", Function.COUNT, null, window, ValueType.LONG),
            new Feature("x_sum", Function.SUM, "x", window, ValueType.DOUBLE)),
        100_000,
        FeatureView.RedisOptions.DEFAULT,
        "0123456789ab");
  }

  private static SourcePlan source() {
    return new SourcePlan(
        "s",
        "s",
        false,
        SchemaBuilder.record("S").fields().endRecord(),
        0,
        0,
        OUT_OF_ORDER,
        0,
        List.of(),
        List.of(),
        "feature-pipeline");
  }
}
