package dev.millrace.inference;

import java.time.Duration;
import org.apache.flink.api.common.functions.OpenContext;
import org.apache.flink.api.common.state.StateTtlConfig;
import org.apache.flink.api.common.state.ValueState;
import org.apache.flink.api.common.state.ValueStateDescriptor;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.api.java.tuple.Tuple2;
import org.apache.flink.metrics.Counter;
import org.apache.flink.streaming.api.functions.KeyedProcessFunction;
import org.apache.flink.util.Collector;

/**
 * Lets the first prediction of each id through, as every reader of the topic must. An id is
 * remembered for a day of wall time: repeats come from restarts, minutes later, or from an event
 * that its producer sent again.
 */
final class FirstOfEach
    extends KeyedProcessFunction<Tuple2<Long, Long>, RawPrediction, RawPrediction> {

  private static final long serialVersionUID = 1L;
  private static final Duration REMEMBERED = Duration.ofHours(24);
  private static final int CLEANED_AT_ONCE = 1;
  private static final long COMPACTED_BETWEEN_CLOCKS = 1_000;

  private transient ValueState<Boolean> seen;
  private transient Counter repeats;

  @SuppressWarnings("NullAway.Init") // Flink calls open before the first element.
  FirstOfEach() {}

  @Override
  public void open(OpenContext context) {
    ValueStateDescriptor<Boolean> descriptor = new ValueStateDescriptor<>("seen", Types.BOOLEAN);
    descriptor.enableTimeToLive(
        StateTtlConfig.newBuilder(REMEMBERED)
            .setUpdateType(StateTtlConfig.UpdateType.OnCreateAndWrite)
            .setStateVisibility(StateTtlConfig.StateVisibility.NeverReturnExpired)
            .cleanupIncrementally(CLEANED_AT_ONCE, false)
            .cleanupInRocksdbCompactFilter(COMPACTED_BETWEEN_CLOCKS)
            .build());
    seen = getRuntimeContext().getState(descriptor);
    repeats = getRuntimeContext().getMetricGroup().counter("repeatedPredictions");
  }

  @Override
  public void processElement(
      RawPrediction prediction, Context context, Collector<RawPrediction> out) throws Exception {
    if (seen.value() != null) {
      repeats.inc();
      return;
    }
    seen.update(true);
    out.collect(prediction);
  }
}
