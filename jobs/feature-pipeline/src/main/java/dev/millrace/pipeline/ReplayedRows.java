package dev.millrace.pipeline;

import dev.millrace.core.definition.Feature;
import dev.millrace.core.definition.FeatureView;
import dev.millrace.core.definition.Project;
import dev.millrace.core.row.FeatureRow;
import dev.millrace.pipeline.training.LogRow;
import dev.millrace.pipeline.training.SetGraph;
import dev.millrace.platform.RunningViews.Running;
import dev.millrace.platform.Target;
import dev.millrace.platform.Warehouse;
import dev.millrace.streaming.IcebergEnds;
import dev.millrace.streaming.RedisRowSink;
import dev.millrace.streaming.Serializers;
import dev.millrace.streaming.WarehouseTables;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.streaming.api.datastream.DataStream;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;

/** Where the rows of a replay go. */
final class ReplayedRows {

  private final StreamExecutionEnvironment env;
  private final Target target;
  private final Project project;
  private final FeatureView view;
  private final Running running;
  private final String uidSuffix;

  /**
   * The ends of one view's replay.
   *
   * @param uidSuffix tells it from the others of its job
   */
  ReplayedRows(
      StreamExecutionEnvironment env,
      Target target,
      Project project,
      Running running,
      String uidSuffix) {
    this.env = env;
    this.target = target;
    this.project = project;
    this.view = running.view();
    this.running = running;
    this.uidSuffix = uidSuffix;
  }

  /** Appends what the log lacks at its beginning, and compares the rest with it. */
  void append(DataStream<FeatureRow> rows, WarehouseTables tables, long fromMillis, long toMillis) {
    DataStream<LogRow> log =
        SetGraph.log(
            env,
            tables,
            Warehouse.features(project.name(), view.name()),
            view.id(),
            view.features().stream().map(Feature::name).toList(),
            fromMillis == Long.MIN_VALUE ? fromMillis : fromMillis - 1,
            toMillis,
            "log" + uidSuffix);
    DataStream<FeatureRow> missing =
        rows.filter(FeatureRow::logged)
            .name("logged")
            .uid("logged" + uidSuffix)
            .keyBy(FeatureRow::entityKey, Types.STRING)
            .connect(log.keyBy(LogRow::entityKey, Types.STRING))
            .process(new LogComparison(running.identity().epoch()))
            .returns(Serializers.FEATURE_ROW)
            .name("compare with the log")
            .uid("compare" + uidSuffix);
    IcebergEnds.append(
        missing,
        target,
        Warehouse.features(project.name(), view.name()),
        Warehouse.featuresSchema(view),
        "_time",
        new TableRows.OfFeatures(running.identity().toString()),
        "table" + uidSuffix);
  }

  /** Brings the last row of each entity to Redis. */
  void serve(DataStream<FeatureRow> rows) {
    rows.filter(FeatureRow::online)
        .name("online")
        .uid("online" + uidSuffix)
        .sinkTo(
            new RedisRowSink(
                PipelineEnds.layout(project, running), target.redis(), view.redis().unavailable()))
        .name("redis " + view.name())
        .uid("redis" + uidSuffix);
  }
}
