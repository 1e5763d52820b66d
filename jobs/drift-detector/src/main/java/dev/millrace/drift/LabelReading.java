package dev.millrace.drift;

import dev.millrace.core.expression.Expression;
import dev.millrace.core.expression.ExpressionException;
import dev.millrace.streaming.Event;
import dev.millrace.streaming.Inbound;
import java.util.Map;
import org.apache.flink.api.common.functions.OpenContext;
import org.apache.flink.metrics.Counter;
import org.apache.flink.streaming.api.functions.ProcessFunction;
import org.apache.flink.util.Collector;
import org.jspecify.annotations.Nullable;

/**
 * Computes labels. Events that could not be decoded are passed over: the feature pipeline, which
 * archives every source of labels, writes their letters.
 */
final class LabelReading extends ProcessFunction<Inbound, Label> {

  private static final long serialVersionUID = 1L;

  private final DriftPlan.Labels labels;
  private transient Expression value;
  private transient Counter withoutValue;

  @SuppressWarnings("NullAway.Init") // Flink calls open before the first element.
  LabelReading(DriftPlan.Labels labels) {
    this.labels = labels;
  }

  @Override
  public void open(OpenContext context) {
    value =
        Expression.compile(labels.value(), labels.source().schema(), Expression.Type.ANY, Map.of());
    withoutValue = getRuntimeContext().getMetricGroup().counter("labelsWithoutValue");
  }

  @Override
  public void processElement(Inbound inbound, Context context, Collector<Label> out) {
    Event event = inbound.event();
    if (event == null) {
      return;
    }
    Object id = event.values()[labels.on()];
    double truth = truth(event.values());
    if (id == null || Double.isNaN(truth)) {
      withoutValue.inc();
      return;
    }
    out.collect(
        new Label(
            String.valueOf(id),
            truth,
            new Event(
                event.partition(),
                event.offset(),
                event.recordTimeMillis(),
                event.eventTimeMillis(),
                event.id(),
                new Object[0],
                event.rawKey(),
                event.rawValue())));
  }

  private double truth(@Nullable Object[] values) {
    try {
      return value.evaluate(values) instanceof Number number ? number.doubleValue() : Double.NaN;
    } catch (ExpressionException e) {
      // What cannot be computed says nothing about the event.
      return Double.NaN;
    }
  }
}
