package dev.millrace.pipeline;

import dev.millrace.core.definition.FeatureView;
import dev.millrace.core.definition.Project;
import dev.millrace.core.definition.Source;
import dev.millrace.core.row.FeatureRow;
import dev.millrace.platform.RunningViews.Running;
import dev.millrace.platform.Target;
import dev.millrace.platform.Warehouse;
import dev.millrace.streaming.StrictEnvironment;
import dev.millrace.streaming.WarehouseTables;
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
  private final Running running;

  BackfillGraph(StreamExecutionEnvironment env, Target target, Project project, Running running) {
    this.env = env;
    this.target = target;
    this.project = project;
    this.view = running.view();
    this.running = running;
  }

  /** Declares the whole graph and puts the environment into batch mode. */
  void define(BackfillRequest request) {
    StrictEnvironment.batch(env);
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
      ReplayedRows replayed = new ReplayedRows(env, target, project, running, "");
      replayed.append(rows, tables, fromMillis, toMillis);
      if (request.toRedis()) {
        replayed.serve(rows);
      }
    }
  }
}
