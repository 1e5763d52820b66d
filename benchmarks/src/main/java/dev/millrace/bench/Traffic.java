package dev.millrace.bench;

import dev.millrace.platform.Target;
import java.io.IOException;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.LongFunction;
import java.util.stream.IntStream;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.jspecify.annotations.Nullable;

/** Fills topics, and looks how far others have filled theirs. */
final class Traffic implements AutoCloseable {

  private final KafkaProducer<byte[], byte[]> producer;
  private final KafkaConsumer<byte[], byte[]> ends;

  Traffic(Target target) {
    this.producer =
        new KafkaProducer<>(
            Map.of(
                ProducerConfig.BOOTSTRAP_SERVERS_CONFIG,
                target.kafka(),
                ProducerConfig.LINGER_MS_CONFIG,
                20,
                ProducerConfig.BATCH_SIZE_CONFIG,
                64 * 1024),
            new ByteArraySerializer(),
            new ByteArraySerializer());
    this.ends =
        new KafkaConsumer<>(
            Map.of(ProducerConfig.BOOTSTRAP_SERVERS_CONFIG, target.kafka()),
            new ByteArrayDeserializer(),
            new ByteArrayDeserializer());
  }

  /** Sends so many records and waits until all are there. */
  // The send's own future says nothing that the callback does not.
  @SuppressWarnings("FutureReturnValueIgnored")
  void fill(String topic, long events, LongFunction<ProducerRecord<byte[], byte[]>> record)
      throws IOException {
    AtomicReference<@Nullable Exception> failure = new AtomicReference<>();
    for (long number = 0; number < events; number++) {
      producer.send(
          record.apply(number),
          (unusedMetadata, e) -> {
            if (e != null) {
              failure.compareAndSet(null, e);
            }
          });
    }
    producer.flush();
    Exception failed = failure.get();
    if (failed != null) {
      throw new IOException("Cannot fill topic " + topic + ": " + failed, failed);
    }
  }

  /** How many records a topic has got. */
  long written(String topic) {
    return ends
        .endOffsets(
            IntStream.range(0, ends.partitionsFor(topic).size())
                .mapToObj(partition -> new TopicPartition(topic, partition))
                .toList())
        .values()
        .stream()
        .mapToLong(Long::longValue)
        .sum();
  }

  @Override
  public void close() {
    producer.close(Duration.ofSeconds(5));
    ends.close();
  }
}
