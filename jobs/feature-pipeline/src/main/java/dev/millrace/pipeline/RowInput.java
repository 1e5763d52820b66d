package dev.millrace.pipeline;

import dev.millrace.core.definition.FeatureView;
import dev.millrace.core.definition.Source;
import dev.millrace.streaming.Event;
import dev.millrace.streaming.Inbound;
import dev.millrace.streaming.SourcePlan;
import org.apache.flink.api.common.accumulators.LongCounter;
import org.apache.flink.api.common.functions.OpenContext;
import org.apache.flink.api.common.functions.RichFlatMapFunction;
import org.apache.flink.util.Collector;

/**
 * Takes the rows of a replayed view as events of a view over it: what {@link JudgeFunction} does
 * with rows in the stream, where none is late either.
 *
 * <p>Rows that the stream's watermark has not passed are left out: there they wait for those that
 * may still come before them.
 */
final class RowInput extends RichFlatMapFunction<Inbound, Replayed> {

  private static final long serialVersionUID = 1L;

  private final SourcePlan plan;
  private final ViewInput view;
  private final long endMillis;

  private final LongCounter filtered = new LongCounter();
  private final LongCounter keyless = new LongCounter();

  RowInput(SourcePlan plan, Source source, FeatureView view, long endMillis) {
    this.plan = plan;
    this.view = ViewInput.of(source, view, plan.maxOutOfOrdernessMillis());
    this.endMillis = endMillis;
  }

  @Override
  public void open(OpenContext context) {
    view.open(plan.schema());
    getRuntimeContext().addAccumulator("filtered", filtered);
    getRuntimeContext().addAccumulator("keyless", keyless);
  }

  @Override
  public void flatMap(Inbound row, Collector<Replayed> out) {
    Event event = row.event();
    if (event == null || event.eventTimeMillis() > endMillis) {
      return;
    }
    if (!view.passes(event.values(), () -> {})) {
      filtered.add(1);
      return;
    }
    ViewEvent taken = view.event(event, () -> {});
    if (taken == null) {
      keyless.add(1);
    } else {
      out.collect(new Replayed(taken, event.eventTimeMillis()));
    }
  }
}
