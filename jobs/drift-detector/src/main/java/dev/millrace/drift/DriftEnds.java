package dev.millrace.drift;

import dev.millrace.core.definition.Project;
import dev.millrace.drift.audit.AuditOptions;
import dev.millrace.drift.audit.AuditPlan;
import dev.millrace.drift.audit.AuditSample;
import dev.millrace.drift.audit.Audited;
import dev.millrace.drift.audit.Audits;
import dev.millrace.platform.Target;
import dev.millrace.platform.Topics;
import dev.millrace.platform.Warehouse;
import dev.millrace.schemas.ConfluentSubjectRegistry;
import dev.millrace.schemas.Wire;
import dev.millrace.streaming.DeadLetter;
import dev.millrace.streaming.IcebergEnds;
import dev.millrace.streaming.Inbound;
import dev.millrace.streaming.JobSetup;
import dev.millrace.streaming.KafkaEnds;
import dev.millrace.streaming.StampedWatermarks;
import java.io.IOException;
import java.time.Duration;
import org.apache.flink.api.common.eventtime.WatermarkGenerator;
import org.apache.flink.api.common.eventtime.WatermarkOutput;
import org.apache.flink.api.common.eventtime.WatermarkStrategy;
import org.apache.flink.connector.base.DeliveryGuarantee;
import org.apache.flink.connector.kafka.source.KafkaSource;
import org.apache.flink.connector.kafka.source.KafkaSourceBuilder;
import org.apache.flink.connector.kafka.source.enumerator.initializer.OffsetsInitializer;
import org.apache.flink.streaming.api.datastream.DataStream;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;

/** The job's real ends: Kafka and Iceberg of one stack. */
final class DriftEnds implements DriftDetectorJob.Ends {

  /**
   * While event time runs thousands of times faster than the clock, seconds in which a busy machine
   * delivers no label are days whose labels would come too late.
   */
  private static final Duration LABELS_IDLE_AFTER = Duration.ofSeconds(30);

  private final Project project;
  private final Target target;
  private final int driftSchemaId;
  private final int performanceSchemaId;
  private final int letterSchemaId;
  private final int auditSchemaId;
  private final AuditPlan audit;

  private DriftEnds(
      Project project,
      Target target,
      int driftSchemaId,
      int performanceSchemaId,
      int letterSchemaId,
      int auditSchemaId,
      AuditPlan audit) {
    this.project = project;
    this.target = target;
    this.driftSchemaId = driftSchemaId;
    this.performanceSchemaId = performanceSchemaId;
    this.letterSchemaId = letterSchemaId;
    this.auditSchemaId = auditSchemaId;
    this.audit = audit;
  }

  static DriftEnds of(JobSetup setup, AuditOptions options) throws IOException {
    String project = setup.project().name();
    return new DriftEnds(
        setup.project(),
        setup.target(),
        setup.schemaId(Topics.drift(project), Wire.DRIFT),
        setup.schemaId(Topics.performance(project), Wire.PERFORMANCE),
        setup.schemaId(Topics.deadLetters(project), Wire.DEAD_LETTER),
        setup.schemaId(Topics.audit(project), Wire.AUDIT),
        AuditPlan.of(
            setup.project(),
            setup.running(),
            options,
            Audits.folder(setup.target().warehouse(), project)));
  }

  @Override
  public DataStream<Scored> served(StreamExecutionEnvironment env, DriftPlan plan) {
    return env.fromSource(
            source(
                Topics.predictions(project.name(), plan.model()),
                group("served", plan),
                new ScoredDecoder(plan, false, audit.options().sample(), target.schemaRegistry())),
            StampedWatermarks.strategy(Scored::stamp, Scored::timeMillis),
            "served " + plan.model())
        .uid("served-" + plan.model());
  }

  @Override
  public DataStream<Scored> shadows(StreamExecutionEnvironment env, DriftPlan plan) {
    return env.fromSource(
            source(
                Topics.shadows(project.name(), plan.model()),
                group("shadows", plan),
                new ScoredDecoder(plan, true, AuditSample.EMPTY, target.schemaRegistry())),
            WatermarkStrategy.noWatermarks(),
            "shadows " + plan.model())
        .uid("shadows-" + plan.model())
        .assignTimestampsAndWatermarks(
            WatermarkStrategy.<Scored>forGenerator(context -> new Timeless())
                .withTimestampAssigner((scored, before) -> scored.timeMillis()))
        .name("timeless " + plan.model())
        .uid("timeless-" + plan.model());
  }

