package dev.millrace.drift;

import java.util.HashMap;
import java.util.Map;
import org.apache.flink.metrics.Counter;
import org.apache.flink.streaming.api.operators.AbstractStreamOperator;
import org.apache.flink.streaming.api.operators.OneInputStreamOperator;
import org.apache.flink.streaming.api.watermark.Watermark;
import org.apache.flink.streaming.runtime.streamrecord.StreamRecord;
import org.jspecify.annotations.Nullable;

/**
 * Counts bins by version, window and segment before they are shuffled. What it holds goes on when a
 * window ends, when it is much, and before each checkpoint, so that it needs no state.
 */
final class BinCounting extends AbstractStreamOperator<BinCounts>
    implements OneInputStreamOperator<Scored, BinCounts> {

  private static final long serialVersionUID = 1L;
  private static final int GROUPS_MAX = 2_000;

  private final DriftPlan plan;
  private transient Map<Group, BinCounts> groups;
  private transient Map<Long, Segments> segments;
  private transient long earliestEndMillis;
  private transient Counter unmeasured;

  private record Group(int version, long windowStartMillis, @Nullable String segment) {}

  @SuppressWarnings("NullAway.Init") // Flink calls open before the first element.
  BinCounting(DriftPlan plan) {
    this.plan = plan;
  }

  @Override
  public void open() throws Exception {
    super.open();
    groups = new HashMap<>();
    segments = new HashMap<>();
    earliestEndMillis = Long.MAX_VALUE;
    unmeasured = getMetricGroup().counter("unmeasuredPredictions");
  }

  @Override
  public void processElement(StreamRecord<Scored> element) {
    Scored scored = element.getValue();
    if (scored.bins().length == 0) {
      unmeasured.inc();
      return;
    }
    long start = plan.windowStart(scored.timeMillis());
    earliestEndMillis = Math.min(earliestEndMillis, start + plan.windowMillis());
    Segments ofWindow = segments.computeIfAbsent(start, s -> new Segments());
    for (String segment : ofWindow.of(plan, scored.segments())) {
      groups
          .computeIfAbsent(
              new Group(scored.version(), start, segment),
              g -> BinCounts.none(g.version, g.windowStartMillis, g.segment, scored.bins().length))
          .add(scored.bins());
    }
    if (groups.size() > GROUPS_MAX) {
      flush();
    }
  }

  @Override
  public void processWatermark(Watermark mark) throws Exception {
    if (earliestEndMillis - 1 <= mark.getTimestamp()) {
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
    groups.values().forEach(counts -> output.collect(new StreamRecord<>(counts)));
    groups = new HashMap<>();
    segments = new HashMap<>();
    earliestEndMillis = Long.MAX_VALUE;
  }
}
