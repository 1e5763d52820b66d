package dev.millrace.drift.audit;

import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.apache.flink.api.common.state.ListState;
import org.apache.flink.api.common.state.ListStateDescriptor;
import org.apache.flink.metrics.Counter;
import org.apache.flink.metrics.Gauge;
import org.apache.flink.runtime.state.StateInitializationContext;
import org.apache.flink.runtime.state.StateSnapshotContext;
import org.apache.flink.streaming.api.operators.AbstractStreamOperator;
import org.apache.flink.streaming.api.operators.BoundedOneInput;
import org.apache.flink.streaming.api.operators.OneInputStreamOperator;
import org.apache.flink.streaming.runtime.streamrecord.StreamRecord;
import org.apache.iceberg.flink.TableLoader;
import org.jspecify.annotations.Nullable;

/**
 * Audits rows one after the other on a thread of its own: a barrier passes while the archive is
 * read, and a job that stops waits for nothing.
 *
 * <p>What waits is state, so a restart audits what was sampled; a row that was being audited then
 * may come out twice. One that cannot be read for a failure is tried again until its patience ends;
 * the job never fails for it.
 */
final class AuditOperator extends AbstractStreamOperator<Audited>
    implements OneInputStreamOperator<AuditCase, Audited>, BoundedOneInput {

  private static final long serialVersionUID = 1L;
  private static final long STOP_SECONDS = 10;

  /** Between two tries; the archive is added to with each checkpoint of the pipeline. */
  static final long RETRY_MILLIS = 10_000;

  private final AuditPlan plan;
  private final Map<String, TableLoader> loaders;

  private transient ArrayDeque<Waiting> waiting;
  private transient ListState<AuditCase> waitingState;
  private transient @Nullable Attempt running;
  private transient @Nullable ExecutorService thread;

  /** Only the thread touches what is in them. */
  private transient Map<String, ArchivedEvents> archives;

  private transient Map<String, RowAudit> audits;

  private transient Counter matched;
  private transient Counter mismatched;
  private transient Counter undecided;
  private transient Counter leftOut;
  private transient Counter skipped;
  private transient Counter failures;

  /**
   * A row that waits.
   *
   * @param dueMillis when it is tried next
   * @param untilMillis when it is tried for the last time
   */
  private record Waiting(AuditCase one, long dueMillis, long untilMillis) {}

  /** A row that is being audited. */
  private record Attempt(Waiting waiting, boolean last, Future<@Nullable Audited> result) {}

  @SuppressWarnings("NullAway.Init") // Flink calls initializeState and open first.
  AuditOperator(AuditPlan plan, Map<String, TableLoader> loaders) {
    this.plan = plan;
    this.loaders = new HashMap<>(loaders);
  }

  @Override
  public void initializeState(StateInitializationContext context) throws Exception {
    super.initializeState(context);
    waitingState =
        context
            .getOperatorStateStore()
            .getListState(new ListStateDescriptor<>("waiting", AuditCase.TYPE));
    waiting = new ArrayDeque<>();
    for (AuditCase one : waitingState.get()) {
      enqueue(one);
    }
  }

  @Override
  public void snapshotState(StateSnapshotContext context) throws Exception {
    super.snapshotState(context);
    List<AuditCase> cases = new ArrayList<>();
    if (running != null) {
      cases.add(running.waiting.one);
    }
    waiting.forEach(w -> cases.add(w.one));
    waitingState.update(cases);
  }

  @Override
  public void open() throws Exception {
    super.open();
    archives = new HashMap<>();
    audits = new HashMap<>();
    matched = getMetricGroup().counter("auditsMatched");
    mismatched = getMetricGroup().counter("auditsMismatched");
    undecided = getMetricGroup().counter("auditsUndecided");
    leftOut = getMetricGroup().counter("auditsLeftOut");
    skipped = getMetricGroup().counter("auditFeaturesSkipped");
    failures = getMetricGroup().counter("auditFailures");
    getMetricGroup().gauge("auditsWaiting", (Gauge<Integer>) () -> waiting.size());
    thread =
        Executors.newSingleThreadExecutor(
            task -> {
              Thread made = new Thread(task, "audit-" + plan.project());
              made.setDaemon(true);
              made.setContextClassLoader(getUserCodeClassloader());
              return made;
            });
    long paceMillis = plan.options().paceMillis();
    var unusedTimer =
        getProcessingTimeService().scheduleWithFixedDelay(time -> step(), paceMillis, paceMillis);
  }

  @Override
  public void processElement(StreamRecord<AuditCase> element) {
    if (waiting.size() >= plan.options().waitingMost()) {
      leftOut.inc();
      return;
    }
    enqueue(element.getValue());
  }

  /** First tries and later ones wait equally long, so the queue is in the order of its times. */
  private void enqueue(AuditCase one) {
    long nowMillis = nowMillis();
    waiting.add(
        new Waiting(
            one, nowMillis + RETRY_MILLIS, nowMillis + plan.options().patience().toMillis()));
  }

  private long nowMillis() {
    return getProcessingTimeService().getCurrentProcessingTime();
  }

  private void step() throws InterruptedException {
    Attempt attempt = running;
    if (attempt != null) {
      if (!attempt.result.isDone()) {
        return;
      }
      running = null;
      take(attempt);
    }
    Waiting next = waiting.peek();
    if (next != null && next.dueMillis <= nowMillis()) {
      waiting.remove();
      running = attempt(next, nowMillis() >= next.untilMillis);
    }
  }

  private Attempt attempt(Waiting next, boolean last) {
    ExecutorService started = thread;
    if (started == null) {
      throw new IllegalStateException("Cannot audit before the operator is open");
    }
    long nowMillis = nowMillis();
    return new Attempt(
        next, last, started.submit(() -> audit(next.one).audit(next.one, last, nowMillis)));
  }

  /** On the thread. */
  private RowAudit audit(AuditCase one) {
    RowAudit known = audits.get(one.view());
    if (known == null) {
      AuditedView view = plan.view(one.view());
      TableLoader loader = view == null ? null : loaders.get(view.source());
      if (view == null || loader == null) {
        throw new IllegalStateException("Cannot audit view " + one.view() + ": it is not planned");
      }
      String folder = plan.folder();
      known =
          new RowAudit(
              view,
              archives.computeIfAbsent(view.source(), s -> new ArchivedEvents(loader)),
              plan.options(),
              new Reproductions(folder == null ? null : Path.of(folder)));
      audits.put(one.view(), known);
    }
    return known;
  }

  /** Waits for an attempt where it is not done, and sends on what came of it. */
  private void take(Attempt attempt) throws InterruptedException {
    AuditCase one = attempt.waiting.one;
    Audited audited;
    try {
      audited = attempt.result.get();
    } catch (ExecutionException e) {
      failures.inc();
      LOG.warn("Cannot audit prediction {} of view {}", one.predictionId(), one.view(), e);
      audited =
          attempt.last ? RowAudit.failed(one, String.valueOf(e.getCause()), nowMillis()) : null;
    }
    if (audited == null) {
      waiting.add(new Waiting(one, nowMillis() + RETRY_MILLIS, attempt.waiting.untilMillis));
      return;
    }
    switch (audited.result()) {
      case MATCH -> matched.inc();
      case MISMATCH -> mismatched.inc();
      case UNDECIDABLE -> undecided.inc();
    }
    skipped.inc(audited.skipped().size());
    if (audited.result() == Audited.Result.MISMATCH) {
      LOG.error(
          "Row of view {} for {} at {} was served with other values than its definition gives: {}",
          one.view(),
          one.entityKey(),
          one.timeMillis(),
          audited.differences());
    }
    output.collect(new StreamRecord<>(audited));
  }

  /** No more is to come: what waits is tried once more, and the archive is waited for no longer. */
  @Override
  public void endInput() throws InterruptedException {
    if (running != null) {
      Attempt attempt = running;
      running = null;
      take(attempt);
    }
    for (Waiting next = waiting.poll(); next != null; next = waiting.poll()) {
      take(attempt(next, true));
    }
  }

  @Override
  public void close() throws Exception {
    ExecutorService started = thread;
    if (started != null) {
      started.shutdownNow();
      if (started.awaitTermination(STOP_SECONDS, TimeUnit.SECONDS)) {
        archives.values().forEach(ArchivedEvents::close);
      } else {
        LOG.warn("The audit of project {} did not stop", plan.project());
      }
    }
    super.close();
  }
}
