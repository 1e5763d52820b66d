package dev.millrace.bench;

import dev.millrace.platform.Target;
import dev.millrace.platform.Topics;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.IntStream;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.jspecify.annotations.Nullable;

/**
 * Sends events at a fixed pace whatever becomes of them, and reads every prediction. The time of an
 * event begins when it was due, not when it was sent: a sender that was held up does not hide what
 * the events behind it would have waited.
 */
final class PredictionLoop implements AutoCloseable {

  private static final double WARM_UP_SECONDS = 5;
  private static final double PATIENCE_SECONDS = 20;

  /** A sender that sleeps for each event costs more than sending does. */
  private static final long SEND_NANOS = 500_000;

  private final Requests requests;
  private final KafkaProducer<byte[], byte[]> producer;
  private final KafkaConsumer<byte[], byte[]> consumer;
  private long next = 1_000_000_000;

  /** What happens in the middle of a run. */
  interface Action {
    void run() throws Exception;
  }

  /**
   * What was seen.
   *
   * @param byDue the milliseconds of each event in the order in which they were due; NaN where no
   *     prediction came
   * @param hops where they went, by the broker's clock, which has whole milliseconds
   */
  @SuppressWarnings("ArrayRecordComponent") // Never compared.
  record Seen(double rate, double[] byDue, Hops hops) {

    Samples millis() {
      return new Samples(Arrays.stream(byDue).filter(Double::isFinite).toArray());
    }

    long lost() {
      return Arrays.stream(byDue).filter(Double::isNaN).count();
    }

    /** The largest of what each second of sending has as this quantile. */
    double worstSecondQuantile(double share) {
      int each = (int) Math.max(1, rate);
      double worst = 0;
      for (int from = 0; from + each <= byDue.length; from += each) {
        double[] second =
            Arrays.stream(byDue, from, from + each).filter(Double::isFinite).toArray();
        if (second.length > 0) {
          worst = Math.max(worst, new Samples(second).quantile(share));
        }
      }
      return worst;
    }
  }

  /**
   * When the broker appended each event, and its prediction.
   *
   * @param toTopic from when the event was due until it was in its topic
   * @param inJob from there until its prediction was in its topic
   * @param toReader from there until it was read
   */
  @SuppressWarnings("ArrayRecordComponent") // Never compared.
  record Hops(double[] toTopic, double[] inJob, double[] toReader) {

    static Hops of(int events) {
      return new Hops(nothing(events), nothing(events), nothing(events));
    }

    private static double[] nothing(int events) {
      double[] nothing = new double[events];
      Arrays.fill(nothing, Double.NaN);
      return nothing;
    }

    /** Told when the event is in its topic; its prediction may be read before. */
    synchronized void sent(int number, double dueMillis, long appendedMillis) {
      toTopic[number] = appendedMillis - dueMillis;
      inJob[number] = (Double.isNaN(inJob[number]) ? 0 : inJob[number]) - appendedMillis;
    }

    synchronized void read(int number, long appendedMillis, long nowMillis) {
      inJob[number] = (Double.isNaN(inJob[number]) ? 0 : inJob[number]) + appendedMillis;
      toReader[number] = nowMillis - appendedMillis;
    }

    /** Without the first ones, and only those that are there and back. */
    synchronized Hops from(int first) {
      int[] whole =
          IntStream.range(first, toTopic.length)
              .filter(i -> Double.isFinite(toTopic[i]) && Double.isFinite(toReader[i]))
              .toArray();
      return new Hops(
          IntStream.of(whole).mapToDouble(i -> toTopic[i]).toArray(),
          IntStream.of(whole).mapToDouble(i -> inJob[i]).toArray(),
          IntStream.of(whole).mapToDouble(i -> toReader[i]).toArray());
    }
  }

  PredictionLoop(Target target, Requests requests) {
    this.requests = requests;
    this.producer =
        new KafkaProducer<>(
            Map.of(
                ProducerConfig.BOOTSTRAP_SERVERS_CONFIG,
                target.kafka(),
                ProducerConfig.LINGER_MS_CONFIG,
                1,
                ProducerConfig.BATCH_SIZE_CONFIG,
                64 * 1024),
            new ByteArraySerializer(),
            new ByteArraySerializer());
    this.consumer =
        new KafkaConsumer<>(
            Map.of(
                ConsumerConfig.BOOTSTRAP_SERVERS_CONFIG,
                target.kafka(),
                ConsumerConfig.ISOLATION_LEVEL_CONFIG,
                "read_committed",
                ConsumerConfig.MAX_POLL_RECORDS_CONFIG,
                5000),
            new ByteArrayDeserializer(),
            new ByteArrayDeserializer());
  }

