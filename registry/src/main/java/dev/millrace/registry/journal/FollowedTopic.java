package dev.millrace.registry.journal;

import dev.millrace.platform.Target;
import dev.millrace.platform.TopicLog;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;

/**
 * A journal as a process follows it: all of it whoever decides, and with commands appended. What a
 * command became is in the journal for good when it is answered.
 */
public final class FollowedTopic<E> implements AutoCloseable {

  private static final long ANSWER_PATIENCE_SECONDS = 30;

  private final String topic;
  private final Entries<E> writing;
  private final Answers<E> answers;
  private final BooleanSupplier decided;
  private final ReadTopic<E> read;
  private final KafkaProducer<String, byte[]> producer;

  /** How entries stand in the topic; not for several threads at once. */
  public interface Entries<E> extends ReadTopic.Reading<E> {
    byte[] bytes(E entry);

    Answers.Asked asked(E entry);

    /** What it is, for people: {@code PROMOTE of model m}. */
    String told(E entry);
  }

  private FollowedTopic(
      Target target,
      String topic,
      ReadTopic<E> read,
      Entries<E> writing,
      Answers<E> answers,
      BooleanSupplier decided) {
    this.topic = topic;
    this.writing = writing;
    this.answers = answers;
    this.decided = decided;
    this.read = read;
    this.producer = TopicLog.promptProducer(target);
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
    return new FollowedTopic<>(
        target,
        topic,
        ReadTopic.open(target, topic, reading, taken, ended),
        writing,
        answers,
        decided);
  }

  /** See {@link ReadTopic#isCaughtUp}. */
  public boolean isCaughtUp() {
    return read.isCaughtUp();
  }

  /** See {@link ReadTopic#catchUp}. */
  public void catchUp() throws InterruptedException {
    read.catchUp();
  }

  /** See {@link ReadTopic#failure}. */
  public Optional<RuntimeException> failure() {
    return read.failure();
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
    read.close();
    producer.close(Duration.ofSeconds(5));
  }
}
