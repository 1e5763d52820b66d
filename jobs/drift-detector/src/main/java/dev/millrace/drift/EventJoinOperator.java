package dev.millrace.drift;

import org.apache.flink.runtime.state.VoidNamespace;
import org.apache.flink.runtime.state.VoidNamespaceSerializer;
import org.apache.flink.streaming.api.operators.co.KeyedCoProcessOperator;
import org.apache.flink.streaming.api.watermark.Watermark;
import org.apache.flink.streaming.runtime.watermarkstatus.WatermarkStatus;

/**
 * Runs {@link EventJoin} with two rules of its own about time.
 *
 * <p>Predictions that pause do not let the labels run on alone: what is scored after the pause
 * would find its labels dropped. And while an event waits for shadow scores, the time that this
 * operator tells stays before the event, so that its window is not closed without it.
 */
final class EventJoinOperator extends KeyedCoProcessOperator<String, Scored, Label, Matured> {

  private static final long serialVersionUID = 1L;

  private final EventJoin join;
  private transient long toldMillis;

  EventJoinOperator(EventJoin join) {
    super(join);
    this.join = join;
  }

  @Override
  public void open() throws Exception {
    super.open();
    toldMillis = Long.MIN_VALUE;
    // Which events wait is in their state; what follows from it is made anew after a restore.
    getKeyedStateBackend()
        .applyToAllKeys(
            VoidNamespace.INSTANCE,
            VoidNamespaceSerializer.INSTANCE,
            EventJoin.EVENT,
            (key, state) -> {
              EventScores scores = state.value();
              if (scores != null && scores.waits() > 0) {
                join.hold(scores, getProcessingTimeService().getCurrentProcessingTime());
              }
            });
  }

  @Override
  protected void processWatermarkStatus(WatermarkStatus status, int index) throws Exception {
    if (index == 0 && status.isIdle()) {
      return;
    }
    super.processWatermarkStatus(status, index);
  }

  @Override
  public void processWatermark(Watermark mark) throws Exception {
    var timers = getTimeServiceManager();
    if (timers.isPresent()) {
      timers.get().advanceWatermark(mark);
    }
    long millis = Math.min(mark.getTimestamp(), join.heldMillis() - 1);
    if (millis > toldMillis) {
      toldMillis = millis;
      output.emitWatermark(new Watermark(millis));
    }
  }
}
