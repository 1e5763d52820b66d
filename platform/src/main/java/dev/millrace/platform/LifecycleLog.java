package dev.millrace.platform;

import dev.millrace.core.lifecycle.ModelState;
import dev.millrace.core.model.LifecycleEntry;
import dev.millrace.core.model.LifecycleEntry.Kind;
import dev.millrace.schemas.SubjectRegistry;
import dev.millrace.schemas.Wire;
import dev.millrace.schemas.WireFormat;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ExecutionException;
import java.util.function.Predicate;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The registry's journal {@code models.lifecycle}, as everybody but the registry uses it: commands
 * in, events out.
 */
public final class LifecycleLog {

  private static final Logger LOG = LoggerFactory.getLogger(LifecycleLog.class);
  private static final Duration POLL = Duration.ofMillis(100);

  private final Target target;
  private final SubjectRegistry registry;

  public LifecycleLog(Target target, SubjectRegistry registry) {
    this.target = target;
    this.registry = registry;
  }

  /** Every entry, commands and events; those of one model in their order. */
  public List<LifecycleEntry> read() {
    List<LifecycleEntry> entries = new ArrayList<>();
    WireFormat.Reader reader = new WireFormat.Reader(registry, Wire.LIFECYCLE);
    TopicLog.read(target, Topics.LIFECYCLE, r -> entry(reader, r).ifPresent(entries::add));
    return entries;
  }

  /** Every entry of one partition, in order. */
  public List<LifecycleEntry> partition(int number) {
    List<LifecycleEntry> entries = new ArrayList<>();
    WireFormat.Reader reader = new WireFormat.Reader(registry, Wire.LIFECYCLE);
    TopicLog.read(
        target,
        Topics.LIFECYCLE,
        partition -> partition == number,
        r -> entry(reader, r).ifPresent(entries::add));
    return entries;
  }

  /** Every entry of one model, in order. */
  public List<LifecycleEntry> read(String model) {
    return read().stream().filter(e -> e.model().equals(model)).toList();
  }

  /** What the registry knows of every model; see {@link ModelState#fold}. */
  public Map<String, ModelState> models() {
    return ModelState.fold(read());
  }

  /** Appends a command and waits until the broker has it; makes the topic where it is not there. */
  public void append(LifecycleEntry command) throws IOException, InterruptedException {
    if (command.kind() != Kind.COMMAND) {
      throw new IllegalArgumentException(
          "Cannot append " + command + ": only the registry writes events");
    }
    try (Admin admin = Topics.admin(target)) {
      Topics.create(admin, List.of(Topics.LIFECYCLE));
    }
    int id = registry.register(Topics.subject(Topics.LIFECYCLE), Wire.LIFECYCLE.toString());
    byte[] value = new WireFormat.Writer(id, Wire.LIFECYCLE).write(command.record(Wire.LIFECYCLE));
    try (KafkaProducer<String, byte[]> producer = TopicLog.producer(target)) {
      var unusedPosition =
          producer.send(new ProducerRecord<>(Topics.LIFECYCLE, command.model(), value)).get();
    } catch (ExecutionException e) {
      throw new IOException(
          "Cannot write "
              + command.type()
              + " of model "
              + command.model()
              + " to "
              + Topics.LIFECYCLE
              + ": "
              + e.getCause(),
          e);
    }
  }

  /**
   * Appends a command and waits for the first event that it becomes, also one that an earlier
   * command with the same key became.
   *
   * @return empty where the registry does not answer in time
   */
  public Optional<LifecycleEntry> submit(LifecycleEntry command, Duration patience)
      throws IOException, InterruptedException {
    append(command);
    return await(command.model(), command.idempotencyKey(), patience);
  }

  /** Waits for the first event of a command. */
  public Optional<LifecycleEntry> await(String model, String idempotencyKey, Duration patience)
      throws InterruptedException {
    try (Tail tail = tail()) {
      return tail.next(answerTo(model, idempotencyKey), patience);
    }
  }

  /** Whether an entry is an event that a command became. */
  public static Predicate<LifecycleEntry> answerTo(String model, String idempotencyKey) {
    return e ->
        e.kind() == Kind.EVENT
            && e.model().equals(model)
            && e.idempotencyKey().equals(idempotencyKey);
  }

  /** The journal from its start and on as it grows. The topic must be there. */
  public Tail tail() {
    return new Tail();
  }

  /** Reads the journal as it grows; not for several threads at once. */
  public final class Tail implements AutoCloseable {
    private final KafkaConsumer<String, byte[]> consumer =
        new KafkaConsumer<>(TopicLog.consumer(target));
    private final WireFormat.Reader reader = new WireFormat.Reader(registry, Wire.LIFECYCLE);
    private final Deque<LifecycleEntry> read = new ArrayDeque<>();

    private Tail() {
      List<TopicPartition> partitions =
          consumer.partitionsFor(Topics.LIFECYCLE).stream()
              .map(p -> new TopicPartition(Topics.LIFECYCLE, p.partition()))
              .toList();
      consumer.assign(partitions);
      consumer.seekToBeginning(partitions);
    }

    /**
     * The next entry that {@code wanted} accepts; those before it are passed over.
     *
     * @return empty where none comes in time
     */
    public Optional<LifecycleEntry> next(Predicate<LifecycleEntry> wanted, Duration patience)
        throws InterruptedException {
      long startNanos = System.nanoTime();
      while (true) {
        while (!read.isEmpty()) {
          LifecycleEntry entry = read.remove();
          if (wanted.test(entry)) {
            return Optional.of(entry);
          }
        }
        if (System.nanoTime() - startNanos > patience.toNanos()) {
          return Optional.empty();
        }
        if (Thread.interrupted()) {
          throw new InterruptedException();
        }
        for (ConsumerRecord<String, byte[]> record : consumer.poll(POLL)) {
          entry(reader, record).ifPresent(read::add);
        }
      }
    }

    @Override
    public void close() {
      consumer.close();
    }
  }

  /** A record that nobody can read is the registry's to name; here it is only passed over. */
  private static Optional<LifecycleEntry> entry(
      WireFormat.Reader reader, ConsumerRecord<String, byte[]> record) {
    try {
      return Optional.of(LifecycleEntry.of(reader.read(record.value())));
    } catch (WireFormat.UnreadableException
        | SubjectRegistry.UnknownSchemaException
        | RuntimeException e) {
      return unreadable(record, e);
    } catch (IOException e) {
      throw new UncheckedIOException(
          "Cannot read %s at %d:%d".formatted(record.topic(), record.partition(), record.offset()),
          e);
    }
  }

  private static Optional<LifecycleEntry> unreadable(
      ConsumerRecord<String, byte[]> record, Exception why) {
    LOG.warn(
        "Passing over {} at {}:{}: {}",
        record.topic(),
        record.partition(),
        record.offset(),
        String.valueOf(why.getMessage()));
    return Optional.empty();
  }
}
