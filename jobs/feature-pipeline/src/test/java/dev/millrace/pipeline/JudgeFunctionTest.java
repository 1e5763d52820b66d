package dev.millrace.pipeline;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.tuple;

import dev.millrace.core.definition.Entity;
import dev.millrace.core.definition.Feature;
import dev.millrace.core.definition.Feature.Function;
import dev.millrace.core.definition.Feature.ValueType;
import dev.millrace.core.definition.FeatureView;
import dev.millrace.core.definition.Source;
import dev.millrace.streaming.DeadLetter;
import dev.millrace.streaming.Event;
import dev.millrace.streaming.Inbound;
import dev.millrace.streaming.Serializers;
import dev.millrace.streaming.SourcePlan;
import java.time.Duration;
import java.util.List;
import java.util.Queue;
import org.apache.avro.Schema;
import org.apache.flink.api.common.ExecutionConfig;
import org.apache.flink.runtime.checkpoint.OperatorSubtaskState;
import org.apache.flink.streaming.api.operators.ProcessOperator;
import org.apache.flink.streaming.runtime.streamrecord.StreamRecord;
import org.apache.flink.streaming.util.OneInputStreamOperatorTestHarness;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

class JudgeFunctionTest {

  private static final long MINUTE = 60_000;
  private static final Schema SCHEMA =
      new Schema.Parser()
          .parse(
              """
              {"type": "record", "name": "Arrival", "fields": [
                {"name": "id", "type": "string"},
                {"name": "at", "type": {"type": "long", "logicalType": "timestamp-millis"}},
                {"name": "origin", "type": ["null", "string"], "default": null},
                {"name": "delay", "type": "double"},
                {"name": "cancelled", "type": "boolean", "default": false}]}
              """);
  private static final FeatureView STRICT = view("strict", Duration.ZERO, "!cancelled");
  private static final FeatureView LENIENT = view("lenient", Duration.ofHours(1), null);
  private static final FeatureView CONDITIONAL =
      view(
          "conditional",
          Duration.ZERO,
          null,
          new Feature(
              "count_if_1h",
              Function.COUNT_IF,
              null,
              Duration.ofHours(1),
              ValueType.LONG,
              new Feature.Options("origin == 'JFK'", null, null, null, null, null, List.of())));

  @Test
  void routesAnEventToEachViewThatTakesIt() throws Exception {
    try (var harness = harness()) {
      harness.open();
      send(harness, 0, 7, 100 * MINUTE, "JFK", false);
      send(harness, 0, 8, 100 * MINUTE, "JFK", true);
      assertThat(values(harness.getSideOutput(JudgeFunction.events(STRICT)))).hasSize(1);
      assertThat(values(harness.getSideOutput(JudgeFunction.events(LENIENT))))
          .extracting(ViewEvent::entityKey)
          .containsExactly("JFK", "JFK");
      assertThat(harness.extractOutputValues())
          .extracting(ArchivedEvent::verdict)
          .containsExactly("OK", "OK");
      assertThat(letters(harness)).isEmpty();
    }
  }

  @Test
  void isLateAgainstItsOwnPartitionAndForTheViewsThatSaySo() throws Exception {
    try (var harness = harness()) {
      harness.open();
      send(harness, 0, 0, 100 * MINUTE, "JFK", false);
      send(harness, 0, 1, 90 * MINUTE, "JFK", false);
      send(harness, 0, 2, 89 * MINUTE, "JFK", false);
      send(harness, 0, 3, 29 * MINUTE, "JFK", false);
      send(harness, 1, 0, 10 * MINUTE, "JFK", false);
      assertThat(harness.extractOutputValues())
          .extracting(ArchivedEvent::verdict)
          .containsExactly("OK", "OK", "LATE strict", "LATE strict,lenient", "OK");
      assertThat(letters(harness))
          .extracting(DeadLetter::reason, DeadLetter::stage, DeadLetter::offset)
          .containsExactly(
              tuple("LATE", "feature-pipeline/strict", 2L),
              tuple("LATE", "feature-pipeline/strict", 3L),
              tuple("LATE", "feature-pipeline/lenient", 3L));
    }
  }

  @Test
  void judgesTheSameAfterARestore() throws Exception {
    OperatorSubtaskState snapshot;
    try (var harness = harness()) {
      harness.open();
      send(harness, 0, 0, 100 * MINUTE, "JFK", false);
      snapshot = harness.snapshot(1, 1);
    }
    try (var harness = harness()) {
      harness.initializeState(snapshot);
      harness.open();
      send(harness, 0, 1, 20 * MINUTE, "JFK", false);
      assertThat(harness.extractOutputValues())
          .extracting(ArchivedEvent::verdict)
          .containsExactly("LATE strict,lenient");
    }
  }

