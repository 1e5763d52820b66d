package dev.millrace.bench;

import dev.millrace.bench.peers.RecordByRecord;
import dev.millrace.platform.Target;
import dev.millrace.platform.Topics;
import dev.millrace.schemas.ConfluentSubjectRegistry;
import dev.millrace.schemas.Wire;
import java.io.IOException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * Kafka, features from Redis, a model of a hundred trees, Kafka: the whole job that {@code apply}
 * starts, on one stack. How fast it is beside a job that scores record by record; and how long an
 * event takes to its prediction, alone, while a version is swapped, and beside a canary and two
 * shadows.
 */
final class ScoringFigures implements AutoCloseable {

  private static final double GOAL_TIMES_PEER = 3;
  private static final double GOAL_PER_SECOND = 40_000;
  private static final double GOAL_P99_MILLIS = 20;
  private static final double GOAL_P99_WAITING_MILLIS = 40;
  private static final double GOAL_SWAP = 2;
  private static final double GOAL_CANARY = 1.2;
  private static final double CANARY_SHARE = 0.2;
  private static final int PEER_WARM_UP_SECONDS = 15;
  private static final int PARALLELISM = 2;
  private static final int JOB_PATIENCE_SECONDS = 600;

  /** The JIT compiler's queue was empty after 80 s on two cores that have to score meanwhile. */
  private static final int SETTLING_SECONDS = 180;

  private final Path work;
  private @Nullable ScoringStage stage;
  private @Nullable Samples pace;
  private boolean tried;
  private @Nullable PredictionLoop loop;

  ScoringFigures(Path work) {
    this.work = work;
  }

  /** A full topic, read from its start: the peer first, then the job. */
  void trees(Bench bench) throws Exception {
    tried = true;
    ScoringStage there = stage(bench);
    FlinkJobs jobs = new FlinkJobs(there.target().flink());
    jobs.cancel("millrace-" + Requests.PROJECT + "-inference");
    long events = bench.quick() ? 200_000 : 2_000_000;
    there.fill(Requests.TOPIC, events, System.currentTimeMillis());
    bench.say().accept(String.format(Locale.ROOT, "  %,d events are in the topic", events));
    Samples peer = peer(bench, there);
    say(bench, "record by record", peer);
    Samples job = job(bench, there, events);
    pace = job;
    String note =
        "20 inputs of which 18 from Redis, 100 trees of depth 6, "
            + PARALLELISM
            + " tasks; peer: record by record";
    double ratio = job.median() / peer.median();
    bench
        .report()
        .add(
            Figure.atLeast(
                "kafka-trees", job, "events/s", null, peer.median(), ratio, GOAL_TIMES_PEER, note));
    bench
        .report()
        .add(
            Figure.of(
                "kafka-trees-pace",
                job,
                "events/s",
                null,
                peer.median(),
                null,
                GOAL_PER_SECOND,
                job.median() >= GOAL_PER_SECOND,
                "the same, beside what is asked for; the broker, Redis and all services are on"
                    + " these cores"));
  }

  /** From when an event is due to when its prediction can be read, at half of the pace. */
  void latency(Bench bench) throws Exception {
    double rate = halfPace(bench);
    // Until then the TaskManager is compiling, and what is downstream takes what the pace has left.
    PredictionLoop.Seen settling =
        loop(bench)
            .run(Requests.TOPIC, Requests.MODEL, rate / 2, bench.quick() ? 10 : SETTLING_SECONDS);
    say(bench, "settling", settling);
    latency(bench, "prediction-latency", Requests.TOPIC, Requests.MODEL, rate, GOAL_P99_MILLIS);
    latency(
        bench,
        "prediction-latency-waiting",
        Requests.VISITS,
        Requests.WAITER,
        rate,
        GOAL_P99_WAITING_MILLIS);
  }

  private void latency(
      Bench bench, String name, String topic, String model, double rate, double goalMillis)
      throws Exception {
    PredictionLoop.Seen tenth = loop(bench).run(topic, model, rate / 5, seconds(bench));
    say(bench, name, tenth);
    detail(bench, name + "-tenth", tenth);
    PredictionLoop.Seen half = loop(bench).run(topic, model, rate, seconds(bench));
    say(bench, name, half);
    detail(bench, name, half);
    Samples millis = half.millis();
    bench
        .report()
        .add(
            Figure.of(
                name,
                Samples.of(millis.quantile(0.99)),
                "ms",
                null,
                null,
                null,
                goalMillis,
                half.lost() == 0 && millis.quantile(0.99) <= goalMillis,
                String.format(
                    Locale.ROOT,
                    "p99 at %,.0f events/s, half of the pace; -tenth: at a tenth of it%s",
                    rate,
                    half.lost() == 0 ? "" : "; " + half.lost() + " were not seen in time")));
  }