  @Override
  public DataStream<Inbound> labels(
      StreamExecutionEnvironment env, DriftPlan plan, DriftPlan.Labels labels) {
    return env.fromSource(
            KafkaEnds.events(target, labels.source(), group("labels", plan), KafkaEnds.PATIENT),
            KafkaEnds.watermarks(labels.source(), LABELS_IDLE_AFTER),
            labels.source().name() + " for " + plan.model())
        .uid("source-" + labels.source().name() + "-" + plan.model());
  }

  @Override
  public References references(DriftPlan plan) {
    return new KafkaReferences(target, plan.model());
  }

  @Override
  public void drift(DataStream<Measured> drift) {
    KafkaEnds.writeExactlyOnce(
            drift,
            target,
            KafkaEnds.sink(
                target,
                Topics.drift(project.name()),
                driftSchemaId,
                Wire.DRIFT,
                Measured::model,
                MeasuredRecords::drift),
            "millrace-" + project.name() + "-drift")
        .name("drift")
        .uid("drift")
        .setParallelism(1);
    IcebergEnds.append(
        drift,
        target,
        Warehouse.drift(project.name()),
        Warehouse.driftSchema(),
        new MeasuredRecords.ToDriftRow(),
        "table-drift");
  }

  @Override
  public void performance(DataStream<Measured> performance) {
    KafkaEnds.writeExactlyOnce(
            performance,
            target,
            KafkaEnds.sink(
                target,
                Topics.performance(project.name()),
                performanceSchemaId,
                Wire.PERFORMANCE,
                Measured::model,
                MeasuredRecords::performance),
            "millrace-" + project.name() + "-performance")
        .name("performance")
        .uid("performance")
        .setParallelism(1);
    IcebergEnds.append(
        performance,
        target,
        Warehouse.performance(project.name()),
        Warehouse.performanceSchema(),
        new MeasuredRecords.ToPerformanceRow(),
        "table-performance");
  }

  @Override
  public void letters(DataStream<DeadLetter> letters) {
    KafkaEnds.writeDeadLetters(letters, target, project.name(), letterSchemaId);
  }

  @Override
  public void audits(DataStream<byte[]> sampled) {
    String registry = target.schemaRegistry();
    Audits.of(
            sampled,
            audit,
            () -> new ConfluentSubjectRegistry(registry),
            source -> IcebergEnds.loader(target, Warehouse.events(project.name(), source)))
        .sinkTo(
            KafkaEnds.sink(
                    target,
                    Topics.audit(project.name()),
                    auditSchemaId,
                    Wire.AUDIT,
                    Audited::view,
                    Audited::record)
                .setDeliveryGuarantee(DeliveryGuarantee.AT_LEAST_ONCE)
                .build())
        .name("audits")
        .uid("audits")
        .setParallelism(1);
  }

  private String group(String what, DriftPlan plan) {
    return "millrace-" + project.name() + "-drift-" + what + "-" + plan.model();
  }

  private KafkaSource<Scored> source(String topic, String group, ScoredDecoder decoder) {
    KafkaSourceBuilder<Scored> builder =
        KafkaSource.<Scored>builder()
            .setBootstrapServers(target.kafka())
            .setTopics(topic)
            .setGroupId(group)
            .setClientIdPrefix(group)
            .setStartingOffsets(OffsetsInitializer.earliest())
            .setDeserializer(decoder)
            .setProperty("isolation.level", "read_committed")
            .setProperty("register.consumer.jmx.mbeans", "false");
    KafkaEnds.PATIENT.forEach(builder::setProperty);
    return builder.build();
  }

  /** Says nothing of time, and that nobody need wait for it. */
  private static final class Timeless implements WatermarkGenerator<Scored> {
    @Override
    public void onEvent(Scored scored, long timeMillis, WatermarkOutput output) {}

    @Override
    public void onPeriodicEmit(WatermarkOutput output) {
      output.markIdle();
    }
  }
}
