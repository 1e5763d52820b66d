package dev.millrace.bench;

import dev.millrace.platform.Target;
import dev.millrace.schemas.WireFormat;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.apache.avro.Schema;
import org.apache.avro.generic.GenericDatumReader;
import org.apache.avro.generic.GenericRecord;
import org.apache.avro.io.DecoderFactory;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import redis.clients.jedis.Jedis;
import redis.clients.jedis.Pipeline;

/**
 * The ceiling of latency: a loop that reads the topic and writes each event's number to Redis, with
 * no features, no guard, no state and nothing to lose.
 */
final class BareReader implements Runnable {

  private final Target target;
  private final Jedis redis;
  private volatile boolean stopped;
  private volatile boolean reading;

  BareReader(Target target, Jedis redis) {
    this.target = target;
    this.redis = redis;
  }

  static String key(int customer) {
    return "bare:" + Payments.customerKey(customer);
  }

  boolean isReading() {
    return reading;
  }

  void stop() {
    stopped = true;
  }

  @Override
  public void run() {
    Map<String, Object> settings =
        Map.of(
            ConsumerConfig.BOOTSTRAP_SERVERS_CONFIG,
            target.kafka(),
            ConsumerConfig.KEY_DESERIALIZER_CLASS_CONFIG,
            ByteArrayDeserializer.class,
            ConsumerConfig.VALUE_DESERIALIZER_CLASS_CONFIG,
            ByteArrayDeserializer.class);
    GenericDatumReader<GenericRecord> reader =
        new GenericDatumReader<>(new Schema.Parser().parse(Payments.SCHEMA));
    try (KafkaConsumer<byte[], byte[]> consumer = new KafkaConsumer<>(settings)) {
      List<TopicPartition> partitions =
          IntStream.range(0, consumer.partitionsFor(Payments.TOPIC).size())
              .mapToObj(p -> new TopicPartition(Payments.TOPIC, p))
              .toList();
      consumer.assign(partitions);
      consumer.seekToEnd(partitions);
      partitions.forEach(
          p -> {
            long unusedPosition = consumer.position(p);
          });
      reading = true;
      while (!stopped) {
        List<GenericRecord> events = new ArrayList<>();
        for (ConsumerRecord<byte[], byte[]> record : consumer.poll(Duration.ofMillis(100))) {
          events.add(decoded(reader, record.value()));
        }
        write(events);
      }
    }
  }

  private static GenericRecord decoded(GenericDatumReader<GenericRecord> reader, byte[] value) {
    try {
      return reader.read(
          null,
          DecoderFactory.get()
              .binaryDecoder(
                  value, WireFormat.HEADER_BYTES, value.length - WireFormat.HEADER_BYTES, null));
    } catch (IOException e) {
      throw new UncheckedIOException("Cannot decode an event of the benchmark", e);
    }
  }

  private void write(List<GenericRecord> events) {
    try (Pipeline pipeline = redis.pipelined()) {
      for (GenericRecord event : events) {
        pipeline.hset(
            ("bare:" + event.get("customer")).getBytes(StandardCharsets.UTF_8),
            Payments.LAST_EVENT.getBytes(StandardCharsets.UTF_8),
            String.valueOf(event.get("number")).getBytes(StandardCharsets.UTF_8));
      }
    }
  }
}
