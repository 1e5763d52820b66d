package dev.millrace.pipeline;

import org.apache.flink.streaming.api.functions.KeyedProcessFunction;
import org.apache.flink.util.Collector;

/** Gives each event's place back, with no state. */
final class Counting extends KeyedProcessFunction<String, ViewEvent, Long> {

  private static final long serialVersionUID = 1L;

  @Override
  public void processElement(ViewEvent event, Context context, Collector<Long> out) {
    out.collect(event.offset());
  }
}
