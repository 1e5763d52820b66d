package dev.millrace.cli.look;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.millrace.cli.Checkout;
import dev.millrace.cli.UserMistake;
import dev.millrace.cli.look.FeaturesCommand.OnlineRow;
import dev.millrace.core.definition.Definitions;
import dev.millrace.core.definition.Feature;
import dev.millrace.core.definition.Feature.ValueType;
import dev.millrace.core.definition.FeatureView;
import dev.millrace.schemas.Wire;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import org.apache.avro.generic.GenericData;
import org.apache.avro.generic.GenericRecord;
import org.junit.jupiter.api.Test;

class LookTest {
  private static final FeatureView ROUTES =
      Definitions.read(Checkout.root().resolve("examples/flights"))
          .featureView("route_delays")
          .orElseThrow();

  @Test
  void keyValuesAreEscaped() {
    assertThat(FeaturesCommand.redisKey(ROUTES, ROUTES.name(), List.of("JFK", "LAX")))
        .isEqualTo("features:{route:JFK~LAX}:route_delays");
    assertThat(FeaturesCommand.redisKey(ROUTES, ROUTES.name(), List.of("a~b", "{100%}")))
        .isEqualTo("features:{route:a%7Eb~%7B100%25%7D}:route_delays");
  }

  @Test
  void aMissingKeyValueIsSaid() {
    assertThatThrownBy(() -> FeaturesCommand.redisKey(ROUTES, ROUTES.name(), List.of("JFK")))
        .isInstanceOf(UserMistake.class)
        .hasMessageContaining("[origin, destination]");
  }

  @Test
  void aRowIsShownWithItsAgeAndVersion() {
    OnlineRow row =
        OnlineRow.of(
            ROUTES,
            "k",
            Map.of(
                "delay_mean_6h", "3.5",
                "delay_last", "7",
                "_time", "1000",
                "_source", "0:4,1:2",
                "_version", "1-abc"),
            Instant.ofEpochMilli(91_000));
    assertThat(row.json())
        .isEqualTo(
            "{\"view\":\"route_delays\",\"key\":\"k\",\"values\":{\"delay_mean_6h\":3.5,"
                + "\"delay_mean_24h\":null,\"delay_max_24h\":null,\"delay_last\":7},"
                + "\"_time\":1000,\"time\":\"1970-01-01T00:00:01Z\",\"_source\":\"0:4,1:2\","
                + "\"_version\":\"1-abc\",\"age_seconds\":90}");
    assertThat(String.join("\n", row.lines())).contains("1m 30s old").contains("1-abc");
  }

  @Test
  void listsAndMapsAreShownAsTheyAre() {
    FeatureView view =
        new FeatureView(
            "v",
            ROUTES.entity(),
            ROUTES.source(),
            ROUTES.keyFields(),
            null,
            FeatureView.Accuracy.EXACT,
            Duration.ofMinutes(1),
            Duration.ZERO,
            Duration.ofDays(7),
            List.of(
                feature("delay_last_k", ValueType.listOf(ValueType.DOUBLE)),
                feature("by_carrier", ValueType.mapOf(ValueType.listOf(ValueType.STRING))),
                feature("counts", ValueType.mapOf(ValueType.LONG)),
                feature("last", ValueType.STRING),
                feature("mean", ValueType.DOUBLE)),
            "0123456789ab");
    OnlineRow row =
        OnlineRow.of(
            view,
            "k",
            Map.of(
                "delay_last_k", "[1,2.5]",
                "by_carrier", "{\"B6\":[\"x\\\"y\"],\"İ\":[]}",
                "counts", "{}",
                "last", "[1]",
                "mean", "2"),
            Instant.EPOCH);

    assertThat(row.json())
        .contains(
            "\"values\":{\"delay_last_k\":[1.0,2.5],"
                + "\"by_carrier\":{\"B6\":[\"x\\\"y\"],\"İ\":[]},"
                + "\"counts\":{},\"last\":\"[1]\",\"mean\":2.0}");
    assertThat(String.join("\n", row.lines())).contains("[1,2.5]").contains("{\"B6\":");
  }

  private static Feature feature(String name, ValueType type) {
    return new Feature(name, Feature.Function.LAST, "delay", null, type);
  }

  @Test
  void aLetterWrittenTwiceIsShownOnce() {
    DeadLettersCommand.Once once = new DeadLettersCommand.Once();
    assertThat(once.isFirst(letter(7, "LATE"))).isTrue();
    assertThat(once.isFirst(letter(7, "LATE"))).isFalse();
    assertThat(once.isFirst(letter(7, "NULL_KEY"))).isTrue();
    assertThat(once.isFirst(letter(8, "LATE"))).isTrue();
    assertThat(DeadLettersCommand.json(letter(7, "LATE")).toString())
        .isEqualTo(
            "{\"source\":\"arrivals\",\"partition\":1,\"offset\":7,\"reason\":\"LATE\","
                + "\"message\":\"m\",\"stage\":\"feature-pipeline\"}");
  }

  private static GenericRecord letter(long offset, String reason) {
    GenericRecord letter = new GenericData.Record(Wire.DEAD_LETTER);
    letter.put("source", "arrivals");
    letter.put("topic", "arrivals");
    letter.put("partition", 1);
    letter.put("offset", offset);
    letter.put("reason", reason);
    letter.put("message", "m");
    letter.put("stage", "feature-pipeline");
    return letter;
  }

  @Test
  void durationsAreReadAndShown() {
    assertThat(Spans.parse("50ms")).isEqualTo(Duration.ofMillis(50));
    assertThat(Spans.parse("7d")).isEqualTo(Duration.ofDays(7));
    assertThatThrownBy(() -> Spans.parse("soon")).isInstanceOf(UserMistake.class);
    assertThat(Spans.show(Duration.ofHours(25))).isEqualTo("1d 1h");
  }
}