  /** The worst second around a swap beside the steady time before it. */
  void swap(Bench bench) throws Exception {
    double rate = halfPace(bench) / 2;
    ScoringStage there = stage(bench);
    int next = there.register(Requests.MODEL, 11);
    PredictionLoop.Seen steady =
        loop(bench).run(Requests.TOPIC, Requests.MODEL, rate, seconds(bench));
    say(bench, "steady", steady);
    PredictionLoop.Seen swapped =
        loop(bench)
            .run(
                Requests.TOPIC,
                Requests.MODEL,
                rate,
                seconds(bench),
                () -> there.promote(Requests.MODEL, next));
    say(bench, "with a swap", swapped);
    double worst = swapped.worstSecondQuantile(0.99);
    double ratio = worst / steady.millis().quantile(0.99);
    detail(bench, "swap", swapped);
    bench.report().add(new Detail("swap-lost", swapped.lost(), "events"));
    bench
        .report()
        .add(
            Figure.of(
                "swap",
                Samples.of(worst),
                "ms",
                null,
                steady.millis().quantile(0.99),
                ratio,
                GOAL_SWAP,
                swapped.lost() == 0 && ratio <= GOAL_SWAP,
                String.format(
                    Locale.ROOT,
                    "p99 of the worst second while a version was swapped at %,.0f events/s; peer:"
                        + " p99 without a swap",
                    rate)));
  }

  /** What a canary and two shadows cost those whom the champion serves. */
  void canary(Bench bench) throws Exception {
    double rate = halfPace(bench) / 2;
    ScoringStage there = stage(bench);
    PredictionLoop.Seen alone =
        loop(bench).run(Requests.TOPIC, Requests.MODEL, rate, seconds(bench));
    say(bench, "the champion alone", alone);
    int canary = there.register(Requests.MODEL, 21);
    List<Integer> shadows =
        List.of(there.register(Requests.MODEL, 22), there.register(Requests.MODEL, 23));
    there.stage(Requests.MODEL, canary, CANARY_SHARE, shadows);
    PredictionLoop.Seen beside =
        loop(bench).run(Requests.TOPIC, Requests.MODEL, rate, seconds(bench));
    say(bench, "with a canary and two shadows", beside);
    double ratio = beside.millis().quantile(0.99) / alone.millis().quantile(0.99);
    detail(bench, "canary", beside);
    bench
        .report()
        .add(
            Figure.atMost(
                "canary",
                Samples.of(beside.millis().quantile(0.99)),
                "ms",
                null,
                alone.millis().quantile(0.99),
                ratio,
                GOAL_CANARY,
                String.format(
                    Locale.ROOT,
                    "p99 of served predictions with a canary and two shadows at %,.0f events/s;"
                        + " peer: with the champion alone",
                    rate)));
  }

  private static double seconds(Bench bench) {
    return bench.quick() ? 10 : 30;
  }

  private double halfPace(Bench bench) throws Exception {
    if (pace == null) {
      if (tried) {
        throw new IOException("Cannot measure: kafka-trees, whose pace it takes, failed");
      }
      trees(bench);
    }
    Samples known = pace;
    if (known == null) {
      throw new IOException("Cannot measure: the job's pace is not known");
    }
    return known.median() / 2;
  }

  private ScoringStage stage(Bench bench) throws Exception {
    ScoringStage there = stage;
    if (there == null) {
      there = ScoringStage.open(bench, work);
      stage = there;
    }
    return there;
  }

  private PredictionLoop loop(Bench bench) throws Exception {
    PredictionLoop there = loop;
    if (there == null) {
      ScoringStage on = stage(bench);
      there = new PredictionLoop(on.target(), on.requests());
      loop = there;
    }
    return there;
  }

  private static void detail(Bench bench, String name, PredictionLoop.Seen seen) {
    Samples millis = seen.millis();
    bench.report().add(new Detail(name + "-p50", millis.median(), "ms"));
    bench.report().add(new Detail(name + "-p99", millis.quantile(0.99), "ms"));
    bench.report().add(new Detail(name + "-p99.9", millis.quantile(0.999), "ms"));
    bench.report().add(new Detail(name + "-max", millis.largest(), "ms"));
    bench.report().add(new Detail(name + "-events", millis.values().length, "events"));
    hops(seen)
        .forEach(
            (hop, took) -> {
              bench.report().add(new Detail(name + hop + "-p50", took.median(), "ms"));
              bench.report().add(new Detail(name + hop + "-p99", took.quantile(0.99), "ms"));
            });
  }

