package dev.millrace.bench;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class ReportTest {

  @Test
  void hasTheKeysOfTheContract() throws Exception {
    Report report = new Report("features", "a machine");
    report.add(
        Figure.atLeast(
            "fast", Samples.of(10, 30, 20), "events/s", 100.0, 4.0, 5.0, 5, "20 beside 4"));
    report.add(Figure.of("unknown", Samples.of(7), "B", null, null, null, 1.2, false, ""));
    report.add(new Detail("more", 1, "ms"));
    JsonNode json = new JsonMapper().readTree(report.json());
    assertThat(json.path("bench").asText()).isEqualTo("features");
    assertThat(json.path("machine").asText()).isEqualTo("a machine");
    JsonNode fast = json.path("figures").path(0);
    List<String> keys = new ArrayList<>();
    fast.fieldNames().forEachRemaining(keys::add);
    assertThat(keys).startsWith("name", "value", "unit", "ceiling", "peer", "ratio", "goal", "met");
    assertThat(fast.path("value").asDouble()).isEqualTo(20);
    assertThat(fast.path("met").asBoolean()).isTrue();
    JsonNode unknown = json.path("figures").path(1);
    assertThat(unknown.path("peer").isNull()).isTrue();
    assertThat(unknown.path("ratio").isNull()).isTrue();
    assertThat(unknown.path("goal").asDouble()).isEqualTo(1.2);
    assertThat(unknown.path("met").asBoolean()).isFalse();
  }

  @Test
  void aGoalIsMetFromTheRightSide() {
    Samples one = Samples.of(1);
    assertThat(Figure.atLeast("a", one, "", null, null, 4.9, 5, "").met()).isFalse();
    assertThat(Figure.atMost("a", one, "", null, null, 4.9, 5, "").met()).isTrue();
    assertThat(Figure.atMost("a", one, "", null, null, 5.1, 5, "").met()).isFalse();
  }

  @Test
  void quantilesAreOfTheNearestRank() {
    Samples hundred =
        new Samples(java.util.stream.IntStream.rangeClosed(1, 100).asDoubleStream().toArray());
    assertThat(hundred.median()).isEqualTo(50.5);
    assertThat(hundred.quantile(0.99)).isEqualTo(99);
    assertThat(hundred.quantile(0.999)).isEqualTo(100);
    assertThat(hundred.quantile(0)).isEqualTo(1);
  }
}
