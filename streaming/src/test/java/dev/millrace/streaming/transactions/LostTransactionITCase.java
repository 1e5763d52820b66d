package dev.millrace.streaming.transactions;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.millrace.platform.Target;
import dev.millrace.streaming.KafkaEnds;
import java.io.IOException;
import java.io.Serializable;
import java.lang.reflect.InvocationHandler;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Proxy;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Collection;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.NavigableSet;
import java.util.Properties;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Function;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.apache.avro.Schema;
import org.apache.avro.SchemaBuilder;
import org.apache.avro.generic.GenericData;
import org.apache.avro.generic.GenericRecord;
import org.apache.flink.api.common.eventtime.WatermarkStrategy;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.api.connector.sink2.Committer;
import org.apache.flink.api.connector.sink2.Sink;
import org.apache.flink.api.connector.sink2.SupportsCommitter;
import org.apache.flink.api.connector.sink2.SupportsWriterState;
import org.apache.flink.api.connector.source.util.ratelimit.RateLimiterStrategy;
import org.apache.flink.configuration.CheckpointingOptions;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.configuration.ExternalizedCheckpointRetention;
import org.apache.flink.configuration.RestartStrategyOptions;
import org.apache.flink.configuration.StateRecoveryOptions;
import org.apache.flink.connector.base.DeliveryGuarantee;
import org.apache.flink.connector.datagen.source.DataGeneratorSource;
import org.apache.flink.connector.datagen.source.GeneratorFunction;
import org.apache.flink.connector.kafka.sink.KafkaSink;
import org.apache.flink.connector.kafka.sink.TransactionNamingStrategy;
import org.apache.flink.core.execution.JobClient;
import org.apache.flink.metrics.Counter;
import org.apache.flink.runtime.testutils.InMemoryReporter;
import org.apache.flink.streaming.api.connector.sink2.SupportsPostCommitTopology;
import org.apache.flink.streaming.api.datastream.DataStream;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.util.ExceptionUtils;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * A job that writes the numbers from 0 on in transactions of a real broker, and comes back too
 * late, or twice from the same checkpoint.
 */
@Tag("full")
class LostTransactionITCase {

  private static final String TOPIC = "p.numbers";

  /** Of a job that is to be late. */
  private static final int SHORT_SECONDS = 5;

  private static final int LONG_SECONDS = 120;
  private static final int PER_SECOND = 200;
  private static final long PATIENCE_SECONDS = 120;
  private static final Schema SCHEMA =
      SchemaBuilder.record("N").fields().requiredLong("n").endRecord();

  private Path folder;
  private RealBroker broker;
  private int timeoutSeconds = LONG_SECONDS;

  @BeforeEach
  void start(@TempDir Path given) throws Exception {
    folder = given;
    broker = new RealBroker(folder, "transaction.max.timeout.ms=300000");
    broker.create(TOPIC);
  }

  @AfterEach
  void stop() {
    broker.close();
  }

  /** What the connector does by itself: should it ever fail, the wrapping may go. */
  @Test
  void theConnectorAloneLosesRecordsInSilence() throws Exception {
    Path checkpoint = failedBetweenCheckpointAndCommit(sink -> sink);
    waitUntilExpired();
    JobClient job = start(sink -> sink, checkpoint, InMemoryReporter.create());
    long before = committed().size();
    until(job, () -> committed().size() > before + PER_SECOND);
    end(job);
    NavigableSet<Long> numbers = committed();
    assertThat((long) numbers.size()).isLessThan(numbers.last() + 1);
  }

