package dev.millrace.pipeline;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.List;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.runtime.checkpoint.OperatorSubtaskState;
import org.apache.flink.streaming.api.operators.KeyedProcessOperator;
import org.apache.flink.streaming.util.KeyedOneInputStreamOperatorTestHarness;
import org.junit.jupiter.api.Test;

class RowOrderTest {

  @Test
  void rowsLeaveByTimeThenByCauseAsTheWatermarkPasses() throws Exception {
    try (var harness = harness()) {
      harness.open();
      send(harness, 30, 1, 7);
      send(harness, 10, 0, 9);
      send(harness, 30, 0, 8);
      send(harness, 30, 0, 4);
      assertThat(harness.extractOutputValues()).isEmpty();

      harness.processWatermark(29);
      assertThat(written(harness)).containsExactly("10 0:10000");
      harness.processWatermark(30);

      assertThat(written(harness))
          .containsExactly("10 0:10000", "30 0:30000", "30 0:30001", "30 0:30002");
      assertThat(causes(harness)).containsExactly(9L, 4L, 8L, 7L);
      assertThat(harness.numEventTimeTimers()).isZero();
    }
  }

  @Test
  void whatComesBehindTheWatermarkIsNextAndNoPositionStepsBack() throws Exception {
    try (var harness = harness()) {
      harness.open();
      send(harness, 30, 0, 1);
      harness.processWatermark(40);
      send(harness, 20, 0, 2);
      send(harness, -5, 0, 3);
      send(harness, 41, 0, 4);
      harness.processWatermark(50);

      assertThat(written(harness))
          .containsExactly("30 0:30000", "20 0:30001", "-5 0:30002", "41 0:41000");
    }
  }

  @Test
  void moreRowsThanAMillisecondHasPositionsTakeThoseOfTheNext() throws Exception {
    try (var harness = harness()) {
      harness.open();
      for (int i = 0; i < 1_002; i++) {
        send(harness, 1, 0, i);
      }
      send(harness, 2, 0, 2_000);
      harness.processWatermark(2);

      List<String> written = written(harness);
      assertThat(written.get(1_001)).isEqualTo("1 0:2001");
      assertThat(written.get(1_002)).isEqualTo("2 0:2002");
    }
  }

  @Test
  void goesOnFromASnapshot() throws Exception {
    OperatorSubtaskState snapshot;
    try (var harness = harness()) {
      harness.open();
      send(harness, 30, 0, 1);
      send(harness, 50, 0, 3);
      harness.processWatermark(40);
      snapshot = harness.snapshot(1, 1);
    }
    try (var harness = harness()) {
      harness.initializeState(snapshot);
      harness.open();
      // A restored task has no watermark until one comes, but the position is not forgotten.
      send(harness, 30, 0, 2);
      send(harness, 50, 0, 2);
      harness.processWatermark(60);

      assertThat(written(harness)).containsExactly("30 0:30001", "50 0:50000", "50 0:50001");
      assertThat(causes(harness)).containsExactly(2L, 2L, 3L);
    }
  }

  private static List<String> written(
      KeyedOneInputStreamOperatorTestHarness<String, ViewEvent, ViewEvent> harness) {
    return harness.extractOutputValues().stream()
        .map(e -> e.timeMillis() + " " + e.partition() + ":" + e.offset())
        .toList();
  }

  private static List<Object> causes(
      KeyedOneInputStreamOperatorTestHarness<String, ViewEvent, ViewEvent> harness) {
    return harness.extractOutputValues().stream().map(e -> e.columns()[0]).toList();
  }

  private static void send(
      KeyedOneInputStreamOperatorTestHarness<String, ViewEvent, ViewEvent> harness,
      long timeMillis,
      int partition,
      long offset)
      throws Exception {
    harness.processElement(
        new ViewEvent("JFK", timeMillis, partition, offset, new Object[] {offset}, null),
        timeMillis);
  }

  private static KeyedOneInputStreamOperatorTestHarness<String, ViewEvent, ViewEvent> harness()
      throws Exception {
    return new KeyedOneInputStreamOperatorTestHarness<>(
        new KeyedProcessOperator<>(new RowOrder(Duration.ofDays(7))),
        ViewEvent::entityKey,
        Types.STRING);
  }
}
