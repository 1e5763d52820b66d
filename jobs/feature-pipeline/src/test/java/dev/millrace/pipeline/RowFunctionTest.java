package dev.millrace.pipeline;

import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.core.definition.Entity;
import dev.millrace.core.definition.Feature;
import dev.millrace.core.definition.Feature.Function;
import dev.millrace.core.definition.Feature.ValueType;
import dev.millrace.core.definition.FeatureView;
import dev.millrace.core.row.FeatureRow;
import dev.millrace.streaming.DeadLetter;
import dev.millrace.streaming.SourcePlan;
import java.time.Duration;
import java.util.List;
import org.apache.avro.SchemaBuilder;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.runtime.checkpoint.OperatorSubtaskState;
import org.apache.flink.streaming.api.operators.KeyedProcessOperator;
import org.apache.flink.streaming.util.KeyedOneInputStreamOperatorTestHarness;
import org.junit.jupiter.api.Test;

class RowFunctionTest {

  private static final long MINUTE = 60_000;

  @Test
  void givesARowAfterEachEvent() throws Exception {
    try (var harness = harness()) {
      harness.open();
      send(harness, "JFK", 10 * MINUTE, 0, 7, 5.0);
      send(harness, "JFK", 9 * MINUTE, 1, 3, 7.0);
      List<FeatureRow> rows = harness.extractOutputValues();
      assertThat(rows).hasSize(2);
      assertThat(rows.get(1).timeMillis()).isEqualTo(10 * MINUTE);
      assertThat(rows.get(1).positions()).hasToString("0:7,1:3");
      assertThat(rows.get(1).values()).containsExactly(2L, 6.0);
      assertThat(rows).allMatch(r -> r.logged() && r.online() && !r.refresh());
    }
  }

  @Test
  void refreshesAsTheWatermarkPassesAndEndsWithNoTimer() throws Exception {
    try (var harness = harness()) {
      harness.open();
      harness.setProcessingTime(10_000);
      send(harness, "JFK", 2 * MINUTE, 0, 0, 5.0);
      assertThat(harness.numEventTimeTimers()).isEqualTo(1);
      harness.processWatermark(7 * MINUTE);
      harness.setProcessingTime(20_000);
      harness.processWatermark(70 * MINUTE);
      List<FeatureRow> rows = harness.extractOutputValues();
      // At 5 the present for Redis; at 65 the hour is over, which the log keeps too.
      assertThat(rows.stream().map(FeatureRow::timeMillis))
          .containsExactly(2 * MINUTE, 5 * MINUTE, 65 * MINUTE);
      assertThat(rows.get(1).logged()).isFalse();
      assertThat(rows.get(2).logged()).isTrue();
      assertThat(rows.get(2).values()).containsExactly(0L, null);
      assertThat(rows.subList(1, 3)).allMatch(r -> r.refresh() && r.online());
      assertThat(harness.numEventTimeTimers()).isZero();
    }
  }

  @Test
  void forgetsAnEntityWithItsRow() throws Exception {
    try (var harness = harness()) {
      harness.setStateTtlProcessingTime(0);
      harness.open();
      send(harness, "JFK", MINUTE, 0, 0, 5.0);
      harness.processWatermark(100 * MINUTE);
      harness.setStateTtlProcessingTime(Duration.ofDays(8).toMillis());
      send(harness, "JFK", 200 * MINUTE, 1, 4, 5.0);
      List<FeatureRow> rows = harness.extractOutputValues();
      assertThat(rows.get(rows.size() - 1).positions()).hasToString("1:4");
    }
  }

  @Test
  void goesOnFromASnapshot() throws Exception {
    OperatorSubtaskState snapshot;
    try (var harness = harness()) {
      harness.open();
      send(harness, "JFK", 2 * MINUTE, 0, 0, 5.0);
      snapshot = harness.snapshot(1, 1);
    }
    try (var harness = harness()) {
      harness.initializeState(snapshot);
      harness.open();
      harness.setProcessingTime(10_000);
      send(harness, "JFK", 3 * MINUTE, 2, 9, 7.0);
      harness.processWatermark(63 * MINUTE);
      List<FeatureRow> rows = harness.extractOutputValues();
      assertThat(rows.get(0).positions()).hasToString("0:0,2:9");
      assertThat(rows.get(0).values()).containsExactly(2L, 6.0);
      assertThat(rows.stream().filter(FeatureRow::refresh).count()).isPositive();
    }
  }

