package dev.millrace.inference;

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

  /** How long a client waits; what it asked is not computed after that. */
  static final long PATIENCE_SECONDS = 10;

  private final ScoringPlan plan;
  private final OnRequestEnds ends;
  private final EventIntake intake;
  private final InferenceMetrics metrics = new InferenceMetrics(new UnregisteredMetricsGroup());
  private final BlockingQueue<Ask> waiting = new ArrayBlockingQueue<>(WAITING_MAX);

  /** Guarded by this. */
  private final List<DeploymentRecord> log = new ArrayList<>();

  /** Guarded by this. */
  private @Nullable Thread thread;

  /** Set while this is held. */
  private volatile boolean closed;

  private volatile boolean loaded;

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

  /** How many runs did not come back and were ended, since the process started. */
  int runsEnded() {
    return Math.toIntExact(metrics.runsEnded.getCount());
  }

  /** Takes a new entry of {@code models.deployments} about this model. */
  void deployed(DeploymentRecord record) {
    synchronized (this) {
      log.add(record);
    }
    if (loaded) {
      // Where the queue is full the thread comes to it anyway.
      var unusedWhetherWoken = waiting.offer(new Ask.Wake());
    }
  }

  /** Scores a raw event, as JSON. */
  CompletableFuture<Ask.Scored> score(byte[] json) throws IOException, RequestRefusedException {
    Inbound inbound = intake.take(json, ends.nowMillis().getAsLong());
    Event event = inbound.event();
    if (event == null) {
      return CompletableFuture.completedFuture(new Ask.Scored(null, inbound.letter()));
    }
    CompletableFuture<Ask.Scored> answer = new CompletableFuture<>();
    ask(new Ask.Score(EventIntake.withoutBytes(event), overAtNanos(), answer));
    return answer;
  }

  /**
   * Scores rows with a version that is deployed now.
   *
   * @param version null for the one that serves
   */
  CompletableFuture<Ask.Inferred> infer(@Nullable Integer version, InferRequest request)
      throws RequestRefusedException {
    CompletableFuture<Ask.Inferred> answer = new CompletableFuture<>();
    ask(new Ask.Infer(version, request, overAtNanos(), answer));
    return answer;
  }

  /**
   * Tells what a version takes, and loads it where it is not.
   *
   * @param version null for the one that serves
   */
  CompletableFuture<Ask.Described> describe(@Nullable Integer version)
      throws RequestRefusedException {
    CompletableFuture<Ask.Described> answer = new CompletableFuture<>();
    ask(new Ask.Describe(version, overAtNanos(), answer));
    return answer;
  }

  private long overAtNanos() {
    return ends.clock().nanoTime() + TimeUnit.SECONDS.toNanos(PATIENCE_SECONDS);
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
    var unusedWhetherWoken = waiting.offer(new Ask.Wake());
  }

  private void run() {
    @Nullable LoadedModel now = null;
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
        if (now == null && asks.stream().anyMatch(a -> !(a instanceof Ask.Wake))) {
          now = load();
        }
        if (now != null) {
          now.follow(logFrom(now.taken()));
          now.answer(asks);
        }
        asks.clear();
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } catch (RuntimeException | LinkageError e) {
      LOG.error("Cannot answer for model {}, the next request loads it anew", plan.model(), e);
      asks.forEach(a -> a.fail(e));
    } finally {
      try {
        unload(now);
      } finally {
        end(asks);
      }
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

  private List<DeploymentRecord> logFrom(int index) {
    synchronized (this) {
      return List.copyOf(log.subList(index, log.size()));
    }
  }

  private @Nullable LoadedModel unload(@Nullable LoadedModel now) {
    loaded = false;
    if (now != null) {
      now.close();
    }
    return null;
  }

  private LoadedModel load() {
    LoadedModel made = new LoadedModel(plan, ends, metrics);
    boolean opened = false;
    try {
      made.open(logFrom(0));
      opened = true;
      loaded = true;
      return made;
    } finally {
      if (!opened) {
        made.close();
      }
    }
  }
}
