package dev.millrace.cli.demo;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import dev.millrace.cli.CommandFailed;
import dev.millrace.core.model.Deployment;
import dev.millrace.core.model.LifecycleEntry;
import dev.millrace.platform.Target;
import dev.millrace.platform.TopicLog;
import dev.millrace.platform.Topics;
import dev.millrace.schemas.SubjectRegistry;
import dev.millrace.schemas.Wire;
import dev.millrace.schemas.WireFormat;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicLong;
import org.apache.avro.Schema;
import org.apache.avro.generic.GenericRecord;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.WakeupException;
import org.jspecify.annotations.Nullable;

/**
 * Reads every topic of the loop from its beginning, committed records only, as anybody could: what
 * it sees goes to the ledger, the state and the story. Of the many predictions it decodes no more
 * than it keeps.
 */
final class LoopWatch implements AutoCloseable {

  private static final Duration POLL = Duration.ofMillis(50);
  private static final long CLOSE_MILLIS = 10_000;
  private static final JsonMapper JSON = new JsonMapper();

  private final PredictionLedger ledger;
  private final LoopState state;
  private final LoopStory story;
  private final KafkaConsumer<String, byte[]> consumer;
  private final Map<String, Take> takes = new HashMap<>();
  private final Thread thread;
  private volatile long newestNanos = System.nanoTime();
  private final AtomicLong letters = new AtomicLong();
  private volatile @Nullable Exception failure;

  /** What is done with a record of one topic. */
  private interface Take {
    void take(ConsumerRecord<String, byte[]> record) throws IOException;
  }

  LoopWatch(
      Target target,
      SubjectRegistry registry,
      String project,
      String model,
      PredictionLedger ledger,
      LoopState state,
      LoopStory story) {
    this.ledger = ledger;
    this.state = state;
    this.story = story;
    WireFormat.Reader predictions =
        reader(
            registry,
            Wire.PREDICTION,
            "prediction_id",
            "event_id",
            "version",
            "role",
            "score",
            "deployment_id");
    WireFormat.Reader drift =
        reader(
            registry,
            Wire.DRIFT,
            "drift_id",
            "version",
            "feature",
            "segment",
            "window_end",
            "statistic",
            "value",
            "threshold",
            "drifted");
    WireFormat.Reader performance = new WireFormat.Reader(registry, Wire.PERFORMANCE);
    WireFormat.Reader retraining = new WireFormat.Reader(registry, Wire.RETRAINING);
    WireFormat.Reader rollouts = new WireFormat.Reader(registry, Wire.ROLLOUT);
    WireFormat.Reader alerts = new WireFormat.Reader(registry, Wire.ALERT);
    WireFormat.Reader lifecycle = new WireFormat.Reader(registry, Wire.LIFECYCLE);
    WireFormat.Reader deployments = new WireFormat.Reader(registry, Wire.DEPLOYMENT);
    takes.put(Topics.predictions(project, model), r -> prediction(predictions.read(r.value())));
    takes.put(Topics.shadows(project, model), r -> shadow(predictions.read(r.value())));
    takes.put(Topics.drift(project), r -> drift(drift.read(r.value())));
    takes.put(Topics.performance(project), r -> performance(performance.read(r.value())));
    takes.put(Topics.retraining(project), r -> retraining(retraining.read(r.value())));
    takes.put(Topics.rollouts(project), r -> rollout(rollouts.read(r.value())));
    takes.put(Topics.alerts(project), r -> alert(alerts.read(r.value())));
    takes.put(Topics.LIFECYCLE, r -> lifecycle(LifecycleEntry.of(lifecycle.read(r.value()))));
    takes.put(Topics.DEPLOYMENTS, r -> deployment(Deployment.of(deployments.read(r.value()))));
    takes.put(Topics.deadLetters(project), r -> letters.incrementAndGet());
    var properties = TopicLog.consumer(target);
    properties.put(ConsumerConfig.MAX_POLL_RECORDS_CONFIG, "2000");
    // Fewer, larger fetches: the broker shares two cores with everything else.
    properties.put(ConsumerConfig.FETCH_MIN_BYTES_CONFIG, "65536");
    properties.put(ConsumerConfig.FETCH_MAX_WAIT_MS_CONFIG, "100");
    this.consumer = new KafkaConsumer<>(properties);
    assign();
    this.thread = new Thread(this::watch, "loop-watch");
    thread.setDaemon(true);
    thread.start();
  }

