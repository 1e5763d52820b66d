package dev.millrace.bench;

import dev.millrace.core.definition.FeatureView;
import dev.millrace.platform.Target;
import dev.millrace.platform.Topics;
import dev.millrace.schemas.ConfluentSubjectRegistry;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.BooleanSupplier;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.jspecify.annotations.Nullable;
import redis.clients.jedis.Jedis;

/**
 * The whole loop, Kafka to Redis through the job that {@code apply} starts, on a stack of its own:
 * how fast it catches up, and how long an event takes at half of that pace.
 */
final class LoopFigures implements AutoCloseable {

  private static final double GOAL_SHARE_OF_LOOP = 0.5;
  private static final double GOAL_P99_MILLIS = 20;

  /** Percent of the pace at which latency is measured too, on the way up. */
  private static final int[] LOWER_LOADS = {10, 25};

  /** Of the events; below it, rows that were not written would count as work. */
  private static final double WRITTEN_SHARE = 0.9;

  private static final int READ_SECONDS_MAX = 150;
  private static final Pattern CALLS =
      Pattern.compile("cmdstat_(?:evalsha|eval|fcall):calls=(\\d+)");

  private final Path work;
  private @Nullable Stage stage;

  /** The stack with the job that has caught up. */
  private record Stage(
      Target target,
      KafkaProducer<byte[], byte[]> producer,
      Payments payments,
      long events,
      Samples pace,
      double writtenShare) {}

  LoopFigures(Path work) {
    this.work = work;
  }

  void kafkaRedis(Bench bench) throws Exception {
    Stage reached = caughtUp(bench);
    FeatureView view = Payments.project().featureViews().get(0);
    Samples loop;
    try (Jedis redis = StackRedis.open(reached.target)) {
      RedisCommands commands =
          RedisCommands.of(
              redis, StackRedis.host(reached.target), StackRedis.port(reached.target), view);
      loop = commands.run(bench.repeats(), bench.seconds());
    }
    bench.say().accept(String.format(Locale.ROOT, "  bare loop %,.0f commands/s", loop.median()));
    double ratio = reached.pace.median() / loop.median();
    bench
        .report()
        .add(
            Figure.of(
                "kafka-redis",
                reached.pace,
                "events/s",
                loop.median(),
                null,
                ratio,
                GOAL_SHARE_OF_LOOP,
                ratio >= GOAL_SHARE_OF_LOOP && reached.writtenShare >= WRITTEN_SHARE,
                String.format(
                    Locale.ROOT,
                    "10 features, %,d uniform keys, %.1f %% of the events written; ceiling: the"
                        + " same commands in a bare loop",
                    Payments.CUSTOMERS,
                    100 * reached.writtenShare)));
    bench.report().add(new Detail("kafka-redis-written", 100 * reached.writtenShare, "%"));
  }

  void latency(Bench bench) throws Exception {
    Stage reached = caughtUp(bench);
    double pace = reached.pace.median();
    double warmUp = bench.quick() ? 5 : 20;
    double seconds = bench.quick() ? 5 : 30;
    long next = reached.events;
    try (Jedis redis = StackRedis.open(reached.target);
        Jedis bareRedis = StackRedis.open(reached.target)) {
      for (int percent : LOWER_LOADS) {
        double rate = pace * percent / 100;
        OpenLoop.Seen seen =
            loop(reached, redis).run(next, rate, warmUp, seconds, Payments::redisKey);
        next = seen.next();
        say(bench, "event to Redis", rate, seen);
        detail(bench, "latency-at-" + percent + "-percent", seen.millis());
      }
      OpenLoop.Seen half =
          loop(reached, redis).run(next, pace / 2, warmUp, seconds, Payments::redisKey);
      say(bench, "event to Redis", pace / 2, half);

      BareReader bare = new BareReader(reached.target, bareRedis);
      Thread reading = new Thread(bare, "bare reader");
      reading.setDaemon(true);
      reading.start();
      await(bare::isReading, "start the bare reader");
      OpenLoop.Seen barely =
          loop(reached, redis).run(half.next(), pace / 2, 5, seconds / 3, BareReader::key);
      bare.stop();
      reading.join();
      say(bench, "bare reader", pace / 2, barely);
      report(bench, pace / 2, half, barely);
    }
  }

  private static OpenLoop loop(Stage reached, Jedis redis) {
    return new OpenLoop(reached.producer, reached.payments, redis);
  }

  private static void report(Bench bench, double rate, OpenLoop.Seen half, OpenLoop.Seen barely) {
    double p99 = half.millis().quantile(0.99);
    bench
        .report()
        .add(
            Figure.of(
                "latency",
                Samples.of(p99),
                "ms p99",
                barely.millis().quantile(0.99),
                null,
                null,
                GOAL_P99_MILLIS,
                half.keptUp() && p99 <= GOAL_P99_MILLIS,
                String.format(
                    Locale.ROOT,
                    "event due to row seen, at %,.0f events/s, half of kafka-redis%s; ceiling: a"
                        + " bare reader that writes the event's number",
                    rate,
                    half.keptUp() ? "" : "; given up when an event was 10 s late")));
    detail(bench, "latency", half.millis());
    bench.report().add(new Detail("latency-rate", rate, "events/s"));
    bench.report().add(new Detail("latency-probes", half.millis().values().length, "events"));
  }

  private static void detail(Bench bench, String name, Samples millis) {
    bench.report().add(new Detail(name + "-p50", millis.median(), "ms"));
    bench.report().add(new Detail(name + "-p99", millis.quantile(0.99), "ms"));
    bench.report().add(new Detail(name + "-p99.9", millis.quantile(0.999), "ms"));
    bench.report().add(new Detail(name + "-max", millis.largest(), "ms"));
  }

