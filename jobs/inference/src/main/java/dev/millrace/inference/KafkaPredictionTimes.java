package dev.millrace.inference;

import dev.millrace.platform.Target;
import dev.millrace.platform.TopicLog;
import dev.millrace.platform.Topics;
import dev.millrace.schemas.ConfluentSubjectRegistry;
import dev.millrace.schemas.SubjectRegistry;
import dev.millrace.schemas.Wire;
import dev.millrace.schemas.WireFormat;
import java.io.IOException;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import org.apache.avro.AvroRuntimeException;
import org.apache.avro.Schema;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.OffsetAndTimestamp;
import org.apache.kafka.common.TopicPartition;

/** The topic in Kafka, read from a time to the end it has now. */
record KafkaPredictionTimes(Target target, String project) implements PredictionTimes {

  private static final long serialVersionUID = 1L;
  private static final Duration POLL = Duration.ofMillis(200);
  private static final Duration GIVE_UP = Duration.ofSeconds(60);

  /** Only what is asked for is decoded. */
  private static final Schema EVENT_TIME =
      Schema.createRecord(
          Wire.PREDICTION.getName(),
          null,
          Wire.PREDICTION.getNamespace(),
          false,
          List.of(new Schema.Field("event_time", Wire.PREDICTION.getField("event_time").schema())));

  @Override
  public OptionalLong largest(String model, long sinceMillis) throws IOException {
    String topic = Topics.predictions(project, model);
    WireFormat.Reader reader =
        new WireFormat.Reader(new ConfluentSubjectRegistry(target.schemaRegistry()), EVENT_TIME);
    OptionalLong largest = OptionalLong.empty();
    try (KafkaConsumer<String, byte[]> consumer = new KafkaConsumer<>(TopicLog.consumer(target))) {
      List<TopicPartition> partitions =
          consumer.listTopics().getOrDefault(topic, List.of()).stream()
              .map(p -> new TopicPartition(topic, p.partition()))
              .toList();
      if (partitions.isEmpty()) {
        return largest;
      }
      consumer.assign(partitions);
      Map<TopicPartition, Long> ends = new HashMap<>(consumer.endOffsets(partitions));
      seek(consumer, partitions, ends, sinceMillis);
      ends.entrySet().removeIf(e -> consumer.position(e.getKey()) >= e.getValue());
      long lastNanos = System.nanoTime();
      while (!ends.isEmpty()) {
        for (ConsumerRecord<String, byte[]> record : consumer.poll(POLL)) {
          lastNanos = System.nanoTime();
          OptionalLong time = time(reader, record.value());
          if (time.isPresent() && (largest.isEmpty() || time.getAsLong() > largest.getAsLong())) {
            largest = time;
          }
        }
        ends.entrySet().removeIf(e -> consumer.position(e.getKey()) >= e.getValue());
        if (System.nanoTime() - lastNanos > GIVE_UP.toNanos()) {
          throw new IOException(
              "Cannot read topic " + topic + " to its end: nothing came for " + GIVE_UP);
        }
      }
    }
    return largest;
  }

  private static void seek(
      KafkaConsumer<?, ?> consumer,
      List<TopicPartition> partitions,
      Map<TopicPartition, Long> ends,
      long sinceMillis) {
    if (sinceMillis <= 0) {
      consumer.seekToBeginning(partitions);
      return;
    }
    Map<TopicPartition, Long> times = new HashMap<>();
    partitions.forEach(p -> times.put(p, sinceMillis));
    Map<TopicPartition, OffsetAndTimestamp> found = consumer.offsetsForTimes(times);
    for (TopicPartition partition : partitions) {
      OffsetAndTimestamp at = found.get(partition);
      consumer.seek(partition, at == null ? ends.getOrDefault(partition, 0L) : at.offset());
    }
  }

  /** What is no prediction is passed over; it is named where the topic is read for its table. */
  private static OptionalLong time(WireFormat.Reader reader, byte[] value) throws IOException {
    if (!WireFormat.framed(value)) {
      return OptionalLong.empty();
    }
    try {
      return OptionalLong.of((Long) reader.read(value).get("event_time"));
    } catch (SubjectRegistry.UnknownSchemaException
        | WireFormat.UnreadableException
        | AvroRuntimeException
        | IllegalArgumentException
        | IndexOutOfBoundsException e) {
      return OptionalLong.empty();
    }
  }
}
