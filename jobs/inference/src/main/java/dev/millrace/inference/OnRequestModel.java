package dev.millrace.inference;

import dev.millrace.core.model.DeployedVersion;
import dev.millrace.scoring.InputTensor;
import dev.millrace.streaming.DeadLetter;
import dev.millrace.streaming.Event;
import dev.millrace.streaming.Inbound;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.apache.flink.metrics.groups.UnregisteredMetricsGroup;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One model, scored on request. One thread scores: what clients ask at the same time waits in a
 * bounded queue, and events that wait together are one batch, with one read of the online store. So
 * a batch fills under load and nobody waits for one to fill.
 *
 * <p>The thread and the versions are there from the first request on; versions that nobody asked
 * for a while are unloaded. A deployment that comes meanwhile is taken before the next request, at
 * once where versions are loaded.
 */
final class OnRequestModel implements AutoCloseable {

  /** Beyond it clients are asked to come again. */
  static final int WAITING_MAX = 256;

  private static final Logger LOG = LoggerFactory.getLogger(OnRequestModel.class);
  private static final long IDLE_MINUTES = 10;

  private final ScoringPlan plan;
  private final OnRequestEnds ends;
  private final EventIntake intake;
  private final BlockingQueue<Ask> waiting = new ArrayBlockingQueue<>(WAITING_MAX);

  /** Guarded by this. */
  private final List<DeploymentRecord> log = new ArrayList<>();

  /** Guarded by this. */
  private @Nullable Thread thread;

  /** Set while this is held. */
  private volatile boolean closed;

  private volatile boolean loaded;

  /** What a version is to those who send tensors. */
  record Described(List<Integer> versions, List<InputTensor> tensors, List<String> inputs) {}

  /** Scores of the rows of a request. */
  // Nobody compares these.
  record Inferred(int version, double[] scores) {}

  /** What became of an event: a prediction, or the letter that the stream would have written. */
  record Scored(@Nullable Prediction prediction, @Nullable DeadLetter letter) {}

  /** What waits for the thread. */
  private sealed interface Ask {
    default void fail(Throwable why) {}
  }

  private record ScoreAsk(Event event, CompletableFuture<Scored> answer) implements Ask {
    @Override
    public void fail(Throwable why) {
      answer.completeExceptionally(why);
    }
  }

  private record InferAsk(
      @Nullable Integer version, InferRequest request, CompletableFuture<Inferred> answer)
      implements Ask {
    @Override
    public void fail(Throwable why) {
      answer.completeExceptionally(why);
    }
  }

  private record DescribeAsk(@Nullable Integer version, CompletableFuture<Described> answer)
      implements Ask {
    @Override
    public void fail(Throwable why) {
      answer.completeExceptionally(why);
    }
  }

  /** Only that the thread looks around. */
  private record Wake() implements Ask {}

  OnRequestModel(ScoringPlan plan, OnRequestEnds ends, List<DeploymentRecord> log) {
    this.plan = plan;
    this.ends = ends;
    this.intake = new EventIntake(plan.source());
    this.log.addAll(log);
  }

  ScoringPlan plan() {
    return plan;
  }

  /** How many requests wait. */
  int waiting() {
    return waiting.size();
  }

  /** Takes a new entry of {@code models.deployments} about this model. */
  void deployed(DeploymentRecord record) {
    synchronized (this) {
      log.add(record);
    }
    if (loaded) {
      // Where the queue is full the thread comes to it anyway.
      var unusedWhetherWoken = waiting.offer(new Wake());
    }
  }

  /** Scores a raw event, as JSON. */
  CompletableFuture<Scored> score(byte[] json) throws IOException, RequestRefusedException {
    Inbound inbound = intake.take(json, ends.nowMillis().getAsLong());
    Event event = inbound.event();
    if (event == null) {
      return CompletableFuture.completedFuture(new Scored(null, inbound.letter()));
    }
    CompletableFuture<Scored> answer = new CompletableFuture<>();
    ask(new ScoreAsk(EventIntake.withoutBytes(event), answer));
    return answer;
  }

  /**
   * Scores rows with a version that is deployed now.
   *
   * @param version null for the one that serves
   */
  CompletableFuture<Inferred> infer(@Nullable Integer version, InferRequest request)
      throws RequestRefusedException {
    CompletableFuture<Inferred> answer = new CompletableFuture<>();
    ask(new InferAsk(version, request, answer));
    return answer;
  }

  /**
   * Tells what a version takes, and loads it where it is not.
   *
   * @param version null for the one that serves
   */
  CompletableFuture<Described> describe(@Nullable Integer version) throws RequestRefusedException {
    CompletableFuture<Described> answer = new CompletableFuture<>();
    ask(new DescribeAsk(version, answer));
    return answer;
  }

