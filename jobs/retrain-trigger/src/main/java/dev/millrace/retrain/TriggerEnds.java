package dev.millrace.retrain;

import dev.millrace.core.definition.Model;
import dev.millrace.core.definition.Project;
import dev.millrace.core.model.LifecycleEntry;
import dev.millrace.core.retrain.RetrainDecision;
import dev.millrace.core.rollout.Alert;
import dev.millrace.core.rollout.RolloutStep;
import dev.millrace.platform.Target;
import dev.millrace.platform.Topics;
import dev.millrace.schemas.Wire;
import dev.millrace.streaming.JobSetup;
import dev.millrace.streaming.KafkaEnds;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.Set;
import java.util.stream.Collectors;
import org.apache.avro.Schema;
import org.apache.flink.api.common.eventtime.WatermarkStrategy;
import org.apache.flink.connector.kafka.source.KafkaSource;
import org.apache.flink.connector.kafka.source.enumerator.initializer.OffsetsInitializer;
import org.apache.flink.streaming.api.datastream.DataStream;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;

/** The job's real ends: the topics of one stack. */
final class TriggerEnds implements RetrainTriggerJob.Ends {

  private final JobSetup setup;
  private final Project project;
  private final Target target;
  private final Set<String> models;

  private TriggerEnds(JobSetup setup) {
    this.setup = setup;
    this.project = setup.project();
    this.target = setup.target();
    this.models = project.models().stream().map(Model::name).collect(Collectors.toSet());
  }

  static TriggerEnds of(JobSetup setup) {
    return new TriggerEnds(setup);
  }

  @Override
  public DataStream<Seen> drift(StreamExecutionEnvironment env) {
    return source(env, Topics.drift(project.name()), "drift", SeenDecoder.Kind.DRIFT);
  }

  @Override
  public DataStream<Seen> performance(StreamExecutionEnvironment env) {
    return source(
        env, Topics.performance(project.name()), "performance", SeenDecoder.Kind.PERFORMANCE);
  }

  @Override
  public DataStream<Seen> lifecycle(StreamExecutionEnvironment env) {
    return source(env, Topics.LIFECYCLE, "lifecycle", SeenDecoder.Kind.LIFECYCLE);
  }

  @Override
  public void decisions(DataStream<RetrainDecision> decisions) {
    write(
        decisions,
        Topics.retraining(project.name()),
        "retraining",
        Wire.RETRAINING,
        RetrainDecision::model,
        RetrainDecision::record);
  }

  @Override
  public void steps(DataStream<RolloutStep> steps) {
    write(
        steps,
        Topics.rollouts(project.name()),
        "rollouts",
        Wire.ROLLOUT,
        RolloutStep::model,
        RolloutStep::record);
  }

  @Override
  public void commands(DataStream<LifecycleEntry> commands) {
    write(
        commands,
        Topics.LIFECYCLE,
        "commands",
        Wire.LIFECYCLE,
        LifecycleEntry::model,
        LifecycleEntry::record);
  }

  @Override
  public void alerts(DataStream<Alert> alerts) {
    write(alerts, Topics.alerts(project.name()), "alerts", Wire.ALERT, Alert::model, Alert::record);
  }

  private DataStream<Seen> source(
      StreamExecutionEnvironment env, String topic, String what, SeenDecoder.Kind kind) {
    String group = group(what);
    KafkaSource<Seen> source =
        KafkaSource.<Seen>builder()
            .setBootstrapServers(target.kafka())
            .setTopics(topic)
            .setGroupId(group)
            .setClientIdPrefix(group)
            .setStartingOffsets(OffsetsInitializer.earliest())
            .setDeserializer(new SeenDecoder(kind, models, target.schemaRegistry()))
            .setProperty("isolation.level", "read_committed")
            .setProperty("register.consumer.jmx.mbeans", "false")
            .build();
    return env.fromSource(source, WatermarkStrategy.noWatermarks(), what)
        .uid("source-" + what)
        .setParallelism(1);
  }

  private <T> void write(
      DataStream<T> elements,
      String topic,
      String what,
      Schema schema,
      KafkaEnds.KeyOf<T> keyOf,
      KafkaEnds.RecordOf<T> recordOf) {
    int schemaId;
    try {
      schemaId = setup.schemaId(topic, schema);
    } catch (IOException e) {
      throw new UncheckedIOException(
          "Cannot write " + topic + ": its schema is not registered; run ./millrace apply", e);
    }
    KafkaEnds.writeExactlyOnce(
            elements,
            target,
            KafkaEnds.sink(target, topic, schemaId, schema, keyOf, recordOf),
            group(what))
        .name(what)
        .uid(what)
        .setParallelism(1);
  }

  private String group(String what) {
    return "millrace-" + project.name() + "-trigger-" + what;
  }
}
