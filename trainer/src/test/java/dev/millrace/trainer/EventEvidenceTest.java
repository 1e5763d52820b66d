package dev.millrace.trainer;

import static dev.millrace.trainer.WarehouseFixture.time;
import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.core.definition.Model;
import dev.millrace.core.definition.Model.Label.Repeat;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import org.apache.avro.generic.GenericRecord;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class EventEvidenceTest {

  private static final long NOON = 1_000_000_000_000L;
  private static final long DAY = TimeUnit.DAYS.toMillis(1);

  @Test
  void aPredictionIsFoundByItsEvent(@TempDir Path dir) throws Exception {
    try (WarehouseFixture warehouse = new WarehouseFixture(dir)) {
      EventEvidence evidence = new EventEvidence(warehouse.catalog, WarehouseFixture.project());
      assertThat(evidence.prediction(model(Repeat.LAST), "7")).isEmpty();
      Map<String, @Nullable Double> inputs = new HashMap<>();
      inputs.put("distance", 500.25);
      inputs.put("hour", null);
      warehouse.predictions(
          List.of(
              prediction("6", NOON, 0.25, inputs),
              prediction("7", NOON + DAY, 0.1 + 0.2, inputs),
              prediction("8", NOON + DAY, 0.75, inputs)));

      GenericRecord found = evidence.prediction(model(Repeat.LAST), "7").orElseThrow();
      assertThat(found.get("score")).isEqualTo(0.1 + 0.2);
      assertThat(found.get("event_time")).isEqualTo(NOON + DAY);
      assertThat(found.get("scored_at")).isEqualTo(NOON + DAY + 9);
      assertThat(found.get("role")).hasToString("CANARY");
      assertThat(found.get("inputs")).isEqualTo(inputs);
      assertThat(found.get("sha256")).isNull();
      assertThat(found.get("rows")).isNull();
      assertThat(evidence.prediction(model(Repeat.LAST), "77")).isEmpty();
    }
  }

  @Test
  void aPredictionHasItsTextsAgain(@TempDir Path dir) throws Exception {
    try (WarehouseFixture warehouse = new WarehouseFixture(dir)) {
      EventEvidence evidence = new EventEvidence(warehouse.catalog, WarehouseFixture.project());
      @Nullable Object[] row =
          Arrays.copyOf(prediction("7", NOON, 0.5, new HashMap<>(Map.of("distance", 2.0))), 18);
      row[17] = Map.of("carrier", "uçuş");
      warehouse.predictions(List.<@Nullable Object[]>of(row));
      assertThat(evidence.prediction(model(Repeat.LAST), "7").orElseThrow().get("inputs"))
          .isEqualTo(Map.of("distance", 2.0, "carrier", "uçuş"));
    }
  }

  @Test
  void aLabelIsTheFirstOrLastThatCameInTime(@TempDir Path dir) throws Exception {
    try (WarehouseFixture warehouse = new WarehouseFixture(dir)) {
      EventEvidence evidence = new EventEvidence(warehouse.catalog, WarehouseFixture.project());
      Model.Label last = label(Repeat.LAST);
      Model.Label first = label(Repeat.FIRST);
      assertThat(evidence.label(last, "7", Long.MAX_VALUE)).isEmpty();
      warehouse.arrivals(
          List.of(
              arrival(7, NOON + 10, 3, 40),
              arrival(7, NOON + 5, 4, null),
              arrival(7, NOON + 20, 5, 3),
              arrival(7, NOON + DAY, 6, 90),
              arrival(77, NOON + 1, 7, 90)));

      assertThat(evidence.label(first, "7", NOON + 100))
          .contains(new EventEvidence.Label(1, NOON + 10, 0, 3));
      assertThat(evidence.label(last, "7", NOON + 100))
          .contains(new EventEvidence.Label(0, NOON + 20, 0, 5));
      assertThat(evidence.label(last, "7", NOON + DAY))
          .contains(new EventEvidence.Label(1, NOON + DAY, 0, 6));
      assertThat(evidence.label(last, "8", NOON + DAY)).isEmpty();
      assertThat(evidence.label(last, "no number", NOON + DAY)).isEmpty();
    }
  }

  private static Model model(Repeat repeat) {
    return WarehouseFixture.model(repeat, null, Double.NaN, Map.of(), Duration.ofDays(1));
  }

  private static Model.Label label(Repeat repeat) {
    return Objects.requireNonNull(model(repeat).label());
  }

  private static @Nullable Object[] prediction(
      String id, long timeMillis, double score, Map<String, @Nullable Double> inputs) {
    return new @Nullable Object[] {
      "p" + id,
      id,
      Map.of("origin", "JFK"),
      time(timeMillis),
      time(timeMillis + 9),
      "delay_risk",
      3,
      null,
      "CANARY",
      null,
      null,
      null,
      score,
      "OK",
      inputs,
      Map.of("origin_delays", "STALE"),
      "d1"
    };
  }

  private static @Nullable Object[] arrival(
      long id, long timeMillis, long offset, @Nullable Integer delay) {
    return new @Nullable Object[] {id, time(timeMillis), "JFK", "LAX", delay, 0, offset, "OK"};
  }
}
