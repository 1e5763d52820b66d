package dev.millrace.inference;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.millrace.core.definition.Model;
import dev.millrace.core.definition.Project;
import dev.millrace.platform.RunningViews;
import java.util.List;
import java.util.Map;
import org.apache.flink.util.InstantiationUtil;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ScoringPlanTest {

  @ParameterizedTest
  @CsvSource({"flight_id_last, a text", "delay_last_k, a list", "count_by_carrier_1h, a map"})
  void whatIsNoNumberIsNoInput(String feature, String what) {
    Model.Input input = new Model.Input.OfView("one", "origin_delays", feature, List.of("origin"));
    assertThatThrownBy(() -> Flights.plan(null, Flights.DELAY, input))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("delay_risk")
        .hasMessageContaining("input one is " + what);
  }

  @Test
  void aViewThatIsNotAppliedIsRefused() {
    Model model = Flights.model(null, List.of(Flights.DELAY));
    Project project = Flights.project(model);
    RunningViews none = RunningViews.only(project, Map.of());
    assertThatThrownBy(() -> ScoringPlan.of(project, model, none, true, InferenceJob.STAGE))
        .hasMessageContaining("origin_delays")
        .hasMessageContaining("apply");
  }

  @Test
  void travelsToTheTasks() throws Exception {
    ScoringPlan plan = Flights.plan("0.2", Flights.DELAY, Flights.DEPARTURES, Flights.DISTANCE);
    ScoringPlan there = InstantiationUtil.clone(plan);
    assertThat(there.views()).isEqualTo(plan.views());
    assertThat(there.current().inputNames())
        .containsExactly("delay_mean_1h", "count_1h", "distance");
    assertThat(there.current().missing().value(2)).isEqualTo(-1.0);
  }
}
