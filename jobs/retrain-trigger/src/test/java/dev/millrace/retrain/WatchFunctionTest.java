package dev.millrace.retrain;

import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.core.definition.Model;
import dev.millrace.core.model.LifecycleEntry;
import dev.millrace.core.retrain.Drifted;
import dev.millrace.core.retrain.RetrainDecision;
import dev.millrace.core.rollout.Alert;
import dev.millrace.core.rollout.RolloutStep;
import dev.millrace.schemas.Wire;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.apache.avro.generic.GenericData;
import org.apache.avro.generic.GenericRecord;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.api.common.typeutils.TypeSerializer;
import org.apache.flink.core.memory.DataInputDeserializer;
import org.apache.flink.core.memory.DataOutputSerializer;
import org.apache.flink.runtime.checkpoint.OperatorSubtaskState;
import org.apache.flink.streaming.api.operators.KeyedProcessOperator;
import org.apache.flink.streaming.util.KeyedOneInputStreamOperatorTestHarness;
import org.apache.flink.util.OutputTag;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

class WatchFunctionTest {

  private static final long NOW = 1_800_000_000_000L;

  /** Everything that left, one line each. */
  private final List<String> out = new ArrayList<>();

  private static KeyedOneInputStreamOperatorTestHarness<String, Seen, RetrainDecision> harness()
      throws Exception {
    return new KeyedOneInputStreamOperatorTestHarness<>(
        new KeyedProcessOperator<>(new WatchFunction(List.of(World.plan()))),
        Seen::model,
        Types.STRING,
        1,
        1,
        0);
  }

  private void run(List<Seen> seen, int restoredEvery) throws Exception {
    OperatorSubtaskState state = null;
    for (int from = 0; from < seen.size(); from += restoredEvery) {
      state = part(seen.subList(from, Math.min(seen.size(), from + restoredEvery)), state);
    }
  }

  private OperatorSubtaskState part(List<Seen> seen, @Nullable OperatorSubtaskState before)
      throws Exception {
    try (KeyedOneInputStreamOperatorTestHarness<String, Seen, RetrainDecision> harness =
        harness()) {
      harness.setup(
          WatchTypes.DECISION.createSerializer(harness.getExecutionConfig().getSerializerConfig()));
      if (before != null) {
        harness.initializeState(before);
      }
      harness.open();
      harness.setProcessingTime(NOW);
      for (Seen one : seen) {
        harness.processElement(one, 0);
      }
      harness.extractOutputValues().forEach(d -> out.add(d.toString()));
      side(harness, WatchFunction.STEPS);
      side(harness, WatchFunction.COMMANDS);
      side(harness, WatchFunction.ALERTS);
      OperatorSubtaskState after = harness.snapshot(1, 1);
      assertThat(harness.numEventTimeTimers() + harness.numProcessingTimeTimers()).isZero();
      return after;
    }
  }

  private <T> void side(
      KeyedOneInputStreamOperatorTestHarness<String, Seen, RetrainDecision> harness,
      OutputTag<T> tag) {
    var records = harness.getSideOutput(tag);
    if (records != null) {
      records.forEach(r -> out.add(r.getValue().toString()));
    }
  }

  private static List<Seen> life() {
    List<Seen> life = World.untilTheRequest();
    life.addAll(World.untilTheCanary("r1"));
    return life;
  }

  @Test
  void aChangeBecomesARequestAndAGoodSuccessorACanary() throws Exception {
    run(life(), Integer.MAX_VALUE / 2);
    assertThat(out).filteredOn(o -> o.contains("requested=true")).hasSize(1);
    assertThat(out).filteredOn(o -> o.contains("decision=ADVANCED")).hasSize(1);
    assertThat(out)
        .filteredOn(o -> o.startsWith("LifecycleEntry"))
        .hasSize(2)
        .allMatch(o -> o.contains("atMillis=" + NOW))
        .anyMatch(o -> o.contains("/CANARY/0.2"));
  }

  @Test
  void aRestartAnywhereChangesNothing() throws Exception {
    run(life(), Integer.MAX_VALUE / 2);
    List<String> straight = out.stream().sorted().toList();
    for (int every : new int[] {7, 100, 231}) {
      out.clear();
      run(life(), every);
      assertThat(out.stream().sorted().toList())
          .as("restored every %s records", every)
          .isEqualTo(straight);
    }
  }

