package dev.millrace.pipeline;

import dev.millrace.core.definition.FeatureView;
import dev.millrace.core.definition.Project;
import dev.millrace.core.definition.Source;
import dev.millrace.core.row.FeatureRow;
import dev.millrace.pipeline.batch.BatchSource;
import dev.millrace.platform.ArchiveBegin;
import dev.millrace.platform.RowSchemas;
import dev.millrace.platform.RunningViews;
import dev.millrace.platform.RunningViews.Running;
import dev.millrace.platform.Target;
import dev.millrace.platform.Topics;
import dev.millrace.platform.Warehouse;
import dev.millrace.schemas.Wire;
import dev.millrace.streaming.DeadLetter;
import dev.millrace.streaming.FeastLayout;
import dev.millrace.streaming.IcebergEnds;
import dev.millrace.streaming.Inbound;
import dev.millrace.streaming.JobSetup;
import dev.millrace.streaming.KafkaEnds;
import dev.millrace.streaming.RedisGuard;
import dev.millrace.streaming.RedisRowSink;
import dev.millrace.streaming.RowLayout;
import dev.millrace.streaming.SourcePlan;
import java.io.IOException;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apache.avro.Schema;
import org.apache.avro.generic.GenericData;
import org.apache.avro.generic.GenericRecord;
import org.apache.flink.streaming.api.datastream.DataStream;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.iceberg.jdbc.JdbcCatalog;
import org.apache.kafka.clients.admin.Admin;

/** The job's real ends: Kafka, Redis and Iceberg of one stack. */
final class PipelineEnds implements FeaturePipelineJob.Ends {

  private final Project project;
  private final Target target;
  private final RunningViews running;
  private final Map<String, Integer> schemaIds;
  private final int letterSchemaId;

  private PipelineEnds(
      Project project,
      Target target,
      RunningViews running,
      Map<String, Integer> schemaIds,
      int letterSchemaId) {
    this.project = project;
    this.target = target;
    this.running = running;
    this.schemaIds = schemaIds;
    this.letterSchemaId = letterSchemaId;
  }

  static PipelineEnds of(JobSetup setup) throws IOException {
    Project project = setup.project();
    Map<String, Integer> schemaIds = new HashMap<>();
    for (Running one : setup.running().all()) {
      schemaIds.put(
          one.view().id(),
          setup.schemaId(
              Topics.features(project.name(), one.view().name()),
              RowSchemas.of(project.name(), one.view())));
    }
    return new PipelineEnds(
        project,
        setup.target(),
        setup.running(),
        schemaIds,
        setup.schemaId(Topics.deadLetters(project.name()), Wire.DEAD_LETTER));
  }

  @Override
  public DataStream<Inbound> events(StreamExecutionEnvironment env, SourcePlan plan) {
    Source source = project.source(plan.name()).orElseThrow();
    if (source.batch() != null) {
      return BatchSource.stream(env, source, plan, target);
    }
    return env.fromSource(
            KafkaEnds.events(target, plan, "millrace-" + project.name() + "-feature-pipeline"),
            KafkaEnds.watermarks(plan),
            plan.name())
        .uid("source-" + plan.name());
  }

  @Override
  public void rows(FeatureView view, DataStream<FeatureRow> rows) {
    Running one = running(view);
    String uid = view.name() + "-" + view.id();
    rows.filter(FeatureRow::online)
        .name("online " + view.name())
        .uid("online-" + uid)
        .sinkTo(new RedisRowSink(layout(project, one), target.redis(), view.redis().unavailable()))
        .name("redis " + view.name())
        .uid("redis-" + uid);
    // A chain of its own: what the transactions of the log wait for, Redis does not.
    DataStream<FeatureRow> log =
        rows.filter(FeatureRow::logged)
            .startNewChain()
            .name("log " + view.name())
            .uid("log-" + uid);
    String topic = Topics.features(project.name(), view.name());
    Integer schemaId = schemaIds.get(view.id());
    KafkaEnds.writeExactlyOnce(
            log,
            target,
            KafkaEnds.sink(
                target,
                topic,
                schemaId == null ? 0 : schemaId,
                RowSchemas.of(project.name(), view),
                FeatureRow::entityKey,
                new RowRecord(
                    one.identity().toString(),
                    view.features().stream().map(f -> f.name()).toList())),
            "millrace-" + project.name() + "-features-" + uid)
        .name("topic " + view.name())
        .uid("topic-" + uid);
    IcebergEnds.append(
        log,
        target,
        Warehouse.features(project.name(), view.name()),
        Warehouse.featuresSchema(view),
        "_time",
        new TableRows.OfFeatures(one.identity().toString()),
        "table-" + uid);
  }

  @Override
  public void archive(Source source, DataStream<ArchivedEvent> events) {
    IcebergEnds.append(
        events,
        target,
        Warehouse.events(project.name(), source.name()),
        Warehouse.eventsSchema(source),
        source.eventTime(),
        new TableRows.OfEvents(source.schema()),
        "archive-" + source.name());
    if (source.kind() == Source.Kind.KAFKA) {
      // Rows of batches come in no topic whose beginning could be asked for.
      noteBegin(source);
    }
  }

  private void noteBegin(Source source) {
    try (Admin admin = Topics.admin(target);
        JdbcCatalog catalog = Warehouse.open(target)) {
      ArchiveBegin.note(
          catalog.loadTable(Warehouse.events(project.name(), source.name())),
          Topics.firstOffsets(admin, source.topic()));
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException(
          "Cannot note where the archive of source " + source.name() + " begins: interrupted", e);
    }
  }

  @Override
  public void letters(DataStream<DeadLetter> letters) {
    KafkaEnds.writeDeadLetters(letters, target, project.name(), letterSchemaId);
    // Beside the letters, because they come from every source and are few.
    IcebergEnds.upkeep(letters, target, project.name());
  }

  /** How a view's rows lie in Redis. */
  static RowLayout layout(Project project, Running running) {
    FeatureView view = running.view();
    long epoch = running.identity().epoch();
    return switch (view.redis().layout()) {
      case MILLRACE -> new RedisGuard(view, running.key(), epoch);
      case FEAST ->
          new FeastLayout(
              project.name(),
              view,
              running.key(),
              project.source(view.source()).orElseThrow(),
              epoch);
    };
  }

  private Running running(FeatureView view) {
    return running
        .find(view.name(), view.id())
        .orElseThrow(
            () ->
                new IllegalStateException(
                    "Cannot write rows of view %s: its definition %s is not an applied one; run ./millrace apply"
                        .formatted(view.name(), view.id())));
  }

  /** A row as an Avro record of its view's topic. */
  static final class RowRecord implements KafkaEnds.RecordOf<FeatureRow> {
    private static final long serialVersionUID = 1L;
    private final String version;
    private final List<String> features;

    RowRecord(String version, List<String> features) {
      this.version = version;
      this.features = features;
    }

    @Override
    public GenericRecord of(FeatureRow row, Schema schema) {
      GenericRecord record = new GenericData.Record(schema);
      record.put("entity_key", row.entityKey());
      record.put("_time", row.timeMillis());
      record.put("_source", row.positions().toString());
      record.put("_version", version);
      record.put("known_at", row.knownAtMillis());
      for (int i = 0; i < features.size(); i++) {
        record.put(features.get(i), row.values()[i]);
      }
      return record;
    }
  }
}