  @Test
  void aLostTransactionFailsTheJobUntilItIsAccepted() throws Exception {
    Path checkpoint = failedBetweenCheckpointAndCommit(sink -> checked(sink, ""));
    waitUntilExpired();
    JobClient job = start(sink -> checked(sink, ""), checkpoint, InMemoryReporter.create());
    String said = failureOf(job);
    assertThat(said)
        .startsWith("Cannot commit numbers:\n  p.numbers-0@")
        .contains("its records are lost, Kafka aborted it")
        .contains("MILLRACE_ACCEPT_LOST_TRANSACTIONS=");
    Matcher mark = Pattern.compile("p\\.numbers-0@\\d+").matcher(said);
    assertThat(mark.find()).isTrue();

    long before = committed().size();
    JobClient onward =
        start(sink -> checked(sink, mark.group()), checkpoint, InMemoryReporter.create());
    until(onward, () -> committed().size() > before + PER_SECOND);
    end(onward);
  }

  @Test
  void transactionsThatWereCommittedBeforeAreHarmless() throws Exception {
    JobClient first = start(sink -> checked(sink, ""), null, InMemoryReporter.create());
    until(first, () -> checkpoints(first).size() >= 8);
    end(first);
    // An old one, whose transactional id was used again after its commit.
    Path old = checkpoints(first).get(2);
    NavigableSet<Long> before = committed();
    InMemoryReporter metrics = InMemoryReporter.createWithRetainedMetrics();
    JobClient again = start(sink -> checked(sink, ""), old, metrics);
    long last = before.last();
    until(again, () -> committed().last() > last + PER_SECOND);
    end(again);
    assertThat(count(metrics, again, "transactionsCommittedBefore")).isEqualTo(1);
    assertThat(count(metrics, again, "transactionsLost")).isZero();
    NavigableSet<Long> numbers = committed();
    assertThat((long) numbers.size()).isEqualTo(numbers.last() + 1);
  }

  @Test
  void theBrokersCeilingIsReadBeforeTheJobStarts() {
    Configuration configuration = new Configuration();
    assertThat(BrokerCeiling.of(target())).isEqualTo(Duration.ofMinutes(5));
    configuration.set(CheckpointingOptions.CHECKPOINTING_TIMEOUT, Duration.ofMinutes(10));
    configuration.set(CheckpointingOptions.CHECKPOINTING_INTERVAL, Duration.ofSeconds(1));
    StreamExecutionEnvironment env =
        StreamExecutionEnvironment.createLocalEnvironment(1, configuration);
    DataStream<Long> numbers = env.fromData(1L);
    assertThatThrownBy(
            () ->
                KafkaEnds.writeExactlyOnce(
                    numbers,
                    target(),
                    KafkaEnds.sink(
                        target(), TOPIC, 1, SCHEMA, n -> "", LostTransactionITCase::record),
                    "numbers"))
        .hasMessageStartingWith(
            "Cannot start numbers: its transactions have to stay open for 721 s (");
  }

  private Target target() {
    return new Target(broker.address(), "", "127.0.0.1:1", "", null, "", "", "");
  }

  private Sink<Long> checked(KafkaSink<Long> sink, String accepted) {
    return LossCheckedSink.of(
        sink, broker.address(), "numbers", Map.of(AcceptedLosses.ENVIRONMENT_VARIABLE, accepted));
  }

  /** Runs a job that dies when it is to commit its third transaction. */
  private Path failedBetweenCheckpointAndCommit(Function<KafkaSink<Long>, Sink<Long>> around)
      throws Exception {
    HeldBack.COMMITS.set(0);
    timeoutSeconds = SHORT_SECONDS;
    JobClient job =
        start(sink -> HeldBack.around(around.apply(sink)), null, InMemoryReporter.create());
    assertThat(failureOf(job)).isEqualTo("held back");
    timeoutSeconds = LONG_SECONDS;
    List<Path> checkpoints = checkpoints(job);
    return checkpoints.get(checkpoints.size() - 1);
  }

