package dev.millrace.inference;

import org.apache.flink.streaming.api.operators.BoundedOneInput;
import org.apache.flink.streaming.api.operators.OneInputStreamOperator;
import org.apache.flink.streaming.api.watermark.Watermark;
import org.apache.flink.streaming.runtime.streamrecord.StreamRecord;
import org.apache.flink.streaming.runtime.watermarkstatus.WatermarkStatus;

/**
 * The scoring operator of a batch run. Its deployments are known before, so it has one input, and
 * Flink chains it: an event is not written and read between where it comes from and here, nor a
 * prediction on its way to its file.
 */
final class BoundedScoring extends ScoringOperator
    implements OneInputStreamOperator<Joined, Prediction>, BoundedOneInput {

  private static final long serialVersionUID = 1L;

  BoundedScoring(ScoringPlan plan, ScoringEnds ends) {
    super(plan, ends);
  }

  @Override
  public void processElement(StreamRecord<Joined> element) {
    processElement1(element);
  }

  @Override
  public void processWatermark(Watermark mark) {
    processWatermark1(mark);
  }

  @Override
  public void processWatermarkStatus(WatermarkStatus status) {
    processWatermarkStatus(status, 0);
  }

  @Override
  public void endInput() {
    endInput(EVENTS_INPUT);
  }
}
