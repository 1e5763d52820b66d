package dev.millrace.pipeline;

import dev.millrace.core.definition.FeatureView;
import dev.millrace.core.definition.Source;
import dev.millrace.streaming.DeadLetter;
import dev.millrace.streaming.Event;
import dev.millrace.streaming.Inbound;
import dev.millrace.streaming.Serializers;
import dev.millrace.streaming.SourcePlan;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apache.avro.Schema;
import org.apache.flink.api.common.functions.OpenContext;
import org.apache.flink.api.common.state.ListState;
import org.apache.flink.api.common.state.ListStateDescriptor;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.api.java.tuple.Tuple2;
import org.apache.flink.metrics.Counter;
import org.apache.flink.runtime.state.FunctionInitializationContext;
import org.apache.flink.runtime.state.FunctionSnapshotContext;
import org.apache.flink.streaming.api.checkpoint.CheckpointedFunction;
import org.apache.flink.streaming.api.functions.ProcessFunction;
import org.apache.flink.util.Collector;
import org.apache.flink.util.OutputTag;

/**
 * Judges each event of a source once, in the order of the log, before any shuffle: which views take
 * it, and for which it is late.
 *
 * <p>Late: more than {@code max-out-of-orderness + allowed-lateness} behind the largest event time
 * read earlier from the same partition. That time is in the checkpoint, so after a restore every
 * verdict is the same; it is kept in union state because a partition may be read by another subtask
 * then, and the largest of all is right for each. Beside it is the offset of the last event, so
 * that who has a savepoint knows which of the archive's events its views have seen.
 */
