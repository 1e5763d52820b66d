package dev.millrace.pipeline;

import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.core.definition.Definitions;
import dev.millrace.core.definition.FeatureView;
import dev.millrace.core.definition.Project;
import dev.millrace.core.row.FeatureRow;
import dev.millrace.streaming.SourcePlan;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.streaming.api.operators.KeyedProcessOperator;
import org.apache.flink.streaming.api.watermark.Watermark;
import org.apache.flink.streaming.util.KeyedOneInputStreamOperatorTestHarness;
import org.junit.jupiter.api.Test;

class ReplayFunctionTest {

  private static final long MINUTE = 60_000;

  private static final Map<String, String> FILES =
      Map.of(
          "millrace.yaml",
          """
          project: shop
          sources:
            - {name: payments, schema: payment.avsc, event-id: id, event-time: at}
          entities:
            - {name: card, keys: [card]}
          feature-views:
            - name: cards
              entity: card
              source: payments
              aggregations:
                - {function: sum, column: amount, windows: [1h]}
          """,
          "payment.avsc",
          """
          {"type": "record", "name": "Payment", "fields": [
            {"name": "id", "type": "string"},
            {"name": "at", "type": {"type": "long", "logicalType": "timestamp-millis"}},
            {"name": "card", "type": "string"},
            {"name": "amount", "type": "double"}]}
          """);

  @Test
  void inTheOrderOfEventTimeEachTimeHasOneRow() throws Exception {
    // The first was read last, so what follows does not move the positions.
    List<FeatureRow> rows =
        rows(
            ReplayOrder.EVENT_TIME,
            replayed(1, 9, 1.0, 1),
            replayed(2, 3, 2.0, 2),
            replayed(2, 5, 4.0, 2),
            replayed(3, 6, 8.0, 3));
    assertThat(rows.stream().filter(FeatureRow::logged).map(ReplayFunctionTest::text))
        .containsExactly("1 0:9 1.0", "2 0:9 7.0", "3 0:9 15.0");
  }

  @Test
  void inTheOrderOfReadingEachEventHasOne() throws Exception {
    List<FeatureRow> rows =
        rows(
            ReplayOrder.READ,
            replayed(2, 3, 2.0, 2),
            replayed(2, 5, 4.0, 2),
            replayed(3, 6, 8.0, 3),
            replayed(1, 9, 1.0, 3));
    assertThat(rows.stream().filter(FeatureRow::logged).map(ReplayFunctionTest::text))
        .containsExactly("2 0:3 2.0", "2 0:5 6.0", "3 0:6 14.0", "3 0:9 15.0");
    assertThat(rows.stream().filter(FeatureRow::online)).hasSize(1);
  }

  private static String text(FeatureRow row) {
    return row.timeMillis() / MINUTE + " " + row.positions() + " " + row.values()[0];
  }

  private static Replayed replayed(long minute, long offset, double amount, long orderMinute) {
    return new Replayed(
        new ViewEvent("c", minute * MINUTE, 0, offset, new Object[] {amount}, null),
        orderMinute * MINUTE);
  }

  private static List<FeatureRow> rows(ReplayOrder order, Replayed... events) throws Exception {
    Project project = Definitions.read(FILES);
    FeatureView view = project.featureView("cards").orElseThrow();
    SourcePlan plan = SourcePlan.of(project, project.source("payments").orElseThrow(), "test");
    try (KeyedOneInputStreamOperatorTestHarness<String, Replayed, FeatureRow> harness =
        new KeyedOneInputStreamOperatorTestHarness<>(
            new KeyedProcessOperator<>(
                new ReplayFunction(
                    new ViewRows(view, plan, Duration.ZERO),
                    false,
                    10 * MINUTE,
                    order,
                    null,
                    false)),
            replayed -> replayed.event().entityKey(),
            Types.STRING)) {
      harness.open();
      for (Replayed event : events) {
        harness.processElement(event, event.orderMillis());
      }
      harness.processWatermark(Watermark.MAX_WATERMARK);
      assertThat(harness.numEventTimeTimers()).isZero();
      return harness.extractOutputValues();
    }
  }
}