  private static void say(Bench bench, String what, double rate, OpenLoop.Seen seen) {
    Samples millis = seen.millis();
    bench
        .say()
        .accept(
            String.format(
                Locale.ROOT,
                "  %s at %,.0f events/s: p50 %.1f ms, p99 %.1f, p99.9 %.1f, max %.1f (%,d probes)%s",
                what,
                rate,
                millis.median(),
                millis.quantile(0.99),
                millis.quantile(0.999),
                millis.largest(),
                millis.values().length,
                seen.keptUp() ? "" : ", given up"));
  }

  private Stage caughtUp(Bench bench) throws Exception {
    Stage there = stage;
    if (there == null) {
      there = begin(bench);
      stage = there;
    }
    return there;
  }

  private Stage begin(Bench bench) throws Exception {
    bench.say().accept("  starting a stack in " + bench.stack().dir());
    Target target = bench.stack().up();
    try (Admin admin = Topics.admin(target)) {
      Topics.create(admin, List.of(Payments.TOPIC));
    }
    int schemaId =
        new ConfluentSubjectRegistry(target.schemaRegistry())
            .register(Topics.subject(Payments.TOPIC), Payments.SCHEMA);
    Payments payments = new Payments(schemaId);
    KafkaProducer<byte[], byte[]> producer = producer(target);
    long events = bench.quick() ? 300_000 : 1_500_000;
    fill(producer, payments, events);
    bench.say().accept(String.format(Locale.ROOT, "  %,d events are in the topic", events));
    Payments.write(work.resolve("project"));
    CatchUp catchUp = new CatchUp();
    try (Jedis redis = StackRedis.open(target)) {
      bench.stack().apply(work.resolve("project"));
      awaitAll(redis, events, catchUp);
    }
    Stage reached =
        new Stage(
            target,
            producer,
            payments,
            events,
            catchUp.pace(events, bench.repeats()),
            catchUp.commands() / events);
    bench
        .say()
        .accept(
            String.format(
                Locale.ROOT,
                "  the job caught up at %,.0f events/s (%,.0f to %,.0f), %.1f %% of them written",
                reached.pace.median(),
                reached.pace.least(),
                reached.pace.largest(),
                100 * reached.writtenShare));
    return reached;
  }

  /** Events of the last fifty minutes, in order. */
  // The send's own future says nothing that the callback does not.
  @SuppressWarnings("FutureReturnValueIgnored")
  private static void fill(KafkaProducer<byte[], byte[]> producer, Payments payments, long events)
      throws IOException {
    AtomicReference<@Nullable Exception> failure = new AtomicReference<>();
    double spanMillis = Duration.ofMinutes(50).toMillis();
    long startMillis = System.currentTimeMillis() - (long) spanMillis;
    for (long number = 0; number < events; number++) {
      producer.send(
          payments.record(number, startMillis + (long) (number * (spanMillis / events))),
          (unusedMetadata, e) -> {
            if (e != null) {
              failure.compareAndSet(null, e);
            }
          });
    }
    producer.flush();
    Exception failed = failure.get();
    if (failed != null) {
      throw new IOException("Cannot fill topic " + Payments.TOPIC + ": " + failed, failed);
    }
  }

  /** Looks until the rows have seen the last events. */
  private static void awaitAll(Jedis redis, long events, CatchUp catchUp) throws Exception {
    long deadlineNanos = System.nanoTime() + TimeUnit.SECONDS.toNanos(READ_SECONDS_MAX);
    while (true) {
      catchUp.add(System.nanoTime(), calls(redis));
      boolean all = true;
      for (long number = events - 20; number < events && all; number++) {
        String last = redis.hget(Payments.redisKey(Payments.customer(number)), Payments.LAST_EVENT);
        all = last != null && Long.parseLong(last) >= number;
      }
      if (all) {
        return;
      }
      if (System.nanoTime() > deadlineNanos) {
        throw new IOException(
            "Cannot measure the job: "
                + READ_SECONDS_MAX
                + " s after it was started Redis has got "
                + calls(redis)
                + " rows of "
                + events
                + " events; see ./millrace status and Flink's web UI of the benchmark's stack");
      }
      TimeUnit.MILLISECONDS.sleep(20);
    }
  }

  private static long calls(Jedis redis) {
    Matcher matcher = CALLS.matcher(redis.info("commandstats"));
    long calls = 0;
    while (matcher.find()) {
      calls += Long.parseLong(matcher.group(1));
    }
    return calls;
  }

  private static KafkaProducer<byte[], byte[]> producer(Target target) {
    return new KafkaProducer<>(
        Map.of(
            ProducerConfig.BOOTSTRAP_SERVERS_CONFIG,
            target.kafka(),
            // Kafka's own 5 ms would be a quarter of the latency that is aimed at, and none a
            // request for each event, which is more work for the broker than for the job.
            ProducerConfig.LINGER_MS_CONFIG,
            1,
            ProducerConfig.BATCH_SIZE_CONFIG,
            64 * 1024),
        new ByteArraySerializer(),
        new ByteArraySerializer());
  }

  private static void await(BooleanSupplier condition, String what)
      throws IOException, InterruptedException {
    long deadlineNanos = System.nanoTime() + TimeUnit.SECONDS.toNanos(20);
    while (!condition.getAsBoolean()) {
      if (System.nanoTime() > deadlineNanos) {
        throw new IOException("Cannot " + what + ": it takes too long");
      }
      TimeUnit.MILLISECONDS.sleep(20);
    }
  }

  @Override
  public void close() {
    Stage there = stage;
    if (there != null) {
      there.producer.close(Duration.ofSeconds(5));
    }
  }
}
