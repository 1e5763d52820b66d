package dev.millrace.streaming.transactions;

import java.io.IOException;
import java.time.Duration;
import java.util.Locale;
import java.util.Properties;
import java.util.Set;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.InvalidOffsetException;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.IsolationLevel;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;

/**
 * Reads at the mark: first as a reader of committed records, who passes over what was aborted; then
 * as one who takes all, because compaction and retention take records away too.
 */
final class FatesInKafka implements Fates {

  private static final Duration POLL = Duration.ofMillis(500);

  private final String bootstrapServers;
  private final Duration patience;

  /**
   * @param patience how long to wait for older transactions to end, which hide the mark
   */
  FatesInKafka(String bootstrapServers, Duration patience) {
    this.bootstrapServers = bootstrapServers;
    this.patience = patience;
  }

  @Override
  public Fate of(Mark mark) throws IOException {
    return switch (found(mark, IsolationLevel.READ_COMMITTED)) {
      case THERE -> Fate.COMMITTED;
      case NOT_THERE ->
          found(mark, IsolationLevel.READ_UNCOMMITTED) == Found.THERE ? Fate.ABORTED : Fate.GONE;
      case OUT_OF_LOG -> Fate.GONE;
    };
  }

  private enum Found {
    THERE,
    NOT_THERE,
    OUT_OF_LOG
  }

  private Found found(Mark mark, IsolationLevel isolation) throws IOException {
    TopicPartition partition = new TopicPartition(mark.topic(), mark.partition());
    long beganNanos = System.nanoTime();
    try (KafkaConsumer<byte[], byte[]> consumer =
        new KafkaConsumer<>(
            settings(isolation), new ByteArrayDeserializer(), new ByteArrayDeserializer())) {
      consumer.assign(Set.of(partition));
      consumer.seek(partition, mark.offset());
      while (System.nanoTime() - beganNanos < patience.toNanos()) {
        for (ConsumerRecord<byte[], byte[]> record : consumer.poll(POLL)) {
          return record.offset() == mark.offset() && record.timestamp() == mark.timestampMillis()
              ? Found.THERE
              : Found.NOT_THERE;
        }
        if (consumer.position(partition, patience) > mark.offset()) {
          return Found.NOT_THERE;
        }
      }
    } catch (InvalidOffsetException e) {
      return Found.OUT_OF_LOG;
    } catch (KafkaException e) {
      throw new IOException("Cannot tell whether " + mark.text() + " was committed: " + e, e);
    }
    throw new IOException(
        "Cannot tell whether %s was committed: nothing was readable there for %d s; an older transaction of the partition is still open, or the topic is gone; it is looked up again when the job restarts"
            .formatted(mark.text(), patience.toSeconds()));
  }

  private Properties settings(IsolationLevel isolation) {
    Properties settings = new Properties();
    settings.put(ConsumerConfig.BOOTSTRAP_SERVERS_CONFIG, bootstrapServers);
    settings.put(
        ConsumerConfig.ISOLATION_LEVEL_CONFIG, isolation.toString().toLowerCase(Locale.ROOT));
    settings.put(ConsumerConfig.AUTO_OFFSET_RESET_CONFIG, "none");
    settings.put(ConsumerConfig.ENABLE_AUTO_COMMIT_CONFIG, "false");
    settings.put(ConsumerConfig.MAX_POLL_RECORDS_CONFIG, "1");
    settings.put(ConsumerConfig.ALLOW_AUTO_CREATE_TOPICS_CONFIG, "false");
    settings.put("register.consumer.jmx.mbeans", "false");
    return settings;
  }
}
