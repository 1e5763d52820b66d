package dev.millrace.inference;

import org.apache.flink.streaming.api.operators.Output;
import org.apache.flink.streaming.api.watermark.Watermark;
import org.apache.flink.streaming.runtime.watermarkstatus.WatermarkStatus;

/**
 * What an operator says of time: what came in, but behind every event that has not gone out; and
 * idle only while none waits.
 */
final class OutgoingTime {

  private final Output<?> output;
  private long inputWatermark = Long.MIN_VALUE;
  private long outputWatermark = Long.MIN_VALUE;
  private boolean inputIdle;
  private boolean outputIdle;

  OutgoingTime(Output<?> output) {
    this.output = output;
  }

  void watermark(long millis) {
    inputWatermark = Math.max(inputWatermark, millis);
  }

  void idle(boolean idle) {
    inputIdle = idle;
  }

  /** Whether it is known already that more could be said. */
  boolean isBehind() {
    return outputWatermark < inputWatermark || outputIdle != inputIdle;
  }

  /**
   * Says what can be said.
   *
   * @param boundMillis no watermark goes out beyond it
   * @param anyWaits whether an event is to go out yet
   */
  void advance(long boundMillis, boolean anyWaits) {
    long next = Math.min(inputWatermark, boundMillis);
    if (next > outputWatermark) {
      if (outputIdle) {
        outputIdle = false;
        output.emitWatermarkStatus(WatermarkStatus.ACTIVE);
      }
      outputWatermark = next;
      output.emitWatermark(new Watermark(next));
    }
    boolean idle = inputIdle && !anyWaits;
    if (idle != outputIdle) {
      outputIdle = idle;
      output.emitWatermarkStatus(idle ? WatermarkStatus.IDLE : WatermarkStatus.ACTIVE);
    }
  }
}
