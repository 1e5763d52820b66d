package dev.millrace.pipeline;

import dev.millrace.core.definition.FeatureView;
import dev.millrace.core.definition.Project;
import dev.millrace.core.definition.Source;
import dev.millrace.core.row.FeatureRow;
import dev.millrace.platform.RunningViews;
import dev.millrace.platform.Target;
import dev.millrace.platform.Warehouse;
import dev.millrace.platform.WarmReach;
import dev.millrace.streaming.StrictEnvironment;
import dev.millrace.streaming.WarehouseTables;
import java.io.IOException;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.api.java.functions.KeySelector;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.configuration.PipelineOptions;
import org.apache.flink.runtime.checkpoint.metadata.CheckpointMetadata;
import org.apache.flink.state.api.OperatorIdentifier;
import org.apache.flink.state.api.OperatorTransformation;
import org.apache.flink.state.api.SavepointWriter;
import org.apache.flink.state.api.runtime.SavepointLoader;
import org.apache.flink.state.rocksdb.EmbeddedRocksDBStateBackend;
import org.apache.flink.streaming.api.datastream.DataStream;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The graph that lets views join a running pipeline as if they had been there from the beginning.
 *
 * <pre>
 * archive, up to what the savepoint's job had read
 *   ─► replay ─► state of each entity ─► savepoint, beside what it had
 *            └─► rows ─► compared with the log ─► Iceberg, what is missing
 *                    └─► the last of each entity ─► Redis, guarded
 * </pre>
 */
final class WarmGraph {

  /** The stage on what the replay says of events. */
  static final String STAGE = "warm";

  private static final Logger LOG = LoggerFactory.getLogger(WarmGraph.class);

  private final StreamExecutionEnvironment env;
  private final Target target;
  private final Project project;
  private final RunningViews running;

  WarmGraph(StreamExecutionEnvironment env, Target target, Project project, RunningViews running) {
    this.env = env;
    this.target = target;
    this.project = project;
    this.running = running;
  }

  /** A view and how far the savepoint's job had read its source. */
  private record Joining(FeatureView view, Source source, JudgedSource judged) {}

  /** Declares the whole graph and puts the environment into batch mode. */
  void define(WarmRequest request) throws IOException {
    StrictEnvironment.batch(env);
    allowForeign(env);
    CheckpointMetadata savepoint = SavepointLoader.loadSavepointMetadata(request.savepoint());
    // On disk, because the state of a view may be larger than memory; what it writes every backend
    // reads.
    SavepointWriter writer =
        SavepointWriter.fromExistingSavepoint(
            env, request.savepoint(), new EmbeddedRocksDBStateBackend());
    Map<String, String> writing = new LinkedHashMap<>();
    try (WarehouseTables tables = WarehouseTables.newest(target)) {
      for (String name : request.views()) {
        Optional<Joining> joining = joining(name, savepoint);
        if (joining.isPresent()) {
          OperatorIdentifier operator =
              OperatorIdentifier.forUid(FeaturePipelineJob.rowsUid(joining.get().view));
          add(joining.get(), operator, tables, writer);
          writing.put(name, operator.getOperatorId().toHexString());
        }
      }
    }
    writer.write(request.out());
    writing.forEach((view, operator) -> WarmCheck.declare(env, view, operator));
  }

  /** The writer's own operators have no uids, and its metadata no serializers. */
  private static void allowForeign(StreamExecutionEnvironment env) {
    Configuration conf = new Configuration();
    conf.set(PipelineOptions.GENERIC_TYPES, true);
    conf.set(PipelineOptions.AUTO_GENERATE_UIDS, true);
    // It hands records to another thread.
    conf.set(PipelineOptions.OBJECT_REUSE, false);
    env.configure(conf);
  }

  private Optional<Joining> joining(String name, CheckpointMetadata savepoint) throws IOException {
    FeatureView view =
        project
            .featureView(name)
            .orElseThrow(
                () ->
                    new IllegalArgumentException(
                        "Cannot warm view %s: project %s has none of that name"
                            .formatted(name, project.name())));
    var rows = OperatorIdentifier.forUid(FeaturePipelineJob.rowsUid(view)).getOperatorId();
    if (savepoint.getOperatorStates().stream().anyMatch(s -> s.getOperatorID().equals(rows))) {
      LOG.info("View {} is left out, because the savepoint has its state already", name);
      return Optional.empty();
    }
    Source source = WarmReach.source(project, view);
    Optional<JudgedSource> judged = JudgedSource.read(savepoint, source);
    if (judged.isEmpty() || judged.get().largestMillis().isEmpty()) {
      LOG.info(
          "View {} begins with its source {}, of which the job has read no event",
          name,
          source.name());
      return Optional.empty();
    }
    return Optional.of(new Joining(view, source, judged.get()));
  }

  private void add(
      Joining joining,
      OperatorIdentifier operator,
      WarehouseTables tables,
      SavepointWriter writer) {
    FeatureView view = joining.view;
    ArchiveReach reach =
        new ArchiveReach(
            joining.source, tables.open(Warehouse.events(project.name(), joining.source.name())));
    reach.requireThrough(view.name(), joining.judged.lastOffsets());
    long watermarkMillis = joining.judged.watermarkMillis(joining.source);
    long logFromMillis = reach.warmBeginMillis(view, watermarkMillis);
    ArchiveReplay.Warm replay =
        ArchiveReplay.warm(
            env, tables, project, view, joining.judged.lastOffsets(), watermarkMillis, STAGE);
    writer.withOperator(
        operator,
        OperatorTransformation.bootstrapWith(replay.state())
            .keyBy(new Key(), Types.STRING)
            .transform(new WarmFunction(view.ttl())));
    write(view, replay.rows(), tables, logFromMillis);
  }

  private void write(
      FeatureView view, DataStream<FeatureRow> rows, WarehouseTables tables, long fromMillis) {
    try (var catalog = Warehouse.open(target)) {
      var unusedTable =
          Warehouse.ensure(
              catalog,
              Warehouse.features(project.name(), view.name()),
              Warehouse.featuresSchema(view),
              "_time");
    }
    ReplayedRows replayed =
        new ReplayedRows(env, target, project, running.current(view.name()), "-" + view.name());
    replayed.append(
        rows.filter(row -> row.timeMillis() >= fromMillis)
            .name("whole windows")
            .uid("whole-" + view.name()),
        tables,
        fromMillis,
        Long.MAX_VALUE);
    replayed.serve(rows);
  }

  /** A class of its own, because Flink asks it for its types. */
  private static final class Key implements KeySelector<EntityPart, String> {
    private static final long serialVersionUID = 1L;

    @Override
    public String getKey(EntityPart part) {
      return part.entityKey();
    }
  }
}
