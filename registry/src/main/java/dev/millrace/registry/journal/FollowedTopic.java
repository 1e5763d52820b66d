package dev.millrace.registry.journal;

import dev.millrace.platform.Target;
import dev.millrace.platform.TopicLog;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;
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
 * A journal as a process follows it: from its start and on as it grows, all of it whoever decides,
 * and with commands appended. It sees what is committed, and nothing else: what a command became is
 * in the journal for good when it is answered.
 */
public final class FollowedTopic<E> implements AutoCloseable {

  private static final Logger LOG = LoggerFactory.getLogger(FollowedTopic.class);
  private static final Duration POLL = Duration.ofMillis(500);
  private static final long ANSWER_PATIENCE_SECONDS = 30;

  private final String topic;
  private final Entries<E> reading;
  private final Entries<E> writing;
  private final Answers<E> answers;
  private final Consumer<E> taken;
  private final BooleanSupplier decided;
  private final Runnable ended;
  private final KafkaConsumer<String, byte[]> consumer;
  private final KafkaProducer<String, byte[]> producer;
  private final Thread thread;
  private volatile boolean caughtUp;
  private volatile @Nullable RuntimeException failure;
  private volatile boolean closed;

  /** How entries stand in the topic; not for several threads at once. */
  public interface Entries<E> {
    E entry(@Nullable String key, byte @Nullable [] value) throws UnreadableException;

    byte[] bytes(E entry);

    Answers.Asked asked(E entry);

    /** What it is, for people: {@code PROMOTE of model m}. */
    String told(E entry);
  }

  private FollowedTopic(
      Target target,
      String topic,
      Entries<E> reading,
      Entries<E> writing,
      Answers<E> answers,
      Consumer<E> taken,
      BooleanSupplier decided,
      Runnable ended) {
    this.topic = topic;
    this.reading = reading;
    this.writing = writing;
    this.answers = answers;
    this.taken = taken;
    this.decided = decided;
    this.ended = ended;
    this.consumer = new KafkaConsumer<>(TopicLog.consumer(target));
    this.producer = TopicLog.promptProducer(target);
    this.thread = new Thread(this::follow, "follow-" + topic);
  }

  /**
   * Begins to read; the topic has to be there.
   *
   * @param taken gets each entry, and tells the answers
   * @param decided whether somebody decides what is appended; nothing is before
   * @param ended told where it cannot read any further
   */
  public static <E> FollowedTopic<E> open(
      Target target,
      String topic,
      Entries<E> reading,
      Entries<E> writing,
      Answers<E> answers,
      Consumer<E> taken,
      BooleanSupplier decided,
      Runnable ended) {
    FollowedTopic<E> followed =
        new FollowedTopic<>(target, topic, reading, writing, answers, taken, decided, ended);
    followed.thread.start();
    return followed;
  }

  /** Whether all was read that was there at the start, and it still reads. */
  public boolean isCaughtUp() {
    return caughtUp && failure == null;
  }

  /** Why it reads no more; empty while it does. */
  public Optional<RuntimeException> failure() {
    return Optional.ofNullable(failure);
  }

  private void follow() {
    try {
      List<TopicPartition> partitions =
          consumer.partitionsFor(topic).stream()
              .map(p -> new TopicPartition(topic, p.partition()))
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
            LOG.info("{} was read", topic);
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
    LOG.error("{} cannot be read any further: {}", topic, e.getMessage(), e);
    failure = e;
    ended.run();
  }

  private void take(ConsumerRecord<String, byte[]> record) {
    try {
      taken.accept(reading.entry(record.key(), record.value()));
    } catch (UnreadableException e) {
      LOG.warn(
          "Passing over {} {}:{}: {}",
          record.topic(),
          record.partition(),
          record.offset(),
          e.getMessage());
    }
  }

  /**
   * Appends a command and waits for what it becomes.
   *
   * @throws UnansweredException where nothing is decided in time; it may be later
   */
  public E submit(E command) throws InterruptedException {
    if (!decided.getAsBoolean()) {
      throw new UnansweredException("the registry is not ready yet; ask again in a moment");
    }
    Answers.Asked asked = writing.asked(command);
    CompletableFuture<E> answer = answers.answer(asked);
    if (answer.isDone()) {
      return answer.join();
    }
    byte[] value;
    synchronized (writing) {
      value = writing.bytes(command);
    }
    try {
      var unusedPosition = producer.send(new ProducerRecord<>(topic, asked.subject(), value)).get();
      return answer.get(ANSWER_PATIENCE_SECONDS, TimeUnit.SECONDS);
    } catch (ExecutionException e) {
      throw new IllegalStateException(
          "Cannot write " + writing.told(command) + ": " + e.getCause(), e);
    } catch (TimeoutException e) {
      throw new UnansweredException(
          writing.told(command)
              + " was not decided in "
              + ANSWER_PATIENCE_SECONDS
              + " s; ask again, with the same "
              + "Idempotency-Key where one was given");
    } finally {
      answers.forget(asked);
    }
  }

  /**
   * Appends a command and waits for nothing; those of one subject stay in their order.
   *
   * @param answer fails where the command cannot be written
   */
  public void append(E command, CompletableFuture<?> answer) {
    byte[] value;
    synchronized (writing) {
      value = writing.bytes(command);
    }
    var unusedPosition =
        producer.send(
            new ProducerRecord<>(topic, writing.asked(command).subject(), value),
            (position, failure) -> {
              if (failure != null) {
                var unusedWhether = answer.completeExceptionally(failure);
              }
            });
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
