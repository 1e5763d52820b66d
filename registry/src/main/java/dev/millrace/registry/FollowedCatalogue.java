package dev.millrace.registry;

import dev.millrace.core.model.LifecycleEntry;
import dev.millrace.platform.Target;
import dev.millrace.platform.TopicLog;
import dev.millrace.platform.Topics;
import dev.millrace.registry.FoldedJournal.Asked;
import dev.millrace.registry.JournalWire.UnreadableException;
import java.time.Duration;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.WakeupException;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The catalogue of a process: it reads the journal from its start and on as it grows, all of it
 * whoever decides, and appends commands. It sees what is committed, and nothing else: what a
 * command became is in the journal for good when it is answered.
 */
final class FollowedCatalogue implements Catalogue, AutoCloseable {

  private static final Logger LOG = LoggerFactory.getLogger(FollowedCatalogue.class);
  private static final Duration POLL = Duration.ofMillis(500);
  private static final long ANSWER_PATIENCE_SECONDS = 30;

  private final FoldedJournal journal = new FoldedJournal();
  private final KafkaConsumer<String, byte[]> consumer;
  private final KafkaProducer<String, byte[]> producer;
  private final JournalWire reading;
  private final JournalWire writing;
  private final Runnable ended;
  private final Thread thread;
  private volatile boolean caughtUp;
  private volatile @Nullable RuntimeException failure;
  private volatile boolean closed;

  private FollowedCatalogue(
      KafkaConsumer<String, byte[]> consumer,
      KafkaProducer<String, byte[]> producer,
      JournalWire reading,
      JournalWire writing,
      Runnable ended) {
    this.ended = ended;
    this.consumer = consumer;
    this.producer = producer;
    this.reading = reading;
    this.writing = writing;
    this.thread = new Thread(this::follow, "follow-journal");
  }

  /**
   * Begins to read; the topic has to be there.
   *
   * @param ended told where it cannot read any further
   */
  static FollowedCatalogue open(
      Target target, JournalWire reading, JournalWire writing, Runnable ended) {
    FollowedCatalogue catalogue =
        new FollowedCatalogue(
            new KafkaConsumer<>(TopicLog.consumer(target)),
            TopicLog.promptProducer(target),
            reading,
            writing,
            ended);
    catalogue.thread.start();
    return catalogue;
  }

  /** Whether all was read that was there at the start, and it still reads. */
  boolean isCaughtUp() {
    return caughtUp && failure == null;
  }

  /** Why it reads no more; empty while it does. */
  Optional<RuntimeException> failure() {
    return Optional.ofNullable(failure);
  }

  private void follow() {
    try {
      List<TopicPartition> partitions =
          consumer.partitionsFor(Topics.LIFECYCLE).stream()
              .map(p -> new TopicPartition(Topics.LIFECYCLE, p.partition()))
              .toList();
      consumer.assign(partitions);
      consumer.seekToBeginning(partitions);
      Map<TopicPartition, Long> left = new HashMap<>(consumer.endOffsets(partitions));
      while (!closed) {
        for (ConsumerRecord<String, byte[]> record : consumer.poll(POLL)) {
          take(record);
        }
        if (!left.isEmpty()) {
          left.entrySet().removeIf(e -> consumer.position(e.getKey()) >= e.getValue());
          if (left.isEmpty()) {
            LOG.info("The journal was read: {} models", journal.models().size());
            caughtUp = true;
          }
        }
      }
    } catch (WakeupException e) {
      if (!closed) {
        fail(e);
      }
    } catch (RuntimeException e) {
      fail(e);
    } finally {
      consumer.close();
    }
  }

  private void fail(RuntimeException e) {
    LOG.error("The journal cannot be read any further: {}", e.getMessage(), e);
    failure = e;
    ended.run();
  }

  private void take(ConsumerRecord<String, byte[]> record) {
    try {
      journal.take(reading.entry(record.key(), record.value()));
    } catch (UnreadableException e) {
      LOG.warn(
          "Passing over {} {}:{}: {}",
          record.topic(),
          record.partition(),
          record.offset(),
          e.getMessage());
    }
  }

  @Override
  public Optional<CataloguedModel> model(String name) {
    return journal.model(name);
  }

  @Override
  public Collection<CataloguedModel> models() {
    return journal.models();
  }

  @Override
  public LifecycleEntry submit(LifecycleEntry command) throws InterruptedException {
    Asked asked = Asked.of(command);
    CompletableFuture<LifecycleEntry> answer = journal.answer(asked);
    if (answer.isDone()) {
      return answer.join();
    }
    byte[] value;
    synchronized (writing) {
      value = writing.event(command);
    }
    try {
      var unusedPosition =
          producer.send(new ProducerRecord<>(Topics.LIFECYCLE, command.model(), value)).get();
      return answer.get(ANSWER_PATIENCE_SECONDS, TimeUnit.SECONDS);
    } catch (ExecutionException e) {
      throw new IllegalStateException(
          "Cannot write " + command.type() + " of model " + command.model() + ": " + e.getCause(),
          e);
    } catch (TimeoutException e) {
      throw new UnansweredException(
          command.type()
              + " of model "
              + command.model()
              + " was not decided in "
              + ANSWER_PATIENCE_SECONDS
              + " s; ask again, with the same "
              + "Idempotency-Key where one was given");
    } finally {
      journal.forget(asked);
    }
  }

  @Override
  public void close() {
    closed = true;
    consumer.wakeup();
    try {
      thread.join(Duration.ofSeconds(5).toMillis());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    producer.close(Duration.ofSeconds(5));
  }
}