  private void ask(Ask ask) throws RequestRefusedException {
    synchronized (this) {
      if (closed) {
        throw changed();
      }
      if (!waiting.offer(ask)) {
        throw new RequestRefusedException(
            RequestRefusedException.UNAVAILABLE,
            "Cannot score with model "
                + plan.model()
                + ": "
                + WAITING_MAX
                + " requests wait already; come again in a second");
      }
      if (thread == null) {
        Thread started = new Thread(this::run, "score-" + plan.model());
        started.setDaemon(true);
        thread = started;
        started.start();
      }
    }
  }

  private RequestRefusedException changed() {
    return new RequestRefusedException(
        RequestRefusedException.UNAVAILABLE,
        "Cannot score with model "
            + plan.model()
            + ": its definition has just changed; come again");
  }

  /** Answers what waits, then ends. */
  @Override
  public void close() {
    synchronized (this) {
      closed = true;
    }
    var unusedWhetherWoken = waiting.offer(new Wake());
  }

  private void run() {
    @Nullable Loaded now = null;
    List<Ask> asks = new ArrayList<>();
    try {
      while (!closed || !waiting.isEmpty()) {
        Ask first = now == null ? waiting.take() : waiting.poll(IDLE_MINUTES, TimeUnit.MINUTES);
        if (first == null) {
          LOG.info("Nobody asks for model {}, it is unloaded", plan.model());
          now = unload(now);
          continue;
        }
        asks.add(first);
        waiting.drainTo(asks);
        if (now == null && asks.stream().anyMatch(a -> !(a instanceof Wake))) {
          now = load();
        }
        if (now != null) {
          serve(now, asks);
        }
        asks.clear();
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } catch (RuntimeException | LinkageError e) {
      LOG.error("Cannot answer for model {}, the next request loads it anew", plan.model(), e);
      asks.forEach(a -> a.fail(e));
    } finally {
      unload(now);
      end(asks);
    }
  }

  /** The next request starts another thread, where there is to be one. */
  private void end(List<Ask> asks) {
    synchronized (this) {
      thread = null;
      waiting.drainTo(asks);
    }
    asks.forEach(
        a ->
            a.fail(
                new RequestRefusedException(
                    RequestRefusedException.UNAVAILABLE,
                    "Cannot score with model " + plan.model() + " now; come again")));
  }

  /** Everything that one thread scores with. */
  private static final class Loaded {
    final Serving serving;
    final FeatureLookup lookup;
    final BatchScoring scoring;
    final Answers answers;
    int taken;

    Loaded(
        Serving serving, FeatureLookup lookup, BatchScoring scoring, Answers answers, int taken) {
      this.serving = serving;
      this.lookup = lookup;
      this.scoring = scoring;
      this.answers = answers;
      this.taken = taken;
    }
  }

  private Loaded load() {
    List<DeploymentRecord> known = logFrom(0);
    InferenceMetrics metrics = new InferenceMetrics(new UnregisteredMetricsGroup());
    Answers answers = new Answers();
    Serving serving =
        new Serving(
            plan,
            ends.models(),
            ends.threads().start("load-" + plan.model(), OnRequestModel.class.getClassLoader()),
            metrics);
    boolean opened = false;
    try {
      serving.open(known);
      Loaded made =
          new Loaded(
              serving,
              new FeatureLookup(plan, ends.features().open(), ends.clock(), metrics),
              new BatchScoring(plan, metrics, ends.clock(), ends.nowMillis(), answers),
              answers,
              known.size());
      opened = true;
      loaded = true;
      return made;
    } finally {
      if (!opened) {
        serving.close();
      }
    }
  }

  private @Nullable Loaded unload(@Nullable Loaded now) {
    loaded = false;
    if (now != null) {
      now.serving.close();
      now.lookup.close();
    }
    return null;
  }

  private List<DeploymentRecord> logFrom(int index) {
    synchronized (this) {
      return List.copyOf(log.subList(index, log.size()));
    }
  }

  private void serve(Loaded now, List<Ask> asks) {
    follow(now);
    scoreAll(now, asks);
    for (Ask ask : asks) {
      if (ask instanceof InferAsk infer) {
        infer(now, infer);
      } else if (ask instanceof DescribeAsk describe) {
        describe(now, describe);
      }
    }
    // Whoever has an answer keeps it.
    asks.forEach(a -> a.fail(new IllegalStateException("Cannot answer: nothing came of it")));
  }

  /** Takes the deployments that came since. */
  private void follow(Loaded now) {
    var unusedHowItEnded = now.serving.poll();
    List<DeploymentRecord> since = logFrom(now.taken);
    now.taken += since.size();
    for (DeploymentRecord record : since) {
      if (now.serving.isNew(record)) {
        now.serving.accept(record);
      }
    }
  }

  private void scoreAll(Loaded now, List<Ask> asks) {
    List<PendingEvent> batch = new ArrayList<>();
    for (Ask ask : asks) {
      if (ask instanceof ScoreAsk score) {
        PendingEvent event = pending(score);
        if (event != null) {
          event.served = now.serving.at(event.event.eventTimeMillis());
          now.answers.expect(event, score.answer);
          batch.add(event);
        }
      }
    }
    if (batch.isEmpty()) {
      return;
    }
    try {
      // An event that was not produced is in no row: nobody waits for one to include it.
      var unusedWhetherRead = now.lookup.read(batch);
      int most = Math.max(1, now.serving.batchRows());
      for (int from = 0; from < batch.size(); from += most) {
        now.scoring.score(batch.subList(from, Math.min(batch.size(), from + most)));
      }
    } finally {
      now.answers.clear();
    }
  }

  private @Nullable PendingEvent pending(ScoreAsk ask) {
    @Nullable String[] keys = new String[plan.views().size()];
    for (int v = 0; v < keys.length; v++) {
      keys[v] = plan.views().get(v).entityKey(ask.event);
    }
    ViewRead unkeyed = plan.unkeyed(keys);
    if (unkeyed != null) {
      ask.answer.complete(new Scored(null, plan.nullKey(ask.event, unkeyed)));
      return null;
    }
    return new PendingEvent(ask.event, ask.event.eventTimeMillis(), keys, null, plan.inputCount());
  }

  private void infer(Loaded now, InferAsk ask) {
    try {
      Serving.Version version = version(now, ask.version);
      List<String> names = version.inputs().inputNames();
      double[][] rows = ask.request.values(version.scorer().tensors(), names);
      ask.answer.complete(
          new Inferred(version.deployed().version(), scores(version.scorer(), rows)));
    } catch (RequestRefusedException | IllegalStateException e) {
      // A model that cannot run is no reason to load it anew.
      ask.fail(e);
    }
  }

  private double[] scores(Scorer scorer, double[][] rows) throws RequestRefusedException {
    double[] scores = new double[rows.length];
    for (int from = 0; from < rows.length; from += plan.maxRows()) {
      int count = Math.min(plan.maxRows(), rows.length - from);
      for (int row = 0; row < count; row++) {
        double[] values = rows[from + row];
        for (int column = 0; column < values.length; column++) {
          scorer.put(row, column, values[column]);
        }
      }
      scorer.score(count);
      for (int row = 0; row < count; row++) {
        scores[from + row] = scorer.scored(row);
        if (!Double.isFinite(scores[from + row])) {
          throw new RequestRefusedException(
              RequestRefusedException.UNPROCESSABLE,
              "Cannot infer with model "
                  + plan.model()
                  + ": for row "
                  + (from + row)
                  + " its score is "
                  + scores[from + row]
                  + "; send finite values where the model needs them");
        }
      }
    }
    return scores;
  }

  private void describe(Loaded now, DescribeAsk ask) {
    try {
      Serving.Version version = version(now, ask.version);
      ask.answer.complete(
          new Described(
              versions(now).stream().map(v -> v.deployed().version()).distinct().toList(),
              version.scorer().tensors(),
              version.inputs().inputNames()));
    } catch (RequestRefusedException e) {
      ask.fail(e);
    }
  }

  private Serving.Version version(Loaded now, @Nullable Integer wanted)
      throws RequestRefusedException {
    List<Serving.Version> versions = versions(now);
    if (versions.isEmpty()) {
      throw new RequestRefusedException(
          RequestRefusedException.UNAVAILABLE,
          "Cannot answer for model "
              + plan.model()
              + ": no version of it is deployed, or none can be loaded; deploy one with"
              + " ./millrace models promote");
    }
    if (wanted == null) {
      return versions.get(0);
    }
    for (Serving.Version version : versions) {
      if (version.deployed().version() == wanted) {
        return version;
      }
    }
    throw new RequestRefusedException(
        RequestRefusedException.NOT_FOUND,
        "version "
            + wanted
            + " of model "
            + plan.model()
            + " is not deployed; deployed are "
            + versions.stream()
                .map(Serving.Version::deployed)
                .map(DeployedVersion::version)
                .distinct()
                .toList());
  }

  /** Those that score what happens now; the champion first. */
  private List<Serving.Version> versions(Loaded now) {
    Serving.Served served = now.serving.at(ends.nowMillis().getAsLong());
    return served == null ? List.of() : served.versions();
  }
}
