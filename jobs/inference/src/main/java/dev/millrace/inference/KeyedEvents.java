package dev.millrace.inference;

import dev.millrace.streaming.DeadLetter;
import dev.millrace.streaming.Event;
import dev.millrace.streaming.Inbound;
import org.apache.flink.api.common.functions.OpenContext;
import org.apache.flink.api.java.functions.KeySelector;
import org.apache.flink.metrics.Counter;
import org.apache.flink.streaming.api.functions.ProcessFunction;
import org.apache.flink.util.Collector;

/**
 * Lets the events on that have every key their joins need; letters, and events with a null key, go
 * to the side.
 */
final class KeyedEvents extends ProcessFunction<Inbound, Joined> {

  private static final long serialVersionUID = 1L;

  private final ScoringPlan plan;
  private transient Counter nullKeys;

  @SuppressWarnings("NullAway.Init") // Flink calls open before the first element.
  KeyedEvents(ScoringPlan plan) {
    this.plan = plan;
  }

  @Override
  public void open(OpenContext context) {
    nullKeys = getRuntimeContext().getMetricGroup().counter("nullKeys");
  }

  @Override
  public void processElement(Inbound inbound, Context context, Collector<Joined> out) {
    DeadLetter letter = inbound.letter();
    if (letter != null && plan.forwardsLetters()) {
      context.output(ScoringOperator.LETTERS, letter);
    }
    Event event = inbound.event();
    if (event == null) {
      return;
    }
    for (ViewRead view : plan.views()) {
      if (view.entityKey(event) == null) {
        nullKeys.inc();
        context.output(ScoringOperator.LETTERS, plan.nullKey(event, view));
        return;
      }
    }
    out.collect(Joined.unread(inbound));
  }

  /** The entity of one view that an event names. */
  static final class OfView implements KeySelector<Joined, String> {
    private static final long serialVersionUID = 1L;
    private final ViewRead view;

    OfView(ViewRead view) {
      this.view = view;
    }

    @Override
    public String getKey(Joined joined) {
      Event event = joined.event();
      String key = event == null ? null : view.entityKey(event);
      if (key == null) {
        throw new IllegalStateException("Cannot key an event without entity of " + view.view());
      }
      return key;
    }
  }
}
