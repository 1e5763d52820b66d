package dev.millrace.pipeline;

import dev.millrace.bench.Workload;
import dev.millrace.core.definition.FeatureView;
import dev.millrace.core.definition.Project;
import dev.millrace.core.row.FeatureRow;
import dev.millrace.streaming.Serializers;
import dev.millrace.streaming.SourcePlan;
import java.time.Duration;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.streaming.api.datastream.DataStream;
import org.apache.flink.streaming.api.datastream.KeyedStream;
import org.apache.flink.streaming.api.datastream.SingleOutputStreamOperator;

/** The operator that the feature pipeline runs for a view, behind events that are made up. */
public final class MeasuredView {

  /** The view's rows. */
  public static DataStream<FeatureRow> rows(
      DataStream<Long> numbers, Workload workload, Project project) {
    FeatureView view = project.featureViews().get(0);
    SourcePlan source = SourcePlan.of(project, project.sources().get(0), FeaturePipelineJob.STAGE);
    return keyed(numbers, workload)
        .process(new RowFunction(view, source, Duration.ZERO))
        .returns(Serializers.FEATURE_ROW)
        .name("rows")
        .uid("rows");
  }

  /** The same events through the same shuffle, and nothing else: how fast any operator can be. */
  public static DataStream<?> ceiling(DataStream<Long> numbers, Workload workload) {
    return keyed(numbers, workload)
        .process(new Counting())
        .returns(Types.LONG)
        .name("count")
        .uid("count");
  }

  private static KeyedStream<ViewEvent, String> keyed(DataStream<Long> numbers, Workload workload) {
    SingleOutputStreamOperator<ViewEvent> events =
        numbers
            .map(
                n ->
                    new ViewEvent(
                        workload.key(n),
                        workload.timeMillis(n),
                        0,
                        n,
                        new Object[] {workload.value(n)},
                        null))
            .returns(ViewEvent.TYPE)
            .name("events")
            .setParallelism(1)
            .uid("events");
    return events.keyBy(ViewEvent::entityKey, Types.STRING);
  }

  private MeasuredView() {}
}
