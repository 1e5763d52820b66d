package dev.millrace.drift;

import java.util.HashMap;
import java.util.Map;
import org.apache.flink.streaming.api.operators.AbstractStreamOperator;
import org.apache.flink.streaming.api.operators.OneInputStreamOperator;
import org.apache.flink.streaming.api.watermark.Watermark;
import org.apache.flink.streaming.runtime.streamrecord.StreamRecord;

/**
 * Sums up mature events by window before they are shuffled. What it holds goes on when a window is
 * complete, when it is much, and before each checkpoint, so that it needs no state.
 */
final class ScoreSumming extends AbstractStreamOperator<WindowScores>
    implements OneInputStreamOperator<Matured, WindowScores> {

  private static final long serialVersionUID = 1L;
  private static final int EVENTS_MAX = 20_000;

  private final DriftPlan plan;
  private transient Map<Long, WindowScores> windows;
  private transient long completeMillis;
  private transient int events;

  @SuppressWarnings("NullAway.Init") // Flink calls open before the first element.
  ScoreSumming(DriftPlan plan) {
    this.plan = plan;
  }

  @Override
  public void open() throws Exception {
    super.open();
    windows = new HashMap<>();
    completeMillis = Long.MAX_VALUE;
  }

  @Override
  public void processElement(StreamRecord<Matured> element) {
    Matured matured = element.getValue();
    long start = plan.windowStart(matured.served().timeMillis());
    completeMillis = Math.min(completeMillis, plan.matureMillis(start));
    windows.computeIfAbsent(start, WindowScores::new).add(matured, plan);
    events++;
    if (events >= EVENTS_MAX) {
      flush();
    }
  }

  @Override
  public void processWatermark(Watermark mark) throws Exception {
    if (completeMillis <= mark.getTimestamp()) {
      flush();
    }
    super.processWatermark(mark);
  }

  @Override
  public void prepareSnapshotPreBarrier(long checkpointId) {
    flush();
  }

  @Override
  public void finish() throws Exception {
    flush();
    super.finish();
  }

  private void flush() {
    windows.values().forEach(scores -> output.collect(new StreamRecord<>(scores)));
    windows = new HashMap<>();
    completeMillis = Long.MAX_VALUE;
    events = 0;
  }
}
