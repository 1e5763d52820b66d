package dev.millrace.pipeline;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.millrace.core.definition.Entity;
import dev.millrace.core.definition.Feature;
import dev.millrace.core.definition.Feature.Function;
import dev.millrace.core.definition.Feature.ValueType;
import dev.millrace.core.definition.FeatureView;
import dev.millrace.core.definition.FeatureView.Accuracy;
import dev.millrace.core.row.FeatureRow;
import dev.millrace.streaming.SourcePlan;
import java.time.Duration;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import org.apache.avro.SchemaBuilder;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.core.fs.Path;
import org.apache.flink.core.memory.DataInputDeserializer;
import org.apache.flink.core.memory.DataOutputSerializer;
import org.apache.flink.runtime.checkpoint.OperatorSubtaskState;
import org.apache.flink.state.api.output.TaggedOperatorSubtaskState;
import org.apache.flink.state.api.output.operators.KeyedStateBootstrapOperator;
import org.apache.flink.streaming.api.operators.KeyedProcessOperator;
import org.apache.flink.streaming.api.watermark.Watermark;
import org.apache.flink.streaming.runtime.streamrecord.StreamRecord;
import org.apache.flink.streaming.util.KeyedOneInputStreamOperatorTestHarness;
import org.apache.flink.streaming.util.OneInputStreamOperatorTestHarness;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class WarmFunctionTest {

  private static final long MINUTE = 60_000;
  private static final long BEGIN = 1_000_000 * MINUTE;
  private static final int EVENTS = 2_000;
  private static final int HALF = 1_200;
  private static final Duration DEDUP = Duration.ofMinutes(5);

  private final List<ViewEvent> events = new ArrayList<>();

  WarmFunctionTest() {
    Random random = new Random(5);
    for (int i = 0; i < EVENTS; i++) {
      String id = i > 10 && random.nextInt(10) == 0 ? events.get(i - 5).eventId() : "e" + i;
      events.add(
          new ViewEvent(
              "c" + random.nextInt(3),
              BEGIN + i * 2_000L,
              0,
              i,
              new Object[] {random.nextInt(1_000) / 10.0},
              id));
    }
  }

  @ParameterizedTest
  @EnumSource(Accuracy.class)
  void goesOnAsTheStreamThatReadItAll(Accuracy accuracy) throws Exception {
    List<String> expected = new ArrayList<>();
    try (var all = rows(accuracy)) {
      all.open();
      run(all, 0, HALF, new ArrayList<>());
      run(all, HALF, EVENTS, expected);
    }
    List<EntityPart> parts = replayed(accuracy);
    Set<EntityPart.Kind> kinds = EnumSet.noneOf(EntityPart.Kind.class);
    parts.forEach(part -> kinds.add(part.kind()));
    // Of the tiled view's tiles and the exact one's pages some are beside the entity's value.
    assertThat(kinds)
        .containsExactlyInAnyOrder(
            EntityPart.Kind.ENTITY,
            accuracy == Accuracy.EXACT ? EntityPart.Kind.PAGE : EntityPart.Kind.TILE,
            EntityPart.Kind.SEEN);
    List<String> warm = new ArrayList<>();
    try (var later = rows(accuracy)) {
      later.initializeState(written(parts));
      later.open();
      assertThat(later.numEventTimeTimers()).isEqualTo(3);
      run(later, HALF, EVENTS, warm);
      assertThat(later.numEventTimeTimers()).isZero();
    }
    assertThat(expected).hasSizeGreaterThan(EVENTS - HALF);
    // Timers of one time fire in the order in which they were set.
    assertThat(warm).containsExactlyInAnyOrderElementsOf(expected);
  }

  @Test
  void aTaskThatHasWrittenNothingIsMissed() throws Exception {
    try (var check =
        new OneInputStreamOperatorTestHarness<TaggedOperatorSubtaskState, Void>(
            new WarmCheck("cards", 2))) {
      check.open();
      check.processElement(
          new StreamRecord<>(
              new TaggedOperatorSubtaskState(0, OperatorSubtaskState.builder().build())));
      assertThatThrownBy(check::endInput)
          .hasMessageContaining("Cannot warm view cards: 1 of 2 tasks have written its state");
      check.processElement(
          new StreamRecord<>(
              new TaggedOperatorSubtaskState(1, OperatorSubtaskState.builder().build())));
      check.endInput();
    }
  }

  /** What a replay of the first half gives of each entity, through its serializer. */
  private List<EntityPart> replayed(Accuracy accuracy) throws Exception {
    List<EntityPart> parts = new ArrayList<>();
    for (String card : List.of("c0", "c1", "c2")) {
      // A batch brings one key after the other.
      try (var replay =
          new KeyedOneInputStreamOperatorTestHarness<>(
              new KeyedProcessOperator<>(
                  new ReplayFunction(
                      new ViewRows(view(accuracy), source(), DEDUP),
                      false,
                      watermark(HALF - 1),
                      ReplayOrder.READ,
                      null,
                      true)),
              replayed -> replayed.event().entityKey(),
              Types.STRING)) {
        replay.open();
        for (ViewEvent event : events.subList(0, HALF)) {
          if (event.entityKey().equals(card)) {
            replay.processElement(new Replayed(event, event.timeMillis()), event.timeMillis());
          }
        }
        replay.processWatermark(Watermark.MAX_WATERMARK);
        for (var part : replay.getSideOutput(ReplayFunction.STATE)) {
          DataOutputSerializer bytes = new DataOutputSerializer(1_000);
          EntityPart.Serializer.INSTANCE.serialize(part.getValue(), bytes);
          parts.add(
              EntityPart.Serializer.INSTANCE.deserialize(
                  new DataInputDeserializer(bytes.getCopyOfBuffer())));
        }
      }
    }
    return parts;
  }

  private static OperatorSubtaskState written(List<EntityPart> parts) throws Exception {
    try (var writer =
        new KeyedOneInputStreamOperatorTestHarness<>(
            new KeyedStateBootstrapOperator<>(
                0, 0, new Path("/unused"), new WarmFunction(view(Accuracy.EXACT).ttl())),
            EntityPart::entityKey,
            Types.STRING)) {
      writer.open();
      for (EntityPart part : parts) {
        writer.processElement(part, 0);
      }
      return writer.snapshot(1, 1);
    }
  }

  private void run(
      KeyedOneInputStreamOperatorTestHarness<String, ViewEvent, FeatureRow> harness,
      int from,
      int to,
      List<String> rows)
      throws Exception {
    for (int i = from; i < to; i++) {
      harness.processElement(events.get(i), events.get(i).timeMillis());
      harness.processWatermark(watermark(i));
    }
    if (to == EVENTS) {
      harness.processWatermark(watermark(to - 1) + 40L * 24 * 60 * MINUTE);
    }
    for (FeatureRow row : harness.extractOutputValues()) {
      if (row.logged()) {
        rows.add(
            "%s %d %s %s %s"
                .formatted(
                    row.entityKey(),
                    row.timeMillis(),
                    row.positions(),
                    row.values()[0],
                    row.values()[1]));
      }
    }
    harness.getOutput().clear();
  }

  private long watermark(int index) {
    return events.get(index).timeMillis() - 1;
  }

  private static KeyedOneInputStreamOperatorTestHarness<String, ViewEvent, FeatureRow> rows(
      Accuracy accuracy) throws Exception {
    return new KeyedOneInputStreamOperatorTestHarness<>(
        new KeyedProcessOperator<>(new RowFunction(view(accuracy), source(), DEDUP)),
        ViewEvent::entityKey,
        Types.STRING);
  }

  private static FeatureView view(Accuracy accuracy) {
    Duration window = Duration.ofMinutes(30);
    return new FeatureView(
        "v",
        new Entity("e", List.of("k")),
        "s",
        List.of("k"),
        null,
        accuracy,
        Duration.ofMinutes(5),
        Duration.ZERO,
        Duration.ofDays(60),
        List.of(
            new Feature("count", Function.COUNT, null, window, ValueType.LONG),
            new Feature("x_max", Function.MAX, "x", window, ValueType.DOUBLE)),
        100_000,
        FeatureView.RedisOptions.DEFAULT,
        "0123456789ab");
  }

  private static SourcePlan source() {
    return new SourcePlan(
        "s",
        "s",
        false,
        SchemaBuilder.record("S").fields().endRecord(),
        0,
        0,
        0,
        0,
        List.of(),
        List.of(),
        "feature-pipeline");
  }
}
