package dev.millrace.inference;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.Map;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.runtime.checkpoint.OperatorSubtaskState;
import org.apache.flink.streaming.api.operators.KeyedProcessOperator;
import org.apache.flink.streaming.util.KeyedOneInputStreamOperatorTestHarness;
import org.junit.jupiter.api.Test;

class FirstOfEachTest {

  @Test
  void theFirstOfEachIdIsKeptOverARestore() throws Exception {
    OperatorSubtaskState snapshot;
    try (var harness = harness()) {
      harness.setup(PredictionSerializer.INSTANCE);
      harness.open();
      harness.processElement(prediction("a", 1), 0);
      harness.processElement(prediction("b", 2), 0);
      harness.processElement(prediction("a", 3), 0);
      assertThat(harness.extractOutputValues())
          .extracting(Prediction::version)
          .containsExactly(1, 2);
      snapshot = harness.snapshot(1, 1);
    }
    try (var harness = harness()) {
      harness.setup(PredictionSerializer.INSTANCE);
      harness.initializeState(snapshot);
      harness.open();
      harness.processElement(prediction("b", 4), 0);
      harness.processElement(prediction("c", 5), 0);
      assertThat(harness.extractOutputValues()).extracting(Prediction::version).containsExactly(5);
    }
  }

  @Test
  void anIdIsForgottenAfterADay() throws Exception {
    try (var harness = harness()) {
      harness.setup(PredictionSerializer.INSTANCE);
      harness.setStateTtlProcessingTime(0);
      harness.open();
      harness.processElement(prediction("a", 1), 0);
      harness.setStateTtlProcessingTime(Duration.ofHours(25).toMillis());
      harness.processElement(prediction("a", 2), 0);
      assertThat(harness.extractOutputValues()).hasSize(2);
    }
  }

  private static KeyedOneInputStreamOperatorTestHarness<String, Prediction, Prediction> harness()
      throws Exception {
    return new KeyedOneInputStreamOperatorTestHarness<>(
        new KeyedProcessOperator<>(new FirstOfEach()), Prediction::predictionId, Types.STRING);
  }

  private static Prediction prediction(String id, int version) {
    return new Prediction(
        id,
        "f1",
        Map.of(),
        0,
        0,
        "delay_risk",
        version,
        null,
        Role.CHAMPION,
        null,
        null,
        null,
        0,
        null,
        Map.of(),
        Map.of(),
        null);
  }
}
