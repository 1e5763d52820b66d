package dev.millrace.pipeline;

import dev.millrace.core.definition.FeatureView;
import dev.millrace.core.definition.Source;
import dev.millrace.streaming.Event;
import dev.millrace.streaming.SourcePlan;
import java.util.Arrays;
import java.util.List;
import org.apache.avro.Schema;
import org.apache.flink.api.common.accumulators.LongCounter;
import org.apache.flink.api.common.functions.OpenContext;
import org.apache.flink.api.common.state.ValueState;
import org.apache.flink.api.common.state.ValueStateDescriptor;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.streaming.api.functions.KeyedProcessFunction;
import org.apache.flink.util.Collector;

/**
 * Takes a partition's archived events in the order of their offsets and gives those that a view
 * accepts.
 *
 * <p>Late data: an event that the archive says was late for the view stays late. Any other is
 * judged as the stream would have, because the view may be younger than the verdicts.
 *
 * <p>State: one time a partition. Timers: none. Counts what it leaves out.
 */
final class RejudgeFunction extends KeyedProcessFunction<Integer, ArchivedEvent, Replayed> {

  private static final long serialVersionUID = 1L;

  private final SourcePlan plan;
  private final ViewInput view;
  private final ReplayOrder order;

  private final LongCounter events = new LongCounter();
  private final LongCounter late = new LongCounter();
  private final LongCounter filtered = new LongCounter();
  private final LongCounter keyless = new LongCounter();

  private transient ValueState<Long> largestMillis;

  @SuppressWarnings("NullAway.Init") // Flink opens a function before it is used.
  RejudgeFunction(SourcePlan plan, Source source, FeatureView view, ReplayOrder order) {
    this.plan = plan;
    this.view = ViewInput.of(source, view, plan.maxOutOfOrdernessMillis());
    this.order = order;
  }

  @Override
  public void open(OpenContext context) {
    Schema schema = plan.schema();
    view.open(schema);
    largestMillis =
        getRuntimeContext().getState(new ValueStateDescriptor<>("largest-event-time", Types.LONG));
    getRuntimeContext().addAccumulator("events", events);
    getRuntimeContext().addAccumulator("late", late);
    getRuntimeContext().addAccumulator("filtered", filtered);
    getRuntimeContext().addAccumulator("keyless", keyless);
  }

  @Override
  public void processElement(ArchivedEvent archived, Context context, Collector<Replayed> out)
      throws Exception {
    Event event = archived.event();
    events.add(1);
    Long before = largestMillis.value();
    long timeMillis = event.eventTimeMillis();
    long largest = before == null ? timeMillis : Math.max(before, timeMillis);
    largestMillis.update(largest);
    if (!view.passes(event.values(), () -> {})) {
      filtered.add(1);
    } else if (wasLate(archived.verdict()) || (before != null && view.late(timeMillis, before))) {
      late.add(1);
    } else {
      ViewEvent taken = view.event(event, () -> {});
      if (taken == null) {
        keyless.add(1);
      } else {
        out.collect(new Replayed(taken, order == ReplayOrder.READ ? largest : timeMillis));
      }
    }
  }

  private boolean wasLate(String verdict) {
    if (verdict.equals(ArchivedEvent.OK)) {
      return false;
    }
    List<String> late = Arrays.asList(verdict.substring(verdict.indexOf(' ') + 1).split(",", -1));
    return late.contains(view.view()) || late.contains(view.label());
  }
}
