package dev.millrace.inference;

import org.apache.flink.api.common.functions.OpenContext;
import org.apache.flink.api.common.state.ValueState;
import org.apache.flink.api.common.state.ValueStateDescriptor;
import org.apache.flink.metrics.Counter;
import org.apache.flink.streaming.api.functions.KeyedProcessFunction;
import org.apache.flink.util.Collector;

/**
 * Lets the first prediction of each id through, as every reader of the topic must. Repeats come
 * from restarts, and these repeat what was written since the last checkpoint; or from an event that
 * its producer sent again. So the newest ids are remembered, {@link RawPrediction#BUCKETS} times
 * {@link RememberedIds#GENERATION_IDS} at least, and none for more than two days.
 */
final class FirstOfEach extends KeyedProcessFunction<Integer, RawPrediction, RawPrediction> {

  private static final long serialVersionUID = 1L;

  private transient ValueState<RememberedIds> remembered;
  private transient Counter repeats;

  @SuppressWarnings("NullAway.Init") // Flink calls open before the first element.
  FirstOfEach() {}

  @Override
  public void open(OpenContext context) {
    remembered =
        getRuntimeContext().getState(new ValueStateDescriptor<>("ids", RememberedIds.TYPE));
    repeats = getRuntimeContext().getMetricGroup().counter("repeatedPredictions");
  }

  @Override
  public void processElement(
      RawPrediction prediction, Context context, Collector<RawPrediction> out) throws Exception {
    long nowMillis = context.timerService().currentProcessingTime();
    RememberedIds ids = remembered.value();
    if (ids == null) {
      ids = new RememberedIds(nowMillis);
    }
    if (ids.add(prediction.low(), nowMillis)) {
      remembered.update(ids);
      out.collect(prediction);
    } else {
      repeats.inc();
    }
  }
}