final class JudgeFunction extends ProcessFunction<Inbound, ArchivedEvent>
    implements CheckpointedFunction {

  private static final long serialVersionUID = 1L;

  /** By partition, the largest event time. */
  static final ListStateDescriptor<Tuple2<Integer, Long>> LARGEST =
      new ListStateDescriptor<>("largest-event-time", Types.TUPLE(Types.INT, Types.LONG));

  /** By partition, the offset of the last event; dead letters are none. */
  static final ListStateDescriptor<Tuple2<Integer, Long>> LAST =
      new ListStateDescriptor<>("last-offset", Types.TUPLE(Types.INT, Types.LONG));

  static final OutputTag<DeadLetter> LETTERS = new OutputTag<>("letters", Serializers.DEAD_LETTER);

  /** Where the events of a view come out. */
  static OutputTag<ViewEvent> events(FeatureView view) {
    return events(view.name(), view.id());
  }

  private static OutputTag<ViewEvent> events(String view, String id) {
    return new OutputTag<>("view-" + view + "-" + id, ViewEvent.TYPE);
  }

  private final SourcePlan plan;
  private final List<ViewInput> views;

  /** As verdicts name them: views of which another definition is judged too by their ids. */
  private final List<String> labels;

  private transient Map<Integer, Long> largestMillis;
  private transient ListState<Tuple2<Integer, Long>> largestState;
  private transient Map<Integer, Long> lastOffsets;
  private transient ListState<Tuple2<Integer, Long>> lastState;
  private transient Counter lettersCounter;
  private transient Counter filtered;
  private transient Counter failedFilters;
  private transient Counter failedConditions;

  @SuppressWarnings("NullAway.Init") // Flink calls initializeState and open first.
  JudgeFunction(SourcePlan plan, Source source, List<FeatureView> views) {
    this.plan = plan;
    this.views =
        List.copyOf(
            views.stream()
                .map(v -> ViewInput.of(source, v, plan.maxOutOfOrdernessMillis()))
                .toList());
    this.labels =
        List.copyOf(
            this.views.stream()
                .map(
                    v ->
                        views.stream().filter(o -> o.name().equals(v.view())).count() == 1
                            ? v.view()
                            : v.label())
                .toList());
  }

  @Override
  public void initializeState(FunctionInitializationContext context) throws Exception {
    largestState = context.getOperatorStateStore().getUnionListState(LARGEST);
    largestMillis = byPartition(largestState.get());
    lastState = context.getOperatorStateStore().getUnionListState(LAST);
    lastOffsets = byPartition(lastState.get());
  }

  /** What all subtasks have noted; of a partition that moved between them the largest is right. */
  static Map<Integer, Long> byPartition(Iterable<Tuple2<Integer, Long>> entries) {
    Map<Integer, Long> largest = new HashMap<>();
    for (Tuple2<Integer, Long> entry : entries) {
      largest.merge(entry.f0, entry.f1, Math::max);
    }
    return largest;
  }

  @Override
  public void snapshotState(FunctionSnapshotContext context) throws Exception {
    largestState.update(entries(largestMillis));
    lastState.update(entries(lastOffsets));
  }

  private static List<Tuple2<Integer, Long>> entries(Map<Integer, Long> byPartition) {
    List<Tuple2<Integer, Long>> entries = new ArrayList<>();
    byPartition.forEach((partition, value) -> entries.add(Tuple2.of(partition, value)));
    return entries;
  }

  @SuppressWarnings("NullAway.Init") // initializeState, which comes before, sets the others.
  @Override
  public void open(OpenContext context) {
    Schema schema = plan.schema();
    views.forEach(view -> view.open(schema));
    lettersCounter = getRuntimeContext().getMetricGroup().counter("deadLetters");
    filtered = getRuntimeContext().getMetricGroup().counter("eventsFiltered");
    failedFilters = getRuntimeContext().getMetricGroup().counter("filtersFailed");
    failedConditions = getRuntimeContext().getMetricGroup().counter("conditionsFailed");
  }

  @Override
  public void processElement(Inbound inbound, Context context, Collector<ArchivedEvent> out) {
    DeadLetter letter = inbound.letter();
    if (letter != null) {
      refuse(letter, context);
    }
    Event event = inbound.event();
    if (event == null) {
      return;
    }
    Long largest = largestMillis.get(event.partition());
    if (largest == null || event.eventTimeMillis() > largest) {
      largestMillis.put(event.partition(), event.eventTimeMillis());
    }
    lastOffsets.merge(event.partition(), event.offset(), Math::max);
    StringBuilder late = null;
    for (int v = 0; v < views.size(); v++) {
      ViewInput view = views.get(v);
      if (!view.passes(event.values(), failedFilters::inc)) {
        filtered.inc();
      } else if (largest != null && view.late(event.eventTimeMillis(), largest)) {
        late = (late == null ? new StringBuilder("LATE ") : late.append(',')).append(labels.get(v));
        refuse(lateLetter(view, labels.get(v), event, largest), context);
      } else {
        route(view, labels.get(v), event, context);
      }
    }
    out.collect(new ArchivedEvent(event, late == null ? ArchivedEvent.OK : late.toString()));
  }

  private void route(ViewInput view, String label, Event event, Context context) {
    ViewEvent routed = view.event(event, failedConditions::inc);
    if (routed == null) {
      refuse(
          DeadLetter.of(
              plan.name(),
              plan.topic(),
              event,
              DeadLetter.Reason.NULL_KEY,
              "a key field of view " + label + " is null",
              plan.stage() + "/" + label),
          context);
      return;
    }
    context.output(events(view.view(), view.id()), routed);
  }

  private DeadLetter lateLetter(ViewInput view, String label, Event event, long largest) {
    return DeadLetter.of(
        plan.name(),
        plan.topic(),
        event,
        DeadLetter.Reason.LATE,
        "event time "
            + Instant.ofEpochMilli(event.eventTimeMillis())
            + " is "
            + Duration.ofMillis(largest - event.eventTimeMillis())
            + " behind "
            + Instant.ofEpochMilli(largest)
            + ", view "
            + label
            + " takes up to "
            + Duration.ofMillis(view.lagMillis()),
        plan.stage() + "/" + label);
  }

  private void refuse(DeadLetter letter, Context context) {
    lettersCounter.inc();
    context.output(LETTERS, letter);
  }
}
