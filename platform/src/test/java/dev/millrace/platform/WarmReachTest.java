package dev.millrace.platform;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.millrace.core.definition.Definitions;
import dev.millrace.core.definition.FeatureView;
import dev.millrace.core.definition.Project;
import dev.millrace.core.definition.Source;
import java.time.Instant;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;

class WarmReachTest {

  private static final Project PROJECT =
      Definitions.read(
          Map.of(
              "millrace.yaml",
              """
              project: shop
              sources:
                - {name: payments, schema: payment.avsc, event-id: id, event-time: at,
                   max-out-of-orderness: 10m, dedup-window: 5m}
                - {name: unkept, schema: payment.avsc, event-id: id, event-time: at, archive: false}
              entities:
                - {name: card, keys: [card]}
              feature-views:
                - name: cards
                  entity: card
                  source: payments
                  allowed-lateness: 20m
                  aggregations:
                    - {function: count, windows: [1h]}
                - name: always
                  entity: card
                  source: payments
                  aggregations:
                    - {function: last, column: card}
                - name: over
                  entity: card
                  source: unkept
                  aggregations:
                    - {function: count, windows: [1h]}
                - name: rows
                  entity: card
                  source: cards
                  aggregations:
                    - {function: max, column: count_1h, windows: [1h]}
              """,
              "payment.avsc",
              """
              {"type": "record", "name": "Payment", "fields": [
                {"name": "id", "type": "string"},
                {"name": "at", "type": {"type": "long", "logicalType": "timestamp-millis"}},
                {"name": "card", "type": "string"}]}
              """));

  @Test
  void rowsBeginWhereTheirWindowsAreWhole() {
    // 1 h of window, 10 min and 20 min behind, 5 min of ids: 95 min after the last partition.
    assertThat(begin("cards", "2026-03-02T00:00:00Z")).isEqualTo("2026-03-01T11:35:00Z");
    // And a row may come 20 min before the watermark.
    assertThat(begin("cards", "2026-03-01T11:55:00Z")).isEqualTo("2026-03-01T11:35:00Z");
  }

  @Test
  void anArchiveThatBeginsTooLateIsRefused() {
    assertThatThrownBy(() -> begin("cards", "2026-03-01T11:54:59Z"))
        .hasMessage(
            "Cannot warm view cards: at 2026-03-01T11:54:59Z, where the pipeline is, its windows need events since 2026-03-01T09:59:59Z, and the archive of payments begins at 2026-03-01T10:00:00Z (partitions [0, 1]); apply again when the pipeline has reached 2026-03-01T11:55:00Z, or shorten the windows");
    assertThatThrownBy(() -> begin("always", "2026-03-02T00:00:00Z"))
        .hasMessageContaining("Cannot warm view always: it has a feature without a window")
        .hasMessageContaining("the archive of payments begins at 2026-03-01T10:00:00Z");
  }

  @Test
  void whatHasNoArchiveIsRefused() {
    assertThatThrownBy(() -> WarmReach.source(PROJECT, view("over")))
        .hasMessageContaining("Cannot warm view over: its source unkept has no archive");
    assertThatThrownBy(() -> WarmReach.source(PROJECT, view("rows")))
        .hasMessageContaining("Cannot warm view rows: its events are the rows of view cards");
  }

  private static String begin(String view, String watermark) {
    Source source = PROJECT.source("payments").orElseThrow();
    Map<Integer, Long> firsts =
        Map.of(0, millis("2026-03-01T09:00:00Z"), 1, millis("2026-03-01T10:00:00Z"));
    return Instant.ofEpochMilli(
            WarmReach.beginMillis(view(view), source, new TreeMap<>(firsts), millis(watermark)))
        .toString();
  }

  private static long millis(String instant) {
    return Instant.parse(instant).toEpochMilli();
  }

  private static FeatureView view(String name) {
    return PROJECT.featureView(name).orElseThrow();
  }
}