  @Test
  void anEventWithoutAKeyIsALetterOfItsView() throws Exception {
    try (var harness = harness()) {
      harness.open();
      send(harness, 0, 0, 100 * MINUTE, null, true);
      assertThat(letters(harness))
          .extracting(DeadLetter::reason, DeadLetter::stage)
          .containsExactly(tuple("NULL_KEY", "feature-pipeline/lenient"));
    }
  }

  @Test
  void anEventBringsItsConditionsAndWhereIdsRepeatItsId() throws Exception {
    try (var harness = harness(Duration.ofHours(1), List.of(CONDITIONAL, LENIENT))) {
      harness.open();
      send(harness, 0, 0, 100 * MINUTE, "JFK", false);
      send(harness, 0, 1, 100 * MINUTE, "LAX", false);
      assertThat(values(harness.getSideOutput(JudgeFunction.events(CONDITIONAL))))
          .extracting(e -> e.columns()[0], ViewEvent::eventId)
          .containsExactly(tuple(1.0, "e0"), tuple(0.0, "e1"));
      assertThat(values(harness.getSideOutput(JudgeFunction.events(LENIENT))))
          .extracting(e -> e.columns()[0])
          .containsExactly(1.5, 1.5);
    }
    try (var harness = harness()) {
      harness.open();
      send(harness, 0, 0, 100 * MINUTE, "JFK", false);
      assertThat(values(harness.getSideOutput(JudgeFunction.events(LENIENT))))
          .extracting(ViewEvent::eventId)
          .containsOnlyNulls();
    }
  }

  private static List<DeadLetter> letters(
      OneInputStreamOperatorTestHarness<Inbound, ArchivedEvent> harness) {
    return values(harness.getSideOutput(JudgeFunction.LETTERS));
  }

  private static <T> List<T> values(@Nullable Queue<StreamRecord<T>> side) {
    return side == null ? List.of() : side.stream().map(StreamRecord::getValue).toList();
  }

  private static void send(
      OneInputStreamOperatorTestHarness<Inbound, ArchivedEvent> harness,
      int partition,
      long offset,
      long timeMillis,
      @Nullable String origin,
      boolean cancelled)
      throws Exception {
    Object[] values = {"e" + offset, timeMillis, origin, 1.5, cancelled};
    harness.processElement(
        new Inbound(
            new Event(partition, offset, timeMillis, timeMillis, "e" + offset, values, null, null),
            null),
        timeMillis);
  }

  private static OneInputStreamOperatorTestHarness<Inbound, ArchivedEvent> harness()
      throws Exception {
    return harness(Duration.ZERO, List.of(STRICT, LENIENT));
  }

  private static OneInputStreamOperatorTestHarness<Inbound, ArchivedEvent> harness(
      Duration dedupWindow, List<FeatureView> views) throws Exception {
    Source source =
        new Source(
            "arrivals",
            "arrivals",
            Source.Kind.KAFKA,
            Source.Format.AVRO,
            SCHEMA,
            "id",
            "at",
            Duration.ofMinutes(10),
            Duration.ofHours(1),
            dedupWindow,
            true,
            List.of(),
            null);
    SourcePlan plan =
        new SourcePlan(
            "arrivals",
            "arrivals",
            false,
            SCHEMA,
            0,
            1,
            10 * MINUTE,
            60 * MINUTE,
            List.of(),
            List.of(),
            "feature-pipeline");
    var harness =
        new OneInputStreamOperatorTestHarness<Inbound, ArchivedEvent>(
            new ProcessOperator<>(new JudgeFunction(plan, source, views)),
            Serializers.INBOUND.createSerializer(new ExecutionConfig().getSerializerConfig()));
    return harness;
  }

  private static FeatureView view(String name, Duration lateness, @Nullable String filter) {
    return view(
        name,
        lateness,
        filter,
        new Feature(
            "delay_mean_1h", Function.MEAN, "delay", Duration.ofHours(1), ValueType.DOUBLE));
  }

  private static FeatureView view(
      String name, Duration lateness, @Nullable String filter, Feature feature) {
    return new FeatureView(
        name,
        new Entity("origin", List.of("origin")),
        "arrivals",
        List.of("origin"),
        filter,
        FeatureView.Accuracy.EXACT,
        Duration.ofMinutes(1),
        lateness,
        Duration.ofDays(7),
        List.of(feature),
        "0123456789ab");
  }
}
