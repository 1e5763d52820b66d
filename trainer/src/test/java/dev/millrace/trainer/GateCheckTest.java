package dev.millrace.trainer;

import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.core.definition.Model.Gate;
import java.util.List;
import org.junit.jupiter.api.Test;

class GateCheckTest {

  private static final Metrics METRICS = new Metrics(1000, 40, 0.91, 0.2, 0.05, 0.01, 0.05, 0.04);
  private static final PairedDelta DELTA =
      new PairedDelta(
          new PairedDelta.Bounds(0.02, -0.001, 0.03),
          new PairedDelta.Bounds(0.01, 0.004, 0.02),
          24,
          3_600_000);
  private static final Gate GOOD_ENOUGH = new Gate("good_enough", "metrics.auc > 0.9");
  private static final Gate ENOUGH_ROWS =
      new Gate("enough_rows", "metrics.count >= 500 && metrics.positives > 10.5");
  private static final Gate BETTER = new Gate("better", "delta.auc.low >= 0.0");
  private static final Gate NOT_WORSE =
      new Gate("not_worse", "delta.auc.low >= -0.005 && delta.log_loss.value > 0.0");

  @Test
  void allMustHold() {
    GateCheck check =
        GateCheck.of(List.of(GOOD_ENOUGH, ENOUGH_ROWS, NOT_WORSE), METRICS, DELTA, null);
    assertThat(check.passed()).isTrue();
    assertThat(check.gates().get(2).values())
        .containsEntry("delta.auc.low", -0.001)
        .containsEntry("delta.log_loss.value", 0.01);

    GateCheck failed = GateCheck.of(List.of(GOOD_ENOUGH, BETTER), METRICS, DELTA, null);
    assertThat(failed.passed()).isFalse();
    assertThat(failed.gates()).extracting(GateCheck.Result::passed).containsExactly(true, false);
    assertThat(failed.json().path("gates").get(1).path("values").path("delta.auc.low").asDouble())
        .isEqualTo(-0.001);
    assertThat(failed.json().path("delta").path("log_loss").path("low").asDouble())
        .isEqualTo(0.004);
    assertThat(failed.json().path("metrics").path("brier").asDouble()).isEqualTo(0.05);
  }

  @Test
  void withoutAChampionThereIsNothingToCompare() {
    GateCheck check = GateCheck.of(List.of(GOOD_ENOUGH, BETTER), METRICS, null, null);
    assertThat(check.passed()).isTrue();
    assertThat(check.gates().get(0).note()).isNull();
    assertThat(check.gates().get(1).note()).isEqualTo("no champion");
    assertThat(check.json().path("delta").isNull()).isTrue();
  }

  @Test
  void aChampionThatCannotBeComparedFails() {
    GateCheck check =
        GateCheck.of(List.of(GOOD_ENOUGH, BETTER), METRICS, null, "champion 3 reads others");
    assertThat(check.passed()).isFalse();
    assertThat(check.gates().get(1).note()).isEqualTo("champion 3 reads others");
  }

  @Test
  void aCheckThatCannotBeComputedFailsAndSaysWhy() {
    GateCheck check =
        GateCheck.of(List.of(new Gate("typo", "metrics.acu > 0.9")), METRICS, DELTA, null);
    assertThat(check.passed()).isFalse();
    assertThat(check.gates().get(0).note()).contains("acu");
  }

  @Test
  void withoutGatesAllPasses() {
    GateCheck check = GateCheck.of(List.of(), METRICS, null, null);
    assertThat(check.passed()).isTrue();
    assertThat(check.json().path("note").asText()).isEqualTo("no gates are defined");
  }
}
