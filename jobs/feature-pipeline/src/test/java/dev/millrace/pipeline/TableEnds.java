package dev.millrace.pipeline;

import dev.millrace.core.definition.FeatureView;
import dev.millrace.core.definition.Source;
import dev.millrace.core.row.FeatureRow;
import dev.millrace.platform.Target;
import dev.millrace.platform.Warehouse;
import dev.millrace.streaming.DeadLetter;
import dev.millrace.streaming.IcebergEnds;
import dev.millrace.streaming.Inbound;
import dev.millrace.streaming.Serializers;
import dev.millrace.streaming.SourcePlan;
import java.time.Duration;
import java.util.Objects;
import org.apache.flink.api.common.eventtime.WatermarkStrategy;
import org.apache.flink.api.common.functions.FilterFunction;
import org.apache.flink.streaming.api.datastream.DataStream;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.streaming.api.functions.sink.v2.DiscardingSink;

/** As {@link FeaturePipelineJob} has them: the archive and the log in Iceberg, the rest nowhere. */
abstract class TableEnds implements FeaturePipelineJob.Ends {

  /** What the rows' {@code _version} begins with. */
  static final long EPOCH = 7;

  private final Target target;
  private final String project;

  TableEnds(Target target, String project) {
    this.target = target;
    this.project = project;
  }

  /** The same events each time, in the order in which they are given. */
  static TableEnds of(Target target, String project, Inbound[] inbound) {
    return new TableEnds(target, project) {
      @Override
      public DataStream<Inbound> events(StreamExecutionEnvironment env, SourcePlan plan) {
        return env.fromData(Serializers.INBOUND, inbound)
            .uid("payments")
            .setParallelism(1)
            .assignTimestampsAndWatermarks(
                WatermarkStrategy.<Inbound>forBoundedOutOfOrderness(
                        Duration.ofMillis(plan.maxOutOfOrdernessMillis()))
                    .withTimestampAssigner(
                        (in, before) -> Objects.requireNonNull(in.event()).eventTimeMillis()))
            .uid("times")
            .setParallelism(1);
      }
    };
  }

  /** Which rows are in the log. */
  FilterFunction<FeatureRow> logged() {
    return FeatureRow::logged;
  }

  @Override
  public void rows(FeatureView view, DataStream<FeatureRow> rows) {
    IcebergEnds.append(
        rows.filter(logged()).uid("log-" + view.id()),
        target,
        Warehouse.features(project, view.name()),
        Warehouse.featuresSchema(view),
        "_time",
        new TableRows.OfFeatures(EPOCH + "-" + view.id()),
        "table-" + view.id());
  }

  @Override
  public void archive(Source source, DataStream<ArchivedEvent> events) {
    IcebergEnds.append(
        events,
        target,
        Warehouse.events(project, source.name()),
        Warehouse.eventsSchema(source),
        source.eventTime(),
        new TableRows.OfEvents(source.schema()),
        "archive-" + source.name());
  }

  @Override
  public void letters(DataStream<DeadLetter> letters) {
    letters.sinkTo(new DiscardingSink<>()).uid("letters");
  }
}
