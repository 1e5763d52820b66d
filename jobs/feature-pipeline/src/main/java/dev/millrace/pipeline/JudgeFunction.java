package dev.millrace.pipeline;

import dev.millrace.core.definition.FeatureView;
import dev.millrace.core.definition.Source;
import dev.millrace.core.expression.Expression;
import dev.millrace.core.expression.ExpressionException;
import dev.millrace.core.feature.Aggregations;
import dev.millrace.core.row.EntityKeys;
import dev.millrace.streaming.DeadLetter;
import dev.millrace.streaming.Event;
import dev.millrace.streaming.Inbound;
import dev.millrace.streaming.Serializers;
import dev.millrace.streaming.SourcePlan;
import java.io.Serializable;
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
import org.jspecify.annotations.Nullable;

/**
 * Judges each event of a source once, in the order of the log, before any shuffle: which views take
 * it, and for which it is late.
 *
 * <p>Late: more than {@code max-out-of-orderness + allowed-lateness} behind the largest event time
 * read earlier from the same partition. That time is in the checkpoint, so after a restore every
 * verdict is the same; it is kept in union state because a partition may be read by another subtask
 * then, and the largest of all is right for each.
 */
final class JudgeFunction extends ProcessFunction<Inbound, ArchivedEvent>
    implements CheckpointedFunction {

  private static final long serialVersionUID = 1L;

  static final OutputTag<DeadLetter> LETTERS = new OutputTag<>("letters", Serializers.DEAD_LETTER);

  /** Where the events of a view come out. */
  static OutputTag<ViewEvent> events(FeatureView view) {
    return new OutputTag<>("view-" + view.name(), ViewEvent.TYPE);
  }

  /**
   * What the judge needs to know of a view.
   *
   * @param named whether its events carry their ids, by which repeated ones are found
   */
  private record ViewRule(
      String view,
      @Nullable String filter,
      List<Integer> keyFields,
      EventColumns columns,
      boolean named,
      long lagMillis,
      OutputTag<ViewEvent> tag)
      implements Serializable {}

  private final SourcePlan plan;
  private final List<ViewRule> views;

  private transient List<@Nullable Expression> filters;
  private transient Map<Integer, Long> largestMillis;
  private transient ListState<Tuple2<Integer, Long>> largestState;
  private transient Counter lettersCounter;
  private transient Counter filtered;
  private transient Counter failedFilters;
  private transient Counter failedConditions;

  @SuppressWarnings("NullAway.Init") // Flink calls initializeState and open first.
  JudgeFunction(SourcePlan plan, Source source, List<FeatureView> views) {
    this.plan = plan;
    List<ViewRule> rules = new ArrayList<>();
    for (FeatureView view : views) {
      rules.add(
          new ViewRule(
              view.name(),
              view.filter(),
              List.copyOf(view.keyFields().stream().map(f -> SourcePlan.field(source, f)).toList()),
              EventColumns.of(source, Aggregations.of(view).columns()),
              !source.dedupWindow().isZero(),
              lagMillis(plan, source, view),
              events(view)));
    }
    this.views = rules;
  }

  /** Rows of a view were judged when they were events of its source, and none is late again. */
  private static long lagMillis(SourcePlan plan, Source source, FeatureView view) {
    return source.kind() == Source.Kind.VIEW
        ? Long.MAX_VALUE
        : plan.maxOutOfOrdernessMillis() + view.allowedLateness().toMillis();
  }

  @Override
  public void initializeState(FunctionInitializationContext context) throws Exception {
    largestState =
        context
            .getOperatorStateStore()
            .getUnionListState(
                new ListStateDescriptor<>(
                    "largest-event-time", Types.TUPLE(Types.INT, Types.LONG)));
    largestMillis = new HashMap<>();
    for (Tuple2<Integer, Long> entry : largestState.get()) {
      largestMillis.merge(entry.f0, entry.f1, Math::max);
    }
  }

  @Override
  public void snapshotState(FunctionSnapshotContext context) throws Exception {
    List<Tuple2<Integer, Long>> entries = new ArrayList<>();
    largestMillis.forEach((partition, millis) -> entries.add(Tuple2.of(partition, millis)));
    largestState.update(entries);
  }

  @SuppressWarnings("NullAway.Init") // initializeState, which comes before, sets the others.
  @Override
  public void open(OpenContext context) {
    Schema schema = plan.schema();
    filters = new ArrayList<>();
    for (ViewRule view : views) {
      filters.add(
          view.filter == null
              ? null
              : Expression.compile(view.filter, schema, Expression.Type.BOOLEAN, Map.of()));
      view.columns.open(schema);
    }
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
    StringBuilder late = null;
    for (int v = 0; v < views.size(); v++) {
      ViewRule view = views.get(v);
      if (!passes(filters.get(v), event)) {
        filtered.inc();
      } else if (largest != null && largest - event.eventTimeMillis() > view.lagMillis) {
        late = (late == null ? new StringBuilder("LATE ") : late.append(',')).append(view.view);
        refuse(lateLetter(view, event, largest), context);
      } else {
        route(view, event, context);
      }
    }
    out.collect(new ArchivedEvent(event, late == null ? ArchivedEvent.OK : late.toString()));
  }

  private boolean passes(@Nullable Expression filter, Event event) {
    if (filter == null) {
      return true;
    }
    try {
      return Boolean.TRUE.equals(filter.evaluate(event.values()));
    } catch (ExpressionException e) {
      // An expression that cannot be computed has no value, and a filter takes null as false.
      failedFilters.inc();
      return false;
    }
  }

  private void route(ViewRule view, Event event, Context context) {
    List<@Nullable Object> key = new ArrayList<>(view.keyFields.size());
    for (int field : view.keyFields) {
      key.add(event.values()[field]);
    }
    String entityKey = EntityKeys.join(key);
    if (entityKey == null) {
      refuse(
          DeadLetter.of(
              plan.name(),
              plan.topic(),
              event,
              DeadLetter.Reason.NULL_KEY,
              "a key field of view " + view.view + " is null",
              plan.stage() + "/" + view.view),
          context);
      return;
    }
    context.output(
        view.tag,
        new ViewEvent(
            entityKey,
            event.eventTimeMillis(),
            event.partition(),
            event.offset(),
            view.columns.of(event.values(), failedConditions::inc),
            view.named ? event.id() : null));
  }

  private DeadLetter lateLetter(ViewRule view, Event event, long largest) {
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
            + view.view
            + " takes up to "
            + Duration.ofMillis(view.lagMillis),
        plan.stage() + "/" + view.view);
  }

  private void refuse(DeadLetter letter, Context context) {
    lettersCounter.inc();
    context.output(LETTERS, letter);
  }
}
