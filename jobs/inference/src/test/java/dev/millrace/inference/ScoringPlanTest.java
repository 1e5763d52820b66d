package dev.millrace.inference;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.millrace.core.definition.Model;
import java.util.List;
import java.util.Map;
import org.apache.flink.util.InstantiationUtil;
import org.junit.jupiter.api.Test;

class ScoringPlanTest {

  @Test
  void textIsNoInput() {
    Model.Input text =
        new Model.Input.OfView("last", "origin_delays", "flight_id_last", List.of("origin"));
    assertThatThrownBy(() -> Flights.plan(null, Flights.DELAY, text))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("delay_risk")
        .hasMessageContaining("input last is text");
  }

  @Test
  void aViewThatIsNotAppliedIsRefused() {
    Model model = Flights.model(null, List.of(Flights.DELAY));
    assertThatThrownBy(
            () -> ScoringPlan.of(Flights.project(model), model, Map.of(), true, InferenceJob.STAGE))
        .hasMessageContaining("origin_delays")
        .hasMessageContaining("apply");
  }

  @Test
  void travelsToTheTasks() throws Exception {
    ScoringPlan plan = Flights.plan("0.2", Flights.DELAY, Flights.DEPARTURES, Flights.DISTANCE);
    ScoringPlan there = InstantiationUtil.clone(plan);
    assertThat(there.views()).isEqualTo(plan.views());
    assertThat(there.inputNames()).containsExactly("delay_mean_1h", "count_1h", "distance");
    assertThat(there.missing().value(2)).isEqualTo(-1.0);
  }
}
