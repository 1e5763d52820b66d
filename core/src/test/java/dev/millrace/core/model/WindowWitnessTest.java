package dev.millrace.core.model;

import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.core.definition.Entity;
import dev.millrace.core.definition.Feature;
import dev.millrace.core.definition.Feature.Function;
import dev.millrace.core.definition.Feature.ValueType;
import dev.millrace.core.definition.FeatureView;
import java.time.Duration;
import java.util.List;
import org.apache.avro.Schema;
import org.apache.avro.SchemaBuilder;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

class WindowWitnessTest {

  private static final Schema SOURCE =
      SchemaBuilder.record("arrival")
          .fields()
          .requiredString("origin")
          .requiredDouble("delay")
          .optionalDouble("fare")
          .endRecord();

  @Test
  void aCountOverTheLongestWindowTells() {
    WindowWitness witness =
        witness(
            feature("count_1h", Function.COUNT, null, 1),
            feature("delay_mean_24h", Function.MEAN, "delay", 24),
            feature("count_24h", Function.COUNT, null, 24));
    assertThat(witness.feature()).isEqualTo("count_24h");
    assertThat(witness.allEmpty("0")).isTrue();
    assertThat(witness.allEmpty("3")).isFalse();
    // No count at all is no row of this view: nothing is claimed.
    assertThat(witness.allEmpty(null)).isFalse();
  }

  @Test
  void aShorterWindowTellsNothingOfALongerOne() {
    WindowWitness witness =
        witness(
            feature("count_1h", Function.COUNT, null, 1),
            feature("fare_mean_24h", Function.MEAN, "fare", 24));
    assertThat(witness.feature()).isNull();
    assertThat(witness.allEmpty(null)).isFalse();
  }

  @Test
  void aFieldThatIsNeverNullTellsByNull() {
    WindowWitness witness =
        witness(
            feature("fare_mean_24h", Function.MEAN, "fare", 24),
            feature("delay_stddev_24h", Function.STDDEV, "delay", 24),
            feature("delay_mean_24h", Function.MEAN, "delay", 24));
    assertThat(witness.feature()).isEqualTo("delay_mean_24h");
    assertThat(witness.allEmpty(null)).isTrue();
    assertThat(witness.allEmpty("0")).isFalse();
  }

  @Test
  void whatMayBeNullOrZeroWithEventsTellsNothing() {
    Feature.Options byOrigin =
        new Feature.Options(null, "origin", null, null, null, null, List.of());
    Duration day = Duration.ofHours(24);
    assertThat(
            witness(
                    new Feature("a", Function.COUNT, null, day, ValueType.LONG, byOrigin),
                    new Feature("b", Function.SUM, "delay", day, ValueType.DOUBLE, byOrigin),
                    feature("c", Function.COUNT_IF, null, 24),
                    feature("d", Function.RATIO, "delay", 24),
                    feature("e", Function.ZSCORE, "delay", 24),
                    feature("f", Function.VARIANCE, "delay", 24),
                    feature("g", Function.SKEW, "delay", 24))
                .feature())
        .isNull();
    assertThat(witness(feature("p", Function.PERCENTILE, "delay", 24)).feature()).isEqualTo("p");
  }

  @Test
  void aViewWithoutWindowsHasNoneThatIsNotEmpty() {
    assertThat(witness(feature("delay_last", Function.LAST, "delay", 0)).allEmpty(null)).isTrue();
  }

  private static WindowWitness witness(Feature... features) {
    return WindowWitness.of(
        new FeatureView(
            "origin_delays",
            new Entity("origin", List.of("origin")),
            "arrivals",
            List.of("origin"),
            null,
            FeatureView.Accuracy.EXACT,
            Duration.ofMinutes(1),
            Duration.ZERO,
            Duration.ofDays(7),
            List.of(features),
            "0123456789ab"),
        SOURCE);
  }

  private static Feature feature(
      String name, Function function, @Nullable String column, int hours) {
    return new Feature(
        name,
        function,
        column,
        hours == 0 ? null : Duration.ofHours(hours),
        function == Function.COUNT ? ValueType.LONG : ValueType.DOUBLE);
  }
}