  /** Nothing says to a reader that a transaction expired, but those after it become readable. */
  private void waitUntilExpired() throws Exception {
    long end;
    try (KafkaConsumer<byte[], byte[]> all = consumer("read_uncommitted")) {
      end = all.endOffsets(Set.of(new TopicPartition(TOPIC, 0))).values().iterator().next();
    }
    long written = end;
    until(
        () -> {
          try (KafkaConsumer<byte[], byte[]> readable = consumer("read_committed")) {
            return readable
                    .endOffsets(Set.of(new TopicPartition(TOPIC, 0)))
                    .values()
                    .iterator()
                    .next()
                >= written;
          }
        });
  }

  private JobClient start(
      Function<KafkaSink<Long>, Sink<Long>> around, @Nullable Path from, InMemoryReporter metrics)
      throws Exception {
    Configuration configuration = metrics.addToConfiguration(new Configuration());
    configuration.set(CheckpointingOptions.CHECKPOINTING_INTERVAL, Duration.ofMillis(500));
    configuration.set(CheckpointingOptions.MAX_RETAINED_CHECKPOINTS, 20);
    configuration.set(
        CheckpointingOptions.CHECKPOINTS_DIRECTORY, folder.resolve("checkpoints").toUri() + "");
    configuration.set(
        CheckpointingOptions.EXTERNALIZED_CHECKPOINT_RETENTION,
        ExternalizedCheckpointRetention.RETAIN_ON_CANCELLATION);
    configuration.set(RestartStrategyOptions.RESTART_STRATEGY, "none");
    if (from != null) {
      configuration.set(StateRecoveryOptions.SAVEPOINT_PATH, from.toUri().toString());
    }
    StreamExecutionEnvironment env =
        StreamExecutionEnvironment.createLocalEnvironment(1, configuration);
    GeneratorFunction<Long, Long> same = n -> n;
    env.fromSource(
            new DataGeneratorSource<>(
                same, Long.MAX_VALUE, RateLimiterStrategy.perSecond(PER_SECOND), Types.LONG),
            WatermarkStrategy.noWatermarks(),
            "numbers")
        .uid("numbers")
        .sinkTo(around.apply(sink()))
        .uid("sink");
    return env.executeAsync("numbers");
  }

  private KafkaSink<Long> sink() {
    return KafkaEnds.<Long>sink(target(), TOPIC, 1, SCHEMA, n -> "", LostTransactionITCase::record)
        .setDeliveryGuarantee(DeliveryGuarantee.EXACTLY_ONCE)
        .setTransactionalIdPrefix("numbers")
        .setTransactionNamingStrategy(TransactionNamingStrategy.POOLING)
        .setProperty("transaction.timeout.ms", timeoutSeconds + "000")
        .build();
  }

  private static GenericRecord record(Long n, Schema schema) {
    GenericRecord record = new GenericData.Record(schema);
    record.put("n", n);
    return record;
  }

  private static String failureOf(JobClient job) {
    try {
      job.getJobExecutionResult().get(PATIENCE_SECONDS, TimeUnit.SECONDS);
      return "";
    } catch (Exception e) {
      return ExceptionUtils.findThrowable(e, t -> t.getCause() == null)
          .map(Throwable::getMessage)
          .orElse("");
    }
  }

  /** Until its tasks are gone, which end their transactions while the broker is there. */
  private static void end(JobClient job) throws Exception {
    job.cancel().get();
    failureOf(job);
  }

  private List<Path> checkpoints(JobClient job) throws IOException {
    Path dir = folder.resolve("checkpoints").resolve(job.getJobID().toString());
    if (!Files.isDirectory(dir)) {
      return List.of();
    }
    try (Stream<Path> found = Files.list(dir)) {
      return found
          .filter(path -> Files.exists(path.resolve("_metadata")))
          .sorted(
              Comparator.comparingInt(
                  path -> Integer.parseInt(path.getFileName().toString().substring(4))))
          .toList();
    }
  }

  private static long count(InMemoryReporter metrics, JobClient job, String name) {
    return metrics.findMetrics(job.getJobID(), "." + name).values().stream()
        .mapToLong(metric -> ((Counter) metric).getCount())
        .sum();
  }

