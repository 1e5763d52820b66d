package dev.millrace.registry.journal;

import dev.millrace.platform.Target;
import dev.millrace.platform.TopicLog;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Consumer;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.WakeupException;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A topic as a process reads it: from its start and on as it grows, all of it. It sees what is
 * committed, and nothing else.
 */
public final class ReadTopic<E> implements AutoCloseable {

  private static final Logger LOG = LoggerFactory.getLogger(ReadTopic.class);
  private static final Duration POLL = Duration.ofMillis(500);
  private static final Duration LOOK_PATIENCE = Duration.ofSeconds(5);
  private static final long CATCH_UP_SECONDS = 10;

  private final String topic;
  private final Reading<E> reading;
  private final Consumer<E> taken;
  private final Runnable ended;
  private final KafkaConsumer<String, byte[]> consumer;
  private final Thread thread;
  private final CatchUps<TopicPartition> catchUps = new CatchUps<>();
  private volatile boolean caughtUp;
  private volatile @Nullable RuntimeException failure;
  private volatile boolean closed;

  /** How entries stand in the topic; not for several threads at once. */
  @FunctionalInterface
  public interface Reading<E> {
    E entry(@Nullable String key, byte @Nullable [] value) throws UnreadableException;
  }

  private ReadTopic(
      Target target, String topic, Reading<E> reading, Consumer<E> taken, Runnable ended) {
    this.topic = topic;
    this.reading = reading;
    this.taken = taken;
    this.ended = ended;
    this.consumer = new KafkaConsumer<>(TopicLog.consumer(target));
    this.thread = new Thread(this::follow, "follow-" + topic);
  }

  /**
   * Begins to read; the topic has to be there.
   *
   * @param taken gets each entry
   * @param ended told where it cannot read any further
   */
  public static <E> ReadTopic<E> open(
      Target target, String topic, Reading<E> reading, Consumer<E> taken, Runnable ended) {
    ReadTopic<E> read = new ReadTopic<>(target, topic, reading, taken, ended);
    read.thread.start();
    return read;
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
      CompletableFuture<Void> start = catchUps.ask();
      while (!closed) {
        try {
          for (ConsumerRecord<String, byte[]> record :
              consumer.poll(catchUps.isAsked() ? Duration.ZERO : POLL)) {
            take(record);
          }
          catchUps.look(() -> consumer.endOffsets(partitions, LOOK_PATIENCE), consumer::position);
        } catch (WakeupException e) {
          // Somebody asks how far it goes now, or it ends.
        } catch (org.apache.kafka.common.errors.TimeoutException e) {
          // Who has asked is told when their patience ends; what was read is still true.
          LOG.warn("Cannot see how far {} goes: {}", topic, e.getMessage());
        }
        if (!caughtUp && start.isDone()) {
          LOG.info("{} was read", topic);
          caughtUp = true;
        }
      }
    } catch (RuntimeException e) {
      fail(e);
    } finally {
      catchUps.fail(new UnansweredException(topic + " is read no more; ask again"));
      consumer.close();
    }
  }

  /**
   * Waits until all is read that was committed before this call, whoever decided it.
   *
   * @throws UnansweredException where that takes too long
   */
  public void catchUp() throws InterruptedException {
    if (!isCaughtUp()) {
      throw new UnansweredException(topic + " is still being read; ask again in a moment");
    }
    CompletableFuture<Void> read = catchUps.ask();
    consumer.wakeup();
    try {
      read.get(CATCH_UP_SECONDS, TimeUnit.SECONDS);
    } catch (ExecutionException | TimeoutException e) {
      read.cancel(false);
      throw new UnansweredException(
          topic + " could not be read to its end in " + CATCH_UP_SECONDS + " s; ask again");
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

  @Override
  public void close() {
    closed = true;
    consumer.wakeup();
    try {
      thread.join(Duration.ofSeconds(5).toMillis());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
