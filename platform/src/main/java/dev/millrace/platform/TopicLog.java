package dev.millrace.platform;

import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.function.Consumer;
import java.util.function.IntPredicate;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.common.PartitionInfo;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.apache.kafka.common.serialization.StringSerializer;

/** Reads a whole topic, from its start to the end it has now. */
public final class TopicLog {

  private static final Duration POLL = Duration.ofMillis(200);
  private static final Duration GIVE_UP = Duration.ofSeconds(60);

  /**
   * Hands every committed record to {@code reader}, in order within each partition. A topic that is
   * not there has no records.
   */
  public static void read(
      Target target, String topic, Consumer<ConsumerRecord<String, byte[]>> reader) {
    read(target, topic, partition -> true, reader);
  }

  /** The same of some partitions. */
  public static void read(
      Target target,
      String topic,
      IntPredicate wanted,
      Consumer<ConsumerRecord<String, byte[]>> reader) {
    read(target, ends(target, topic, wanted), reader);
  }

  /**
   * How far a topic goes now: the end of what is committed, of each partition. A topic that is not
   * there has none.
   */
  public static Map<TopicPartition, Long> ends(Target target, String topic) {
    return ends(target, topic, partition -> true);
  }

  private static Map<TopicPartition, Long> ends(Target target, String topic, IntPredicate wanted) {
    try (KafkaConsumer<String, byte[]> consumer = new KafkaConsumer<>(consumer(target))) {
      List<PartitionInfo> infos = consumer.listTopics().getOrDefault(topic, List.of());
      return consumer.endOffsets(
          infos.stream()
              .filter(p -> wanted.test(p.partition()))
              .map(p -> new TopicPartition(topic, p.partition()))
              .toList());
    }
  }

  /** Hands every committed record before these ends to {@code reader}. */
  public static void read(
      Target target,
      Map<TopicPartition, Long> upTo,
      Consumer<ConsumerRecord<String, byte[]>> reader) {
    if (upTo.isEmpty()) {
      return;
    }
    try (KafkaConsumer<String, byte[]> consumer = new KafkaConsumer<>(consumer(target))) {
      consumer.assign(upTo.keySet());
      consumer.seekToBeginning(upTo.keySet());
      Map<TopicPartition, Long> ends = new HashMap<>(upTo);
      long deadlineNanos = System.nanoTime() + GIVE_UP.toNanos();
      ends.entrySet().removeIf(e -> consumer.position(e.getKey()) >= e.getValue());
      while (!ends.isEmpty()) {
        var records = consumer.poll(POLL);
        if (!records.isEmpty()) {
          deadlineNanos = System.nanoTime() + GIVE_UP.toNanos();
        }
        for (ConsumerRecord<String, byte[]> record : records) {
          if (record.offset()
              < upTo.getOrDefault(new TopicPartition(record.topic(), record.partition()), 0L)) {
            reader.accept(record);
          }
        }
        ends.entrySet().removeIf(e -> consumer.position(e.getKey()) >= e.getValue());
        if (System.nanoTime() - deadlineNanos > 0) {
          throw new IllegalStateException(
              "Cannot read "
                  + upTo.keySet()
                  + " to the end: no record for "
                  + GIVE_UP.toSeconds()
                  + " s, still behind in "
                  + ends.keySet()
                  + "; see whether the broker answers and no transaction is left open");
        }
      }
    }
  }

  /** Settings of a consumer that sees committed records only and belongs to no group. */
  public static Properties consumer(Target target) {
    Properties properties = new Properties();
    properties.put(ConsumerConfig.BOOTSTRAP_SERVERS_CONFIG, target.kafka());
    properties.put(
        ConsumerConfig.KEY_DESERIALIZER_CLASS_CONFIG, StringDeserializer.class.getName());
    properties.put(
        ConsumerConfig.VALUE_DESERIALIZER_CLASS_CONFIG, ByteArrayDeserializer.class.getName());
    properties.put(ConsumerConfig.ISOLATION_LEVEL_CONFIG, "read_committed");
    properties.put(ConsumerConfig.ENABLE_AUTO_COMMIT_CONFIG, "false");
    properties.put(ConsumerConfig.AUTO_OFFSET_RESET_CONFIG, "earliest");
    properties.put(ConsumerConfig.ALLOW_AUTO_CREATE_TOPICS_CONFIG, "false");
    properties.put(ConsumerConfig.DEFAULT_API_TIMEOUT_MS_CONFIG, "20000");
    return properties;
  }

  /** A producer that waits for all replicas and never writes a record twice. */
  public static KafkaProducer<String, byte[]> producer(Target target) {
    return new KafkaProducer<>(producing(target));
  }

  /** The same, which waits for no other records to go with one. */
  public static KafkaProducer<String, byte[]> promptProducer(Target target) {
    Properties properties = producing(target);
    properties.put(ProducerConfig.LINGER_MS_CONFIG, "0");
    return new KafkaProducer<>(properties);
  }

  private static Properties producing(Target target) {
    Properties properties = new Properties();
    properties.put(ProducerConfig.BOOTSTRAP_SERVERS_CONFIG, target.kafka());
    properties.put(ProducerConfig.KEY_SERIALIZER_CLASS_CONFIG, StringSerializer.class.getName());
    properties.put(
        ProducerConfig.VALUE_SERIALIZER_CLASS_CONFIG, ByteArraySerializer.class.getName());
    properties.put(ProducerConfig.ACKS_CONFIG, "all");
    properties.put(ProducerConfig.ENABLE_IDEMPOTENCE_CONFIG, "true");
    properties.put(ProducerConfig.MAX_REQUEST_SIZE_CONFIG, String.valueOf(Topics.RECORD_BYTES_MAX));
    properties.put(ProducerConfig.MAX_BLOCK_MS_CONFIG, "20000");
    return properties;
  }

  private TopicLog() {}
}
