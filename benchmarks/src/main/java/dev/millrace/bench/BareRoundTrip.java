package dev.millrace.bench;

import dev.millrace.platform.Target;
import dev.millrace.platform.TopicLog;
import dev.millrace.platform.Topics;
import java.time.Duration;
import java.util.List;
import java.util.Properties;
import java.util.UUID;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.apache.kafka.common.serialization.StringSerializer;

/**
 * The ceiling of a change that is answered when it is in a journal for good: a transaction of one
 * record, and a reader that has seen it committed. Nothing is decided, and nothing travels to who
 * decides.
 */
final class BareRoundTrip {

  private static final String TOPIC = "bench.bare";
  private static final Duration POLL = Duration.ofMillis(100);

  private BareRoundTrip() {}

  /** Milliseconds of each. */
  static Samples millis(Target target, int warmUp, int counted) throws InterruptedException {
    try (Admin admin = Topics.admin(target)) {
      Topics.create(admin, List.of(TOPIC));
    }
    Properties producing = new Properties();
    producing.put(ProducerConfig.BOOTSTRAP_SERVERS_CONFIG, target.kafka());
    producing.put(ProducerConfig.TRANSACTIONAL_ID_CONFIG, "bench-" + UUID.randomUUID());
    producing.put(ProducerConfig.LINGER_MS_CONFIG, 0);
    TopicPartition partition = new TopicPartition(TOPIC, 0);
    double[] millis = new double[counted];
    try (KafkaProducer<String, byte[]> producer =
            new KafkaProducer<>(producing, new StringSerializer(), new ByteArraySerializer());
        KafkaConsumer<String, byte[]> consumer = new KafkaConsumer<>(TopicLog.consumer(target))) {
      producer.initTransactions();
      consumer.assign(List.of(partition));
      consumer.seekToEnd(List.of(partition));
      long unusedPosition = consumer.position(partition);
      byte[] value = new byte[300];
      for (int i = -warmUp; i < counted; i++) {
        long startNanos = System.nanoTime();
        producer.beginTransaction();
        var unusedSent = producer.send(new ProducerRecord<>(TOPIC, 0, "m", value));
        producer.commitTransaction();
        while (consumer.poll(POLL).isEmpty()) {
          // Not committed yet, or not here.
        }
        if (i >= 0) {
          millis[i] = (System.nanoTime() - startNanos) / 1e6;
        }
      }
    }
    return new Samples(millis);
  }
}
