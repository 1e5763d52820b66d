package dev.millrace.inference;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
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
  void anIdIsForgottenAfterTwoDaysAndNotWithinOne() throws Exception {
    try (var harness = harness()) {
      harness.setup(RawPrediction.Serializer.INSTANCE);
      harness.open();
      harness.setProcessingTime(0);
      harness.processElement(prediction("a", 1), 0);
      harness.setProcessingTime(Duration.ofHours(23).toMillis());
      harness.processElement(prediction("a", 2), 0);
      assertThat(harness.extractOutputValues()).hasSize(1);
      harness.setProcessingTime(Duration.ofHours(49).toMillis());
      harness.processElement(prediction("a", 3), 0);
      assertThat(harness.extractOutputValues()).hasSize(2);
    }
  }

  @Test
  void theNewestIdsOfABucketAreRememberedHoweverManyCame() {
    RememberedIds ids = new RememberedIds(0);
    SplittableRandom random = new SplittableRandom(3);
    List<Long> came = new ArrayList<>();
    for (int i = 0; i < 20 * RememberedIds.GENERATION_IDS; i++) {
      long id = i == 0 ? 0 : random.nextLong();
      assertThat(ids.add(id, 0)).isTrue();
      assertThat(ids.add(id, 0)).isFalse();
      came.add(id);
      ids = i % 100 == 0 ? RememberedIds.Serializer.INSTANCE.copy(ids) : ids;
    }
    for (long id : came.subList(came.size() - RememberedIds.GENERATION_IDS, came.size())) {
      assertThat(ids.add(id, 0)).isFalse();
    }
    // The first are forgotten: that is the bound.
    assertThat(ids.add(came.get(0), 0)).isTrue();
  }

  private static KeyedOneInputStreamOperatorTestHarness<Integer, RawPrediction, RawPrediction>
      harness() throws Exception {
    return new KeyedOneInputStreamOperatorTestHarness<>(
        new KeyedProcessOperator<>(new FirstOfEach()), new RawPrediction.Bucket(), Types.INT);
  }

  private static RawPrediction prediction(String id, int version) {
    return RawPrediction.of(
        id.getBytes(StandardCharsets.UTF_8), new byte[0], new byte[] {(byte) version});
  }
}