  /** Where the time went; empty where nothing came. */
  private static Map<String, Samples> hops(PredictionLoop.Seen seen) {
    Map<String, Samples> hops = new LinkedHashMap<>();
    if (seen.hops().inJob().length > 0) {
      hops.put("-to-topic", new Samples(seen.hops().toTopic()));
      hops.put("-in-job", new Samples(seen.hops().inJob()));
      hops.put("-to-reader", new Samples(seen.hops().toReader()));
    }
    return hops;
  }

  private static void say(Bench bench, String what, PredictionLoop.Seen seen) {
    Samples millis = seen.millis();
    bench
        .say()
        .accept(
            String.format(
                Locale.ROOT,
                "  %s at %,.0f events/s: p50 %.1f ms, p99 %.1f, p99.9 %.1f, max %.1f (%,d events,"
                    + " %,d not seen)",
                what,
                seen.rate(),
                millis.median(),
                millis.quantile(0.99),
                millis.quantile(0.999),
                millis.largest(),
                millis.values().length,
                seen.lost()));
    hops(seen)
        .forEach(
            (hop, took) ->
                bench
                    .say()
                    .accept(
                        String.format(
                            Locale.ROOT,
                            "    %s: p50 %.1f ms, p99 %.1f",
                            hop.substring(1),
                            took.median(),
                            took.quantile(0.99))));
  }

  private static void say(Bench bench, String what, Samples pace) {
    bench
        .say()
        .accept(
            String.format(
                Locale.ROOT,
                "  %s: %,.0f events/s (%,.0f to %,.0f)",
                what,
                pace.median(),
                pace.least(),
                pace.largest()));
  }

  private Samples peer(Bench bench, ScoringStage stage) throws Exception {
    Target target = stage.target();
    RecordByRecord.Task task =
        new RecordByRecord.Task(
            target.kafka(),
            target.schemaRegistry(),
            StackRedis.host(target),
            StackRedis.port(target),
            stage.file(Requests.MODEL, 1).toString(),
            Requests.SCHEMA,
            new ConfluentSubjectRegistry(target.schemaRegistry())
                .register(Topics.subject(ScoringStage.PEER_TOPIC), Wire.PREDICTION.toString()),
            Requests.features(),
            Requests.TOPIC,
            ScoringStage.PEER_TOPIC,
            PARALLELISM);
    try (PeerRun peer = new PeerRun(task, work.resolve("peer"))) {
      long deadlineNanos =
          System.nanoTime() + TimeUnit.SECONDS.toNanos(ScoringStage.PATIENCE_SECONDS);
      while (stage.written(ScoringStage.PEER_TOPIC) == 0) {
        peer.refuseEnded();
        if (System.nanoTime() > deadlineNanos) {
          throw new IOException("Cannot measure the peer: it scores nothing");
        }
        TimeUnit.MILLISECONDS.sleep(50);
      }
      TimeUnit.SECONDS.sleep(bench.quick() ? 5 : PEER_WARM_UP_SECONDS);
      double[] paces = new double[bench.repeats()];
      for (int i = 0; i < paces.length; i++) {
        long from = stage.written(ScoringStage.PEER_TOPIC);
        long fromNanos = System.nanoTime();
        TimeUnit.NANOSECONDS.sleep((long) (bench.seconds() * 1e9));
        paces[i] =
            (stage.written(ScoringStage.PEER_TOPIC) - from) * 1e9 / (System.nanoTime() - fromNanos);
        peer.refuseEnded();
      }
      Samples pace = new Samples(paces);
      if (pace.median() == 0) {
        throw new IOException("Cannot measure the peer: it has scored all events already");
      }
      return pace;
    }
  }

  /** Starts the job again, over a topic that is full, and looks until all are predicted. */
  private Samples job(Bench bench, ScoringStage stage, long events) throws Exception {
    String topic = Topics.predictions(Requests.PROJECT, Requests.MODEL);
    bench.stack().apply(stage.project());
    CatchUp catchUp = new CatchUp();
    long deadlineNanos = System.nanoTime() + TimeUnit.SECONDS.toNanos(JOB_PATIENCE_SECONDS);
    long written = 0;
    while (written < events) {
      written = stage.written(topic);
      catchUp.add(System.nanoTime(), written);
      if (System.nanoTime() > deadlineNanos) {
        throw new IOException(
            "Cannot measure the job: "
                + JOB_PATIENCE_SECONDS
                + " s after it was started there are "
                + written
                + " predictions of "
                + events
                + " events");
      }
      TimeUnit.MILLISECONDS.sleep(20);
    }
    Samples pace = catchUp.pace(events, bench.repeats());
    say(bench, "the job", pace);
    return pace;
  }

  @Override
  public void close() {
    PredictionLoop looping = loop;
    if (looping != null) {
      looping.close();
    }
    ScoringStage there = stage;
    if (there != null) {
      there.close();
    }
  }
}