  private void assign() {
    List<TopicPartition> partitions = new ArrayList<>();
    List<String> missing = new ArrayList<>();
    var known = consumer.listTopics();
    for (String topic : takes.keySet()) {
      var infos = known.getOrDefault(topic, List.of());
      if (infos.isEmpty()) {
        missing.add(topic);
      }
      infos.forEach(p -> partitions.add(new TopicPartition(topic, p.partition())));
    }
    if (!missing.isEmpty()) {
      consumer.close();
      throw new CommandFailed("Cannot watch the loop: there are no topics " + missing);
    }
    consumer.assign(partitions);
    consumer.seekToBeginning(partitions);
  }

  /** A reader of some fields of a record: what is not asked for is skipped, not decoded. */
  static WireFormat.Reader reader(SubjectRegistry registry, Schema whole, String... fields) {
    List<Schema.Field> some = new ArrayList<>();
    for (String field : fields) {
      some.add(new Schema.Field(whole.getField(field), whole.getField(field).schema()));
    }
    return new WireFormat.Reader(
        registry, Schema.createRecord(whole.getName(), null, whole.getNamespace(), false, some));
  }

  private void watch() {
    try (consumer) {
      while (!Thread.currentThread().isInterrupted()) {
        var records = consumer.poll(POLL);
        if (!records.isEmpty()) {
          newestNanos = System.nanoTime();
        }
        for (ConsumerRecord<String, byte[]> record : records) {
          Take take = takes.get(record.topic());
          if (take != null) {
            take.take(record);
          }
        }
      }
    } catch (WakeupException e) {
      // Closed: nobody wants more.
      return;
    } catch (IOException | KafkaException e) {
      failure = e;
    } catch (RuntimeException e) {
      // A record that is not what its schema promises: whoever waits for the loop must hear of it.
      failure = e;
    }
  }

  private void prediction(GenericRecord record) {
    Object deployment = record.get("deployment_id");
    ledger.served(
        text(record, "prediction_id"),
        text(record, "event_id"),
        (Integer) record.get("version"),
        text(record, "role"),
        deployment == null ? null : deployment.toString(),
        (Double) record.get("score"));
  }

  private void shadow(GenericRecord record) {
    ledger.shadow(
        text(record, "event_id"), (Integer) record.get("version"), (Double) record.get("score"));
  }

  private void drift(GenericRecord record) {
    if (state.drift(text(record, "drift_id")) && (Boolean) record.get("drifted")) {
      story.drift(record);
    }
  }

  private void performance(GenericRecord record) {
    if (state.performance(record) && (Boolean) record.get("alarm")) {
      story.performance(record);
    }
  }

  private void retraining(GenericRecord record) {
    state.retraining(record);
    story.retraining(record);
  }

  private void rollout(GenericRecord record) {
    state.rollout(record);
    story.rollout(record);
  }

  private void alert(GenericRecord record) {
    state.alert(record);
    story.alert(record);
  }

  private void lifecycle(LifecycleEntry entry) {
    JsonNode details = details(entry);
    JsonNode request = details.path("request_id");
    state.lifecycle(entry, request.isTextual() ? request.asText() : null);
    story.lifecycle(entry, details);
  }

  private static JsonNode details(LifecycleEntry entry) {
    try {
      return JSON.readTree(entry.details());
    } catch (JsonProcessingException e) {
      return JSON.createObjectNode();
    }
  }

  private void deployment(Deployment deployment) {
    state.deployment(deployment);
  }

  private static String text(GenericRecord record, String field) {
    return String.valueOf(record.get(field));
  }

  /** Fails where the reading has. */
  void refuseFailure() {
    Exception e = failure;
    if (e != null) {
      throw new CommandFailed("Cannot read the loop's topics: " + e.getMessage(), e);
    }
  }

  /** For how long no topic has had anything new. */
  Duration quiet() {
    return Duration.ofNanos(System.nanoTime() - newestNanos);
  }

  long deadLetters() {
    return letters.get();
  }

  @Override
  public void close() {
    consumer.wakeup();
    try {
      thread.join(CLOSE_MILLIS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
