package dev.millrace.inference;

import dev.millrace.core.definition.FeatureView;
import dev.millrace.core.definition.Model;
import dev.millrace.core.definition.Project;
import dev.millrace.platform.RedisTarget;
import dev.millrace.platform.RowSchemas;
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
import java.util.List;
import java.util.Map;
import org.apache.flink.api.common.eventtime.WatermarkStrategy;
import org.apache.flink.connector.base.DeliveryGuarantee;
import org.apache.flink.connector.kafka.sink.KafkaSinkBuilder;
import org.apache.flink.connector.kafka.source.KafkaSource;
import org.apache.flink.connector.kafka.source.KafkaSourceBuilder;
import org.apache.flink.connector.kafka.source.enumerator.initializer.OffsetsInitializer;
import org.apache.flink.connector.kafka.source.reader.deserializer.KafkaRecordDeserializationSchema;
import org.apache.flink.streaming.api.datastream.DataStream;
import org.apache.flink.streaming.api.datastream.DataStreamSink;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.iceberg.catalog.TableIdentifier;

/** The job's real ends: Kafka, Redis and Iceberg of one stack. */
final class InferenceEnds implements InferenceJob.Ends {

  /** A prediction waits that long for others at most, and no longer than its batch did. */
  private static final long LINGER_MILLIS_MAX = 1;

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
      for (String topic :
          List.of(
              Topics.predictions(project.name(), model.name()),
              Topics.shadows(project.name(), model.name()))) {
        schemaIds.put(topic, setup.schemaId(topic, Wire.PREDICTION));
      }
    }
    return new InferenceEnds(
        project,
        setup.target(),
        schemaIds,
        setup.schemaId(Topics.deadLetters(project.name()), Wire.DEAD_LETTER));
  }

  @Override
  public DataStream<Inbound> events(StreamExecutionEnvironment env, Model model, SourcePlan plan) {
    // Scoring waits for no time; who reads the predictions does.
    return env.fromSource(
            KafkaEnds.events(
                target,
                plan,
                group("inference", model),
                model.features() == Model.FeatureReads.AS_OF ? KafkaEnds.BULK : Map.of()),
            KafkaEnds.watermarks(plan),
            plan.name() + " for " + model.name())
        .uid("source-" + plan.name() + "-" + model.name());
  }

  @Override
  public DataStream<DeploymentRecord> deployments(StreamExecutionEnvironment env) {
    return env.fromSource(
            source(
                Topics.DEPLOYMENTS,
                "millrace-" + project.name() + "-inference-deployments",
                new DeploymentDecoder(target.schemaRegistry()),
                Map.of()),
            WatermarkStrategy.noWatermarks(),
            "deployments")
        .uid("deployments")
        .setParallelism(1);
  }

  @Override
  public ScoringEnds scoring() {
    RedisTarget redis = target.redis();
    return new ScoringEnds(
        () -> new JedisFeatureReads(redis),
        new KafkaDeploymentLog(target),
        new LifecycleAnnouncements(target),
        new KafkaPredictionTimes(target, project.name()),
        OnnxModels.of(System.getenv()),
        new WaitClock.OfSystem(),
        new LoaderThread());
  }

  @Override
  public DataStream<EntityRow> rows(
      StreamExecutionEnvironment env, Model model, ViewRead view, int number) {
    FeatureView definition =
        project
            .featureView(view.view())
            .orElseThrow(() -> new IllegalStateException("Cannot find view " + view.view()));
    return env.fromSource(
            source(
                Topics.features(project.name(), view.view()),
                group("rows-" + view.view(), model),
                new RowDecoder(
                    view, RowSchemas.of(project.name(), definition), target.schemaRegistry()),
                KafkaEnds.BULK),
            WatermarkStrategy.noWatermarks(),
            "rows of " + view.view() + " for " + model.name())
        .uid("rows-" + number + "-" + view.view() + "-" + model.name());
  }

  @Override
  public void predictions(Model model, DataStream<StampedPrediction> predictions) {
    write(model, predictions, Topics.predictions(project.name(), model.name()), "predictions");
  }

  @Override
  public void shadows(Model model, DataStream<StampedPrediction> shadows) {
    write(model, shadows, Topics.shadows(project.name(), model.name()), "shadows");
  }

  private void write(
      Model model, DataStream<StampedPrediction> predictions, String topic, String what) {
    Integer schemaId = schemaIds.get(topic);
    if (schemaId == null) {
      throw new IllegalStateException(
          "Cannot write " + topic + ": its schema is not registered; run ./millrace apply");
    }
    KafkaSinkBuilder<StampedPrediction> sink =
        KafkaEnds.sink(
            target,
            topic,
            schemaId,
            Wire.PREDICTION,
            stamped -> stamped.prediction().eventId(),
            schema -> new PredictionWriter<>(schema, StampedPrediction::prediction),
            StampedPrediction::headers);
    DataStreamSink<StampedPrediction> written =
        model.delivery() == Model.Delivery.EXACTLY_ONCE
            ? KafkaEnds.writeExactlyOnce(predictions, target, sink, group(what, model))
            : predictions.sinkTo(
                sink.setDeliveryGuarantee(DeliveryGuarantee.AT_LEAST_ONCE)
                    .setProperty(
                        "linger.ms",
                        String.valueOf(
                            Math.min(LINGER_MILLIS_MAX, model.execution().maxDelay().toMillis())))
                    // Such batches hold a few records: there is little to compress, and LZ4 takes
                    // 128 KB of the heap for each, which was two thirds of all that the job took.
                    .setProperty("compression.type", "none")
                    .build());
    written.name(what + " " + model.name()).uid(what + "-" + model.name());
  }

  @Override
  public DataStream<RawPrediction> served(StreamExecutionEnvironment env, Model model) {
    return read(env, model, Topics.predictions(project.name(), model.name()), "served");
  }

  @Override
  public DataStream<RawPrediction> shadowed(StreamExecutionEnvironment env, Model model) {
    return read(env, model, Topics.shadows(project.name(), model.name()), "shadowed");
  }

  private DataStream<RawPrediction> read(
      StreamExecutionEnvironment env, Model model, String topic, String what) {
    return env.fromSource(
            source(topic, group(what, model), new RawPrediction.Taking(), KafkaEnds.PATIENT),
            WatermarkStrategy.noWatermarks(),
            what + " " + model.name())
        .uid(what + "-" + model.name());
  }

  @Override
  public void table(Model model, DataStream<RawPrediction> predictions) {
    append(
        predictions,
        Topics.predictions(project.name(), model.name()),
        Warehouse.predictions(project.name(), model.name()),
        "table-" + model.name());
  }

  @Override
  public void shadowTable(Model model, DataStream<RawPrediction> shadows) {
    append(
        shadows,
        Topics.shadows(project.name(), model.name()),
        Warehouse.shadows(project.name(), model.name()),
        "shadow-table-" + model.name());
  }

  private void append(
      DataStream<RawPrediction> stream, String topic, TableIdentifier table, String uid) {
    IcebergEnds.append(
        stream
            .flatMap(new PredictionDecoder(topic, target.schemaRegistry()))
            .returns(PredictionSerializer.TYPE)
            .name("decode " + topic)
            .uid("decode-" + uid)
            // With the one writer, so that what is sent to it is the record's bytes.
            .setParallelism(1),
        target,
        table,
        Warehouse.predictionsSchema(),
        "event_time",
        new PredictionRecords.ToRow(),
        uid);
  }

  @Override
  public void letters(DataStream<DeadLetter> letters) {
    KafkaEnds.writeDeadLetters(letters, target, project.name(), letterSchemaId);
  }

  private String group(String what, Model model) {
    return "millrace-" + project.name() + "-" + what + "-" + model.name();
  }

  private <T> KafkaSource<T> source(
      String topic,
      String group,
      KafkaRecordDeserializationSchema<T> decoder,
      Map<String, String> settings) {
    KafkaSourceBuilder<T> builder =
        KafkaSource.<T>builder()
            .setBootstrapServers(target.kafka())
            .setTopics(topic)
            .setGroupId(group)
            .setClientIdPrefix(group)
            .setStartingOffsets(OffsetsInitializer.earliest())
            .setDeserializer(decoder)
            .setProperty("isolation.level", "read_committed")
            .setProperty("register.consumer.jmx.mbeans", "false");
    settings.forEach(builder::setProperty);
    return builder.build();
  }
}
