package dev.millrace.cli.demo;

import dev.millrace.cli.CommandFailed;
import dev.millrace.platform.Target;
import dev.millrace.platform.TopicLog;
import dev.millrace.schemas.SubjectRegistry;
import dev.millrace.schemas.Wire;
import dev.millrace.schemas.WireFormat;
import java.io.IOException;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.apache.avro.generic.GenericRecord;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.WakeupException;
import org.jspecify.annotations.Nullable;

/**
 * A consumer of a model's predictions as anybody's would be: it reads committed records from the
 * topic's beginning, on a thread of its own, and counts what it sees by event.
 */
final class PredictionWatch implements AutoCloseable {

  private static final Duration POLL = Duration.ofMillis(100);
  private static final long CLOSE_MILLIS = 10_000;

  private final String topic;
  private final long detailedFromMillis;
  private final KafkaConsumer<String, byte[]> consumer;
  private final WireFormat.Reader reader;
  private final Thread thread;
  private final Map<String, String> idByEvent = new HashMap<>();
  private final Map<String, Long> eventsByRole = new TreeMap<>();
  private final Map<String, Seen> detailed = new HashMap<>();
  private final Map<Integer, Long> championsByVersion = new HashMap<>();
  private long repeats;
  private @Nullable String contradiction;
  private @Nullable Exception failure;
  private boolean forgetful;

  /**
   * A prediction when it was first seen.
   *
   * @param nanos on the clock of {@link System#nanoTime}
   * @param freshness by view
   */
  record Seen(long nanos, String role, int version, Map<String, String> freshness) {}

  /**
   * Starts watching.
   *
   * @param detailedFromMillis events from this time on are kept one by one
   */
  PredictionWatch(Target target, SubjectRegistry registry, String topic, long detailedFromMillis) {
    this.topic = topic;
    this.detailedFromMillis = detailedFromMillis;
    this.reader = new WireFormat.Reader(registry, Wire.PREDICTION);
    this.consumer = new KafkaConsumer<>(TopicLog.consumer(target));
    List<TopicPartition> partitions =
        consumer.listTopics().getOrDefault(topic, List.of()).stream()
            .map(p -> new TopicPartition(topic, p.partition()))
            .toList();
    if (partitions.isEmpty()) {
      consumer.close();
      throw new CommandFailed("Cannot watch predictions: there is no topic " + topic);
    }
    consumer.assign(partitions);
    consumer.seekToBeginning(partitions);
    this.thread = new Thread(this::watch, "predictions");
    thread.setDaemon(true);
    thread.start();
  }

  private void watch() {
    try (consumer) {
      while (!Thread.currentThread().isInterrupted()) {
        var records = consumer.poll(POLL);
        long nowNanos = System.nanoTime();
        for (ConsumerRecord<String, byte[]> record : records) {
          take(reader.read(record.value()), nowNanos);
        }
      }
    } catch (WakeupException e) {
      // Closed: nobody wants more.
      return;
    } catch (IOException | KafkaException e) {
      fail(e);
    }
  }

  private synchronized void fail(Exception e) {
    failure = e;
  }

  private synchronized void take(GenericRecord prediction, long nowNanos) {
    String role = String.valueOf(prediction.get("role"));
    int version = (Integer) prediction.get("version");
    if (role.equals("CHAMPION")) {
      championsByVersion.merge(version, 1L, Long::sum);
    }
    if (forgetful) {
      return;
    }
    String event = String.valueOf(prediction.get("event_id"));
    String id = String.valueOf(prediction.get("prediction_id"));
    String before = idByEvent.putIfAbsent(event, id);
    if (before != null) {
      repeats++;
      if (!before.equals(id)) {
        contradiction = "event " + event + " has the predictions " + before + " and " + id;
      }
      return;
    }
    eventsByRole.merge(role, 1L, Long::sum);
    if ((Long) prediction.get("event_time") >= detailedFromMillis) {
      Map<String, String> freshness = new TreeMap<>();
      ((Map<?, ?>) prediction.get("freshness"))
          .forEach((view, said) -> freshness.put(String.valueOf(view), String.valueOf(said)));
      detailed.put(event, new Seen(nowNanos, role, version, freshness));
    }
  }

  /** How many events have a prediction. */
  synchronized long events() {
    refuseFailure();
    return idByEvent.size();
  }

  /** Events by the role of their first prediction. */
  synchronized Map<String, Long> eventsByRole() {
    return new TreeMap<>(eventsByRole);
  }

  /** Records beyond the first of their event, of the same id. */
  synchronized long repeats() {
    return repeats;
  }

  /** How many predictions this version made as champion. */
  synchronized long champions(int version) {
    refuseFailure();
    return championsByVersion.getOrDefault(version, 0L);
  }

  /** How many events of the detailed time have a prediction. */
  synchronized int detailedEvents() {
    refuseFailure();
    return detailed.size();
  }

  /** The predictions of the detailed time by event. */
  synchronized Map<String, Seen> detailed() {
    refuseFailure();
    return new HashMap<>(detailed);
  }

  /** From now on only counts, and forgets every event. */
  synchronized void forget() {
    forgetful = true;
    idByEvent.clear();
    detailed.clear();
  }

  private void refuseFailure() {
    if (failure != null) {
      throw new CommandFailed("Cannot read topic " + topic + ": " + failure.getMessage(), failure);
    }
    if (contradiction != null) {
      throw new CommandFailed("Cannot trust topic " + topic + ": " + contradiction);
    }
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
