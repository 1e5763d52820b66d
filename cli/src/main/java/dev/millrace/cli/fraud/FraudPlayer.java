package dev.millrace.cli.fraud;

import dev.millrace.cli.CommandFailed;
import dev.millrace.cli.fraud.FraudEvent.Report;
import dev.millrace.cli.fraud.FraudEvent.Transaction;
import dev.millrace.core.definition.Project;
import dev.millrace.core.definition.Source;
import dev.millrace.platform.Target;
import dev.millrace.platform.Topics;
import dev.millrace.schemas.SubjectRegistry;
import dev.millrace.schemas.WireFormat;
import java.io.IOException;
import java.util.Iterator;
import java.util.Properties;
import java.util.concurrent.atomic.AtomicReference;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.apache.kafka.common.serialization.StringSerializer;
import org.jspecify.annotations.Nullable;

/**
 * Plays the world into the example's topics, as far in event time as it is told. A transaction's
 * key is its card, so that the payments of a card stay in order; a report's is the transaction.
 */
public final class FraudPlayer implements AutoCloseable {

  private static final int BATCH_BYTES = 128 * 1024;

  private final Iterator<FraudEvent> events;
  private final FraudRecords records;
  private final KafkaProducer<String, byte[]> producer;
  private final Lane transactions;
  private final Lane reports;
  private final AtomicReference<@Nullable Exception> failure = new AtomicReference<>();
  private @Nullable FraudEvent ahead;
  private int transactionsSent;
  private int reportsSent;

  /** A topic and how its values are written. */
  private record Lane(String topic, WireFormat.Writer writer) {
    static Lane of(Project project, String name, SubjectRegistry registry) throws IOException {
      Source source = project.source(name).orElseThrow();
      int id = registry.register(Topics.subject(source.topic()), source.schema().toString());
      return new Lane(source.topic(), new WireFormat.Writer(id, source.schema()));
    }
  }

  /** A player of an applied project's world, from its first event on. */
  public FraudPlayer(FraudWorld world, Project project, Target target, SubjectRegistry registry)
      throws IOException {
    this.events = world.events();
    this.records = FraudRecords.of(project);
    this.transactions = Lane.of(project, FraudRecords.TRANSACTIONS, registry);
    this.reports = Lane.of(project, FraudRecords.REPORTS, registry);
    this.producer = producer(target);
    this.ahead = events.next();
  }

  static KafkaProducer<String, byte[]> producer(Target target) {
    Properties properties = new Properties();
    properties.put(ProducerConfig.BOOTSTRAP_SERVERS_CONFIG, target.kafka());
    properties.put(ProducerConfig.KEY_SERIALIZER_CLASS_CONFIG, StringSerializer.class.getName());
    properties.put(
        ProducerConfig.VALUE_SERIALIZER_CLASS_CONFIG, ByteArraySerializer.class.getName());
    properties.put(ProducerConfig.ACKS_CONFIG, "all");
    properties.put(ProducerConfig.ENABLE_IDEMPOTENCE_CONFIG, "true");
    properties.put(ProducerConfig.COMPRESSION_TYPE_CONFIG, "lz4");
    properties.put(ProducerConfig.LINGER_MS_CONFIG, "5");
    properties.put(ProducerConfig.BATCH_SIZE_CONFIG, String.valueOf(BATCH_BYTES));
    properties.put(ProducerConfig.MAX_BLOCK_MS_CONFIG, "60000");
    return new KafkaProducer<>(properties);
  }

  /** Sends every event before a time, and returns when the broker has them. */
  public void playUntil(long untilMillis) {
    for (FraudEvent event = ahead; event != null && event.timeMillis() < untilMillis; ) {
      send(event);
      event = events.hasNext() ? events.next() : null;
      ahead = event;
    }
    try {
      producer.flush();
    } catch (KafkaException e) {
      throw new CommandFailed("Cannot finish sending: " + e.getMessage(), e);
    }
    refuseFailure();
  }

  /** Whether the world has no more events. */
  public boolean hasEnded() {
    return ahead == null;
  }

  public int transactionsSent() {
    return transactionsSent;
  }

  public int reportsSent() {
    return reportsSent;
  }

  // The callback keeps the first failure, and every slice ends with a look at it.
  @SuppressWarnings("FutureReturnValueIgnored")
  private void send(FraudEvent event) {
    ProducerRecord<String, byte[]> record;
    if (event instanceof Transaction transaction) {
      transactionsSent++;
      record =
          new ProducerRecord<>(
              transactions.topic,
              transaction.cardId(),
              transactions.writer.write(records.record(transaction)));
    } else {
      Report report = (Report) event;
      reportsSent++;
      record =
          new ProducerRecord<>(
              reports.topic, report.transactionId(), reports.writer.write(records.record(report)));
    }
    try {
      producer.send(
          record,
          (metadata, e) -> {
            if (e != null) {
              failure.compareAndSet(null, e);
            }
          });
    } catch (KafkaException e) {
      throw new CommandFailed(
          "Cannot send an event to topic " + record.topic() + ": " + e.getMessage(), e);
    }
  }

  private void refuseFailure() {
    Exception e = failure.get();
    if (e != null) {
      throw new CommandFailed(
          "Cannot play: the broker did not take an event: "
              + e.getMessage()
              + "; see whether it answers (./millrace status)",
          e);
    }
  }

  @Override
  public void close() {
    producer.close();
  }
}