  Seen run(String topic, String model, double eventsPerSecond, double seconds) throws Exception {
    return run(topic, model, eventsPerSecond, seconds, () -> {});
  }

  /** Sends, reads, and does something else after a quarter of the time. */
  Seen run(String topic, String model, double eventsPerSecond, double seconds, Action action)
      throws Exception {
    List<TopicPartition> partitions =
        consumer.partitionsFor(Topics.predictions(Requests.PROJECT, model)).stream()
            .map(p -> new TopicPartition(p.topic(), p.partition()))
            .toList();
    consumer.assign(partitions);
    consumer.seekToEnd(partitions);
    partitions.forEach(consumer::position);
    long first = next;
    int warmUp = (int) (eventsPerSecond * WARM_UP_SECONDS);
    int events = warmUp + (int) (eventsPerSecond * seconds);
    next += events;
    AtomicReference<@Nullable Exception> failure = new AtomicReference<>();
    Hops hops = Hops.of(events);
    long startNanos = System.nanoTime();
    long startMillis = System.currentTimeMillis();
    Thread sender =
        thread(
            "sender",
            failure,
            () ->
                send(
                    topic, first, eventsPerSecond, events, startNanos, startMillis, hops, failure));
    Thread acting =
        thread(
            "action",
            failure,
            () -> {
              TimeUnit.MILLISECONDS.sleep((long) (1000 * (WARM_UP_SECONDS + seconds / 4)));
              action.run();
            });
    double[] millis = read(first, events, eventsPerSecond, startNanos, hops, failure);
    sender.join();
    acting.join();
    Exception failed = failure.get();
    if (failed != null) {
      throw failed;
    }
    return new Seen(eventsPerSecond, Arrays.copyOfRange(millis, warmUp, events), hops.from(warmUp));
  }

  private static Thread thread(
      String name, AtomicReference<@Nullable Exception> failure, Action action) {
    Thread thread =
        new Thread(
            () -> {
              try {
                action.run();
              } catch (Exception e) {
                failure.compareAndSet(null, e);
              }
            },
            name);
    thread.setDaemon(true);
    thread.start();
    return thread;
  }

  // The send's own future says nothing that the callback does not.
  @SuppressWarnings("FutureReturnValueIgnored")
  private void send(
      String topic,
      long first,
      double eventsPerSecond,
      int events,
      long startNanos,
      long startMillis,
      Hops hops,
      AtomicReference<@Nullable Exception> failure) {
    for (int i = 0; i < events && failure.get() == null; i++) {
      long dueNanos = startNanos + (long) (i / eventsPerSecond * 1e9);
      long aheadNanos = dueNanos - System.nanoTime();
      while (aheadNanos > 0) {
        LockSupport.parkNanos(Math.max(SEND_NANOS, aheadNanos));
        aheadNanos = dueNanos - System.nanoTime();
      }
      int number = i;
      double dueMillis = startMillis + (dueNanos - startNanos) / 1e6;
      producer.send(
          requests.record(topic, first + i, (long) dueMillis),
          (metadata, e) -> {
            if (e != null) {
              failure.compareAndSet(null, e);
            } else {
              hops.sent(number, dueMillis, metadata.timestamp());
            }
          });
    }
    producer.flush();
  }

  /** How long each took, as far as it was seen. */
  private double[] read(
      long first,
      int events,
      double eventsPerSecond,
      long startNanos,
      Hops hops,
      AtomicReference<@Nullable Exception> failure) {
    double[] millis = new double[events];
    Arrays.fill(millis, Double.NaN);
    int seen = 0;
    long untilNanos = startNanos + (long) ((events / eventsPerSecond + PATIENCE_SECONDS) * 1e9);
    while (seen < events && failure.get() == null && System.nanoTime() < untilNanos) {
      var records = consumer.poll(Duration.ofMillis(100));
      long nowNanos = System.nanoTime();
      long nowMillis = System.currentTimeMillis();
      for (ConsumerRecord<byte[], byte[]> record : records) {
        String id = new String(record.key(), StandardCharsets.UTF_8);
        long number = Long.parseLong(id, 1, id.length(), 10) - first;
        if (number >= 0 && number < events && Double.isNaN(millis[(int) number])) {
          millis[(int) number] = (nowNanos - startNanos) / 1e6 - number / eventsPerSecond * 1e3;
          hops.read((int) number, record.timestamp(), nowMillis);
          seen++;
        }
      }
    }
    return millis;
  }

  @Override
  public void close() {
    producer.close(Duration.ofSeconds(5));
    consumer.close();
  }
}