  @Test
  void anIdThatComesAgainWithinTheWindowOnlyMovesItsRowOn() throws Exception {
    try (var harness = harness(FeatureView.Accuracy.EXACT, 100, Duration.ofMinutes(10))) {
      harness.open();
      send(harness, "JFK", 10 * MINUTE, 0, 0, 5.0);
      send(harness, "JFK", 12 * MINUTE, 0, 1, 5.0);
      send(harness, "JFK", 21 * MINUTE, 0, 2, 5.0);
      List<FeatureRow> rows = harness.extractOutputValues();
      assertThat(rows.stream().map(r -> r.values()[0])).containsExactly(1L, 1L, 2L);
      assertThat(rows.stream().map(FeatureRow::timeMillis))
          .containsExactly(10 * MINUTE, 10 * MINUTE, 21 * MINUTE);
      assertThat(rows.stream().map(r -> r.positions().toString()))
          .containsExactly("0:0", "0:1", "0:2");
      // With the windows the ids go, and the timer with them.
      harness.processWatermark(200 * MINUTE);
      harness.processWatermark(400 * MINUTE);
      assertThat(harness.numEventTimeTimers()).isZero();
      assertThat(harness.numKeyedStateEntries()).isEqualTo(1);
    }
  }

  @Test
  void anEventTooManyForItsEntityIsALetter() throws Exception {
    try (var harness = harness(FeatureView.Accuracy.EXACT, 2, Duration.ZERO)) {
      harness.open();
      for (int i = 0; i < 3; i++) {
        send(harness, "JFK", (10 + i) * MINUTE, 0, i, i);
      }
      assertThat(harness.extractOutputValues()).hasSize(2);
      DeadLetter letter = harness.getSideOutput(RowFunction.LETTERS).poll().getValue();
      assertThat(letter.reason()).isEqualTo("TOO_MANY_EVENTS");
      assertThat(letter.offset()).isEqualTo(2);
      assertThat(letter.message()).contains("entity JFK has 2 events").contains("accuracy: tiled");
    }
  }

  @Test
  void manyEventsOfOneEntitySurviveARestoreInExactAndTiledViews() throws Exception {
    for (FeatureView.Accuracy accuracy : FeatureView.Accuracy.values()) {
      OperatorSubtaskState snapshot;
      try (var harness = harness(accuracy, 10_000, Duration.ZERO)) {
        harness.open();
        for (int i = 0; i < 500; i++) {
          send(harness, "JFK", i * 1_000L, 0, i, i);
        }
        snapshot = harness.snapshot(1, 1);
      }
      try (var harness = harness(accuracy, 10_000, Duration.ZERO)) {
        harness.initializeState(snapshot);
        harness.open();
        send(harness, "JFK", 30 * 1_000L, 1, 0, 1_000);
        List<FeatureRow> rows = harness.extractOutputValues();
        assertThat(rows.get(0).values()).containsExactly(501L, (499 * 250 + 1_000) / 501.0);
        harness.setProcessingTime(10_000);
        harness.processWatermark(120 * MINUTE);
        assertThat(harness.numEventTimeTimers()).isZero();
        // Of pages and tiles nothing is left; the row's place stays as long as its row in Redis.
        assertThat(harness.numKeyedStateEntries()).isEqualTo(1);
      }
    }
  }

  private static void send(
      KeyedOneInputStreamOperatorTestHarness<String, ViewEvent, FeatureRow> harness,
      String key,
      long timeMillis,
      int partition,
      long offset,
      double value)
      throws Exception {
    harness.processElement(
        new ViewEvent(key, timeMillis, partition, offset, new Object[] {value}, "e" + value),
        timeMillis);
  }

  private static KeyedOneInputStreamOperatorTestHarness<String, ViewEvent, FeatureRow> harness()
      throws Exception {
    return harness(FeatureView.Accuracy.EXACT, 100, Duration.ZERO);
  }

  private static KeyedOneInputStreamOperatorTestHarness<String, ViewEvent, FeatureRow> harness(
      FeatureView.Accuracy accuracy, int maxEventsPerKey, Duration dedupWindow) throws Exception {
    Duration hour = Duration.ofHours(1);
    FeatureView view =
        new FeatureView(
            "v",
            new Entity("e", List.of("k")),
            "s",
            List.of("k"),
            null,
            accuracy,
            Duration.ofMinutes(5),
            Duration.ZERO,
            Duration.ofDays(7),
            List.of(
                new Feature("count_1h", Function.COUNT, null, hour, ValueType.LONG),
                new Feature("x_mean_1h", Function.MEAN, "x", hour, ValueType.DOUBLE)),
            maxEventsPerKey,
            FeatureView.RedisOptions.DEFAULT,
            "0123456789ab");
    SourcePlan source =
        new SourcePlan(
            "s",
            "s",
            false,
            SchemaBuilder.record("S").fields().endRecord(),
            0,
            0,
            0,
            0,
            List.of(),
            List.of(),
            "feature-pipeline");
    return new KeyedOneInputStreamOperatorTestHarness<>(
        new KeyedProcessOperator<>(new RowFunction(view, source, dedupWindow)),
        ViewEvent::entityKey,
        Types.STRING);
  }
}
