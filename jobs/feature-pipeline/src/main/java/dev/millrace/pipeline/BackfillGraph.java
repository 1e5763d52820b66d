package dev.millrace.pipeline;

import dev.millrace.core.definition.Feature;
import dev.millrace.core.definition.FeatureView;
import dev.millrace.core.definition.Project;
import dev.millrace.core.definition.Source;
import dev.millrace.core.row.FeatureRow;
import dev.millrace.pipeline.training.LogRow;
import dev.millrace.pipeline.training.SetGraph;
import dev.millrace.pipeline.training.WarehouseTables;
import dev.millrace.platform.DefinitionsLog.ViewIdentity;
import dev.millrace.platform.Target;
import dev.millrace.platform.Warehouse;
import dev.millrace.streaming.IcebergEnds;
import dev.millrace.streaming.RedisRowSink;
import dev.millrace.streaming.Serializers;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.streaming.api.datastream.DataStream;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;

/**
 * The graph of one backfill.
 *
 * <pre>
 * archive ─► replay ─► rows whose T is asked for ─► compared with the log ─► Iceberg, what comes before it
 *                                               └─► the last of each entity ─► Redis, guarded
 * </pre>
 */
final class BackfillGraph {

  /** The stage on what the replay says of events. */
  static final String STAGE = "backfill";

  private final StreamExecutionEnvironment env;
  private final Target target;
  private final Project project;
  private final FeatureView view;
  private final ViewIdentity identity;

  BackfillGraph(
      StreamExecutionEnvironment env,
      Target target,
      Project project,
      FeatureView view,
      ViewIdentity identity) {
    this.env = env;
    this.target = target;
    this.project = project;
    this.view = view;
    this.identity = identity;
  }

  /** Declares the whole graph and puts the environment into batch mode. */
  void define(BackfillRequest request) {
    SetGraph.batch(env);
    Source source = project.origin(view);
    try (WarehouseTables tables = WarehouseTables.newest(target)) {
      ArchiveReplay.Span span =
          new ArchiveReach(source, tables.open(Warehouse.events(project.name(), source.name())))
              .span(ArchiveReplay.chain(project, view), request.fromMillis(), request.toMillis());
      long fromMillis = request.fromMillis();
      long toMillis = request.toMillis();
      DataStream<FeatureRow> rows =
          ArchiveReplay.rows(env, tables, project, view, span, ReplayOrder.READ, STAGE)
              .filter(row -> row.timeMillis() >= fromMillis && row.timeMillis() <= toMillis)
              .name("asked for")
              .uid("asked-for");
      append(rows, tables, request);
      if (request.toRedis()) {
        rows.filter(FeatureRow::online)
            .name("online")
            .uid("online")
            .sinkTo(
                new RedisRowSink(
                    PipelineEnds.layout(project, view, identity.epoch()),
                    target.redis(),
                    view.redis().unavailable()))
            .name("redis " + view.name())
            .uid("redis");
      }
    }
  }

  private void append(
      DataStream<FeatureRow> rows, WarehouseTables tables, BackfillRequest request) {
    DataStream<LogRow> log =
        SetGraph.log(
            env,
            tables,
            Warehouse.features(project.name(), view.name()),
            view.id(),
            view.features().stream().map(Feature::name).toList(),
            request.fromMillis() - 1,
            request.toMillis(),
            "log");
    DataStream<FeatureRow> missing =
        rows.filter(FeatureRow::logged)
            .name("logged")
            .uid("logged")
            .keyBy(FeatureRow::entityKey, Types.STRING)
            .connect(log.keyBy(LogRow::entityKey, Types.STRING))
            .process(new LogComparison(identity.epoch()))
            .returns(Serializers.FEATURE_ROW)
            .name("compare with the log")
            .uid("compare");
    IcebergEnds.append(
        missing,
        target,
        Warehouse.features(project.name(), view.name()),
        Warehouse.featuresSchema(view),
        "_time",
        new TableRows.OfFeatures(identity.toString()),
        "table");
  }
}
