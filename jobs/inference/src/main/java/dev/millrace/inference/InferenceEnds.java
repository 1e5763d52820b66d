package dev.millrace.inference;

import dev.millrace.core.definition.Model;
import dev.millrace.core.definition.Project;
import dev.millrace.platform.Target;
import dev.millrace.platform.Topics;
import dev.millrace.platform.Warehouse;
import dev.millrace.schemas.Wire;
import dev.millrace.streaming.DeadLetter;
import dev.millrace.streaming.IcebergEnds;
import dev.millrace.streaming.Inbound;
import dev.millrace.streaming.JobSetup;
import dev.millrace.streaming.KafkaEnds;
import dev.millrace.streaming.SourcePlan;
import java.io.IOException;
import java.util.HashMap;
import java.util.Map;
import org.apache.flink.api.common.eventtime.WatermarkStrategy;
import org.apache.flink.connector.base.DeliveryGuarantee;
import org.apache.flink.connector.kafka.sink.KafkaSinkBuilder;
import org.apache.flink.connector.kafka.source.KafkaSource;
import org.apache.flink.connector.kafka.source.enumerator.initializer.OffsetsInitializer;
import org.apache.flink.connector.kafka.source.reader.deserializer.KafkaRecordDeserializationSchema;
import org.apache.flink.streaming.api.datastream.DataStream;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;

/** The job's real ends: Kafka, Redis and Iceberg of one stack. */
final class InferenceEnds implements InferenceJob.Ends {

  private final Project project;
  private final Target target;
  private final Map<String, Integer> schemaIds;
  private final int letterSchemaId;

  private InferenceEnds(
      Project project, Target target, Map<String, Integer> schemaIds, int letterSchemaId) {
    this.project = project;
    this.target = target;
    this.schemaIds = schemaIds;
    this.letterSchemaId = letterSchemaId;
  }

  static InferenceEnds of(JobSetup setup) throws IOException {
    Project project = setup.project();
    Map<String, Integer> schemaIds = new HashMap<>();
    for (Model model : project.models()) {
      schemaIds.put(
          model.name(),
          setup.schemaId(Topics.predictions(project.name(), model.name()), Wire.PREDICTION));
    }
    return new InferenceEnds(
        project,
        setup.target(),
        schemaIds,
        setup.schemaId(Topics.deadLetters(project.name()), Wire.DEAD_LETTER));
  }

  @Override
  public DataStream<Inbound> events(StreamExecutionEnvironment env, Model model, SourcePlan plan) {
    // Scoring has no windows, so nothing waits for event time.
    return env.fromSource(
            KafkaEnds.events(target, plan, group("inference", model)),
            WatermarkStrategy.noWatermarks(),
            plan.name() + " for " + model.name())
        .uid("source-" + plan.name() + "-" + model.name());
  }

  @Override
  public DataStream<DeploymentRecord> deployments(StreamExecutionEnvironment env) {
    return env.fromSource(
            source(
                Topics.DEPLOYMENTS,
                "millrace-" + project.name() + "-inference-deployments",
                new DeploymentDecoder(target.schemaRegistry())),
            WatermarkStrategy.noWatermarks(),
            "deployments")
        .uid("deployments")
        .setParallelism(1);
  }

  @Override
  public ScoringEnds scoring() {
    String redis = target.redis();
    return new ScoringEnds(
        () -> new JedisFeatureReads(redis),
        new KafkaDeploymentLog(target),
        new OnnxModels(),
        new WaitClock.OfSystem(),
        new LoaderThread());
  }

  @Override
  public void predictions(Model model, DataStream<Prediction> predictions) {
    String topic = Topics.predictions(project.name(), model.name());
    Integer schemaId = schemaIds.get(model.name());
    if (schemaId == null) {
      throw new IllegalStateException(
          "Cannot write " + topic + ": its schema is not registered; run ./millrace apply");
    }
    KafkaSinkBuilder<Prediction> sink =
        KafkaEnds.sink(
            target,
            topic,
            schemaId,
            Wire.PREDICTION,
            Prediction::eventId,
            PredictionRecords::record);
    if (model.delivery() == Model.Delivery.EXACTLY_ONCE) {
      KafkaEnds.exactlyOnce(sink, group("predictions", model));
    } else {
      sink.setDeliveryGuarantee(DeliveryGuarantee.AT_LEAST_ONCE);
    }
    predictions
        .sinkTo(sink.build())
        .name("predictions " + model.name())
        .uid("predictions-" + model.name());
  }

  @Override
  public DataStream<Prediction> served(StreamExecutionEnvironment env, Model model) {
    return env.fromSource(
            source(
                Topics.predictions(project.name(), model.name()),
                group("served", model),
                new PredictionDecoder(target.schemaRegistry())),
            WatermarkStrategy.noWatermarks(),
            "served " + model.name())
        .uid("served-" + model.name());
  }

  @Override
  public void table(Model model, DataStream<Prediction> predictions) {
    IcebergEnds.append(
        predictions,
        target,
        Warehouse.predictions(project.name(), model.name()),
        Warehouse.predictionsSchema(),
        new PredictionRecords.ToRow(),
        "table-" + model.name());
  }

  @Override
  public void letters(DataStream<DeadLetter> letters) {
    KafkaEnds.writeDeadLetters(letters, target, project.name(), letterSchemaId);
  }

  private String group(String what, Model model) {
    return "millrace-" + project.name() + "-" + what + "-" + model.name();
  }

  private <T> KafkaSource<T> source(
      String topic, String group, KafkaRecordDeserializationSchema<T> decoder) {
    return KafkaSource.<T>builder()
        .setBootstrapServers(target.kafka())
        .setTopics(topic)
        .setGroupId(group)
        .setClientIdPrefix(group)
        .setStartingOffsets(OffsetsInitializer.earliest())
        .setDeserializer(decoder)
        .setProperty("isolation.level", "read_committed")
        .setProperty("register.consumer.jmx.mbeans", "false")
        .build();
  }
}