  @Test
  void modelsOfOtherProjectsArePassedOver() throws Exception {
    LifecycleEntry other =
        LifecycleEntry.command("other", LifecycleEntry.Command.STAGE, 1, "a", "", 0, "k", "{}");
    run(List.of(new Seen.OfLifecycle(other)), 1);
    assertThat(out).isEmpty();
  }

  @Test
  void everythingSeenSurvivesItsSerializer() throws Exception {
    List<Seen> seen = life();
    seen.add(
        new Seen.OfDrift(new Drifted(World.MODEL, 1, "amount", 0, 1, "psi", "psi/v1", null, null)));
    for (Seen one : List.of(seen.get(0), seen.get(1), seen.get(seen.size() - 1))) {
      assertThat(copy(Seen.Serializer.INSTANCE, one)).isEqualTo(one);
    }
  }

  @Test
  void outputsSurviveTheirSerializersAndFitTheirSchemas() throws Exception {
    RetrainDecision decision =
        new RetrainDecision(
            World.MODEL, "r1", "e", true, Model.Cause.CONCEPT, "seen", 1, 1L, 2L, 3L, 4L, 5L, "{}");
    assertThat(copy(JsonSerializer.OfDecision.INSTANCE, decision)).isEqualTo(decision);
    assertThat(GenericData.get().validate(Wire.RETRAINING, decision.record(Wire.RETRAINING)))
        .isTrue();
    RolloutStep step =
        new RolloutStep(
            "id",
            World.MODEL,
            2,
            1,
            RolloutStep.Phase.CANARY,
            0.2,
            RolloutStep.Verdict.ADVANCED,
            "why",
            1,
            "d",
            "r1",
            "{}");
    assertThat(copy(JsonSerializer.OfStep.INSTANCE, step)).isEqualTo(step);
    assertThat(GenericData.get().validate(Wire.ROLLOUT, step.record(Wire.ROLLOUT))).isTrue();
    Alert alert = new Alert("id", World.MODEL, "rule", "message", 1, "{}");
    assertThat(copy(JsonSerializer.OfAlert.INSTANCE, alert)).isEqualTo(alert);
    assertThat(GenericData.get().validate(Wire.ALERT, alert.record(Wire.ALERT))).isTrue();
  }

  @Test
  void onlyWhatDecidesIsRead() {
    GenericRecord drift = new GenericData.Record(Wire.DRIFT);
    drift.put("model", World.MODEL);
    drift.put("version", 1);
    drift.put("feature", "amount");
    drift.put("window_start", 0L);
    drift.put("window_end", 1L);
    drift.put("statistic", "psi");
    drift.put("definition", "psi/v1");
    drift.put("drifted", false);
    Set<String> models = Set.of(World.MODEL);
    assertThat(SeenDecoder.seen(SeenDecoder.Kind.DRIFT, models, drift)).isEmpty();
    drift.put("drifted", true);
    assertThat(SeenDecoder.seen(SeenDecoder.Kind.DRIFT, models, drift)).isPresent();
    assertThat(SeenDecoder.seen(SeenDecoder.Kind.DRIFT, Set.of("other"), drift)).isEmpty();
    drift.put("segment", "country=TR");
    assertThat(SeenDecoder.seen(SeenDecoder.Kind.DRIFT, models, drift)).isEmpty();
    LifecycleEntry command =
        LifecycleEntry.command(World.MODEL, LifecycleEntry.Command.STAGE, 1, "a", "", 0, "k", "{}");
    assertThat(SeenDecoder.seen(SeenDecoder.Kind.LIFECYCLE, models, command.record(Wire.LIFECYCLE)))
        .isEqualTo(Optional.empty());
  }

  private static <T> T copy(TypeSerializer<T> serializer, T value) throws Exception {
    DataOutputSerializer bytes = new DataOutputSerializer(64);
    serializer.serialize(value, bytes);
    return serializer.deserialize(new DataInputDeserializer(bytes.getCopyOfBuffer()));
  }
}
