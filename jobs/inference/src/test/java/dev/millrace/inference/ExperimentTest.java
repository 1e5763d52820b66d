package dev.millrace.inference;

import static dev.millrace.core.model.Deployment.State.EFFECTIVE;
import static dev.millrace.inference.Flights.DISTANCE;
import static dev.millrace.inference.Flights.departure;
import static dev.millrace.inference.Flights.record;
import static dev.millrace.inference.Flights.timeMillis;
import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.core.definition.Model;
import dev.millrace.core.model.ArmAssignment;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** Predictions say which arm their unit is in, and how likely that was. */
class ExperimentTest {

  private static final Map<String, Integer> ARMS = Map.of("control", 75, "eager", 25);

  @Test
  void aPredictionNamesItsArm() throws Exception {
    ArmAssignment assignment = new ArmAssignment("delay_risk", "eager", ARMS);
    try (Scoring scoring =
        new Scoring(
            plan(new Model.Experiment("eager", "origin", List.of("origin"), ARMS)),
            record(0, "d1", EFFECTIVE, timeMillis(50), 1, null, 0, 2))) {
      for (int i = 0; i < 100; i++) {
        scoring.event(departure(i, i == 99 ? null : "O" + i % 20, 100.0));
      }
      scoring.barrier(1);
      List<Prediction> predictions = scoring.predictions();
      assertThat(predictions).hasSize(100);
      assertThat(predictions.subList(0, 99))
          .allSatisfy(
              p -> {
                int number = Integer.parseInt(p.eventId().substring(1));
                ArmAssignment.Arm arm = assignment.of("O" + number % 20);
                assertThat(p.experiment()).isEqualTo("eager");
                assertThat(p.arm()).isEqualTo(arm.name());
                assertThat(p.propensity()).isEqualTo(arm.name().equals("eager") ? 0.25 : 0.75);
              });
      assertThat(predictions).extracting(Prediction::arm).contains("control", "eager");
      // Whoever answers, also the fallback, and nobody without a unit.
      assertThat(predictions.get(0).role()).isEqualTo(Role.FALLBACK);
      assertThat(predictions.get(99).experiment()).isNull();
      assertThat(predictions.get(99).propensity()).isNull();
      assertThat(scoring.shadows()).isNotEmpty().allMatch(s -> s.arm() == null);
    }
  }

  private static ScoringPlan plan(Model.Experiment experiment) {
    Model plain = Flights.model("0.2", List.of(DISTANCE));
    Model model =
        new Model(
            plain.name(),
            plain.source(),
            plain.features(),
            plain.inputs(),
            plain.missingDefault(),
            plain.missing(),
            plain.missingTexts(),
            plain.maxFeatureWait(),
            plain.execution(),
            plain.decisions(),
            plain.fallback(),
            plain.delivery(),
            plain.label(),
            plain.training(),
            plain.gates(),
            plain.monitoring(),
            plain.retraining(),
            plain.rollout(),
            List.of(experiment));
    return ScoringPlan.of(
        Flights.project(model), model, Flights.running(model), true, InferenceJob.STAGE);
  }
}
