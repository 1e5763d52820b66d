package dev.millrace.pipeline.training;

import dev.millrace.core.definition.Model.Label.Repeat;
import java.io.Serializable;
import java.util.Comparator;
import org.apache.flink.api.common.accumulators.LongCounter;
import org.apache.flink.api.common.functions.OpenContext;
import org.apache.flink.api.common.state.ListState;
import org.apache.flink.api.common.state.ListStateDescriptor;
import org.apache.flink.api.common.state.ValueState;
import org.apache.flink.api.common.state.ValueStateDescriptor;
import org.apache.flink.streaming.api.functions.co.KeyedCoProcessFunction;
import org.apache.flink.util.Collector;
import org.jspecify.annotations.Nullable;

/**
 * Each event id once, with its label: the same rules as in training ({@code docs/training.md}).
 * What takes part is decided at the end of the id's records.
 */
final class LabelJoin extends KeyedCoProcessFunction<String, SetRow, Said, SetRow> {

  private static final long serialVersionUID = 1L;
  private static final Comparator<Said> IN_TIME =
      Comparator.comparingLong(Said::timeMillis)
          .thenComparingInt(Said::partition)
          .thenComparingLong(Said::offset);

  /**
   * The label's rules.
   *
   * @param absent the label of an event that got none; null leaves it out
   * @param knownMillis nothing of a later event time is seen
   * @param column where the label goes
   */
  record Plan(long waitMillis, @Nullable Double absent, Repeat repeat, long knownMillis, int column)
      implements Serializable {}

  private final Plan plan;
  private final boolean onlyScored;

  private transient ValueState<SetRow> first;
  private transient ListState<Said> said;
  private final LongCounter events = new LongCounter();
  private final LongCounter repeats = new LongCounter();
  private final LongCounter unlabelled = new LongCounter();
  private final LongCounter unscored = new LongCounter();

  @SuppressWarnings("NullAway.Init") // Flink opens a function before it is used.
  LabelJoin(Plan plan, Knowledge knowledge) {
    this.plan = plan;
    this.onlyScored = knowledge == Knowledge.SERVED;
  }

  @Override
  public void open(OpenContext context) {
    first = getRuntimeContext().getState(new ValueStateDescriptor<>("first", SetRow.TYPE));
    said = getRuntimeContext().getListState(new ListStateDescriptor<>("said", Said.TYPE));
    getRuntimeContext().addAccumulator("events", events);
    getRuntimeContext().addAccumulator("repeats", repeats);
    getRuntimeContext().addAccumulator("unlabelled", unlabelled);
    getRuntimeContext().addAccumulator("unscored", unscored);
  }

  @Override
  public void processElement1(SetRow event, Context context, Collector<SetRow> out)
      throws Exception {
    SetRow kept = first.value();
    if (kept != null) {
      repeats.add(1);
    }
    if (kept == null
        || event.partition() < kept.partition()
        || (event.partition() == kept.partition() && event.offset() < kept.offset())) {
      first.update(event);
    }
    context.timerService().registerEventTimeTimer(Long.MAX_VALUE);
  }

  @Override
  public void processElement2(Said one, Context context, Collector<SetRow> out) throws Exception {
    said.add(one);
  }

  @Override
  public void onTimer(long timestamp, OnTimerContext context, Collector<SetRow> out)
      throws Exception {
    SetRow event = first.value();
    events.add(1);
    Said label = null;
    long scoredMillis = Long.MAX_VALUE;
    for (Said one : said.get()) {
      if (!one.isLabel()) {
        scoredMillis = Math.min(scoredMillis, one.timeMillis());
      } else if (one.timeMillis() > event.timeMillis()
          && one.timeMillis() - event.timeMillis() <= plan.waitMillis()) {
        label = label == null ? one : chosen(label, one);
      }
    }
    Double value = value(event, label);
    if (value == null) {
      unlabelled.add(1);
    } else if (onlyScored && scoredMillis == Long.MAX_VALUE) {
      unscored.add(1);
    } else {
      @Nullable Object[] values = event.values().clone();
      values[plan.column()] = value;
      SetRow row = event.with(values);
      out.collect(onlyScored ? row.knownUntil(scoredMillis) : row);
    }
  }

  private Said chosen(Said a, Said b) {
    return (IN_TIME.compare(a, b) < 0) == (plan.repeat() == Repeat.FIRST) ? a : b;
  }

  private @Nullable Double value(SetRow event, @Nullable Said label) {
    Double absent = plan.absent();
    if (absent != null && event.timeMillis() + plan.waitMillis() > plan.knownMillis()) {
      // Among young events only one of the two outcomes is known.
      return null;
    }
    return label == null ? absent : (Double) label.value();
  }
}
