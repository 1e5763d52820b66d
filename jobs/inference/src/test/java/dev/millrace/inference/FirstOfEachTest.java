package dev.millrace.inference;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.charset.StandardCharsets;
import java.time.Duration;
import org.apache.flink.api.java.tuple.Tuple2;
import org.apache.flink.runtime.checkpoint.OperatorSubtaskState;
import org.apache.flink.streaming.api.operators.KeyedProcessOperator;
import org.apache.flink.streaming.util.KeyedOneInputStreamOperatorTestHarness;
import org.junit.jupiter.api.Test;

class FirstOfEachTest {

  @Test
  void theFirstOfEachIdIsKeptOverARestore() throws Exception {
    OperatorSubtaskState snapshot;
    try (var harness = harness()) {
      harness.setup(RawPrediction.Serializer.INSTANCE);
      harness.open();
      harness.processElement(prediction("a", 1), 0);
      harness.processElement(prediction("b", 2), 0);
      harness.processElement(prediction("a", 3), 0);
      assertThat(harness.extractOutputValues())
          .extracting(r -> (int) r.value()[0])
          .containsExactly(1, 2);
      snapshot = harness.snapshot(1, 1);
    }
    try (var harness = harness()) {
      harness.setup(RawPrediction.Serializer.INSTANCE);
      harness.initializeState(snapshot);
      harness.open();
      harness.processElement(prediction("b", 4), 0);
      harness.processElement(prediction("c", 5), 0);
      assertThat(harness.extractOutputValues())
          .extracting(r -> (int) r.value()[0])
          .containsExactly(5);
    }
  }

  @Test
  void anIdIsForgottenAfterADay() throws Exception {
    try (var harness = harness()) {
      harness.setup(RawPrediction.Serializer.INSTANCE);
      harness.setStateTtlProcessingTime(0);
      harness.open();
      harness.processElement(prediction("a", 1), 0);
      harness.setStateTtlProcessingTime(Duration.ofHours(25).toMillis());
      harness.processElement(prediction("a", 2), 0);
      assertThat(harness.extractOutputValues()).hasSize(2);
    }
  }

  private static KeyedOneInputStreamOperatorTestHarness<
          Tuple2<Long, Long>, RawPrediction, RawPrediction>
      harness() throws Exception {
    return new KeyedOneInputStreamOperatorTestHarness<>(
        new KeyedProcessOperator<>(new FirstOfEach()),
        new RawPrediction.Once(),
        RawPrediction.KEY_TYPE);
  }

  private static RawPrediction prediction(String id, int version) {
    return RawPrediction.of(
        id.getBytes(StandardCharsets.UTF_8), new byte[0], new byte[] {(byte) version});
  }
}