  private KafkaConsumer<byte[], byte[]> consumer(String isolation) {
    Properties settings = new Properties();
    settings.put("bootstrap.servers", broker.address());
    settings.put("isolation.level", isolation);
    settings.put("auto.offset.reset", "earliest");
    KafkaConsumer<byte[], byte[]> consumer =
        new KafkaConsumer<>(settings, new ByteArrayDeserializer(), new ByteArrayDeserializer());
    consumer.assign(Set.of(new TopicPartition(TOPIC, 0)));
    return consumer;
  }

  /** The numbers that a reader of committed records gets. */
  private NavigableSet<Long> committed() {
    TreeSet<Long> numbers = new TreeSet<>();
    TopicPartition partition = new TopicPartition(TOPIC, 0);
    try (KafkaConsumer<byte[], byte[]> consumer = consumer("read_committed")) {
      long end = consumer.endOffsets(Set.of(partition)).values().iterator().next();
      while (consumer.position(partition) < end) {
        for (ConsumerRecord<byte[], byte[]> record : consumer.poll(Duration.ofMillis(100))) {
          numbers.add(number(record.value()));
        }
      }
    }
    return numbers;
  }

  /** After the frame of five bytes: Avro's variable length, zigzag. */
  private static long number(byte[] value) {
    ByteBuffer in = ByteBuffer.wrap(value, 5, value.length - 5);
    long raw = 0;
    for (int shift = 0; in.hasRemaining(); shift += 7) {
      raw |= (long) (in.get() & 0x7f) << shift;
    }
    return (raw >>> 1) ^ -(raw & 1);
  }

  private interface Seen {
    boolean now() throws Exception;
  }

  /** While the job runs. */
  private static void until(JobClient job, Seen seen) throws Exception {
    until(
        () -> {
          assertThat(job.getJobExecutionResult())
              .withFailMessage(() -> "the job ended: " + failureOf(job))
              .isNotDone();
          return seen.now();
        });
  }

  private static void until(Seen seen) throws Exception {
    long beganNanos = System.nanoTime();
    while (!seen.now()) {
      assertThat(System.nanoTime() - beganNanos)
          .as("waited for too long")
          .isLessThan(TimeUnit.SECONDS.toNanos(PATIENCE_SECONDS));
      LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(200));
    }
  }

  /** A sink whose committer fails instead of committing for the third time. */
  private record HeldBack(Sink<Long> sink) implements InvocationHandler, Serializable {

    static final AtomicInteger COMMITS = new AtomicInteger();

    @SuppressWarnings("unchecked") // The proxy has the interfaces of the sink.
    static Sink<Long> around(Sink<Long> sink) {
      return (Sink<Long>)
          Proxy.newProxyInstance(
              LostTransactionITCase.class.getClassLoader(),
              new Class<?>[] {
                Sink.class,
                SupportsCommitter.class,
                SupportsWriterState.class,
                SupportsPostCommitTopology.class
              },
              new HeldBack(sink));
    }

    @Override
    @SuppressWarnings("unchecked") // Whatever is committed, it is handed on.
    public Object invoke(Object proxy, Method method, Object[] arguments) throws Throwable {
      try {
        Object result = method.invoke(sink, arguments);
        return method.getName().equals("createCommitter")
            ? new Failing((Committer<Object>) result)
            : result;
      } catch (InvocationTargetException e) {
        throw e.getCause();
      }
    }
  }

  private record Failing(Committer<Object> committer) implements Committer<Object> {
    @Override
    public void commit(Collection<CommitRequest<Object>> requests)
        throws IOException, InterruptedException {
      if (!requests.isEmpty() && HeldBack.COMMITS.incrementAndGet() == 3) {
        throw new IOException("held back");
      }
      committer.commit(requests);
    }

    @Override
    public void close() throws Exception {
      committer.close();
    }
  }
}
