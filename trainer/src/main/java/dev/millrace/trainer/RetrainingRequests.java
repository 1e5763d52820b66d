package dev.millrace.trainer;

import dev.millrace.platform.Target;
import dev.millrace.platform.TopicLog;
import java.time.Duration;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.Set;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.common.PartitionInfo;
import org.apache.kafka.common.TopicPartition;

/**
 * The retraining topics of all projects, one record at a time, each put away by hand.
 *
 * <p>Partitions are taken, not subscribed to: the group {@value #GROUP} only keeps the offsets. So
 * a trainer that takes over from a dead one does not wait for the group to notice its death, and
 * one record may take as long as it takes.
 */
final class RetrainingRequests implements AutoCloseable {

  static final String GROUP = "millrace-trainer";

  private final KafkaConsumer<String, byte[]> consumer;
  private final Map<TopicPartition, Long> retryAtNanos = new HashMap<>();

  RetrainingRequests(Target target) {
    Properties properties = TopicLog.consumer(target);
    properties.put(ConsumerConfig.GROUP_ID_CONFIG, GROUP);
    properties.put(ConsumerConfig.MAX_POLL_RECORDS_CONFIG, "1");
    this.consumer = new KafkaConsumer<>(properties);
  }

  /** Takes the partitions of these topics, as far as they are there. */
  void follow(Collection<String> topics) {
    Map<String, List<PartitionInfo>> known = consumer.listTopics();
    Set<TopicPartition> wanted = new HashSet<>();
    for (String topic : topics) {
      for (PartitionInfo partition : known.getOrDefault(topic, List.of())) {
        wanted.add(new TopicPartition(topic, partition.partition()));
      }
    }
    if (!wanted.equals(consumer.assignment())) {
      retryAtNanos.keySet().retainAll(wanted);
      consumer.assign(wanted);
      consumer.pause(retryAtNanos.keySet());
    }
  }

  /** The next record, or those of none. */
  Iterable<ConsumerRecord<String, byte[]>> next(Duration patience) throws InterruptedException {
    long nowNanos = System.nanoTime();
    Set<TopicPartition> due = new HashSet<>();
    retryAtNanos.forEach(
        (partition, atNanos) -> {
          if (nowNanos - atNanos >= 0) {
            due.add(partition);
          }
        });
    retryAtNanos.keySet().removeAll(due);
    consumer.resume(due);
    if (consumer.assignment().isEmpty()) {
      Thread.sleep(patience.toMillis());
      return List.of();
    }
    return consumer.poll(patience);
  }

  /** A record is done with. */
  void putAway(ConsumerRecord<String, byte[]> record) {
    consumer.commitSync(
        Map.of(
            new TopicPartition(record.topic(), record.partition()),
            new OffsetAndMetadata(record.offset() + 1)));
  }

  /** A record comes again after a while; those of other partitions meanwhile go on. */
  void retry(ConsumerRecord<String, byte[]> record, Duration after) {
    TopicPartition partition = new TopicPartition(record.topic(), record.partition());
    consumer.seek(partition, record.offset());
    consumer.pause(Set.of(partition));
    retryAtNanos.put(partition, System.nanoTime() + after.toNanos());
  }

  @Override
  public void close() {
    consumer.close();
  }
}
