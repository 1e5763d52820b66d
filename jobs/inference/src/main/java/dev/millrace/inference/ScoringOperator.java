package dev.millrace.inference;

import dev.millrace.core.model.Deployment;
import dev.millrace.core.model.LifecycleEntry;
import dev.millrace.streaming.DeadLetter;
import dev.millrace.streaming.Event;
import dev.millrace.streaming.Serializers;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import org.apache.flink.api.common.operators.MailboxExecutor;
import org.apache.flink.metrics.Gauge;
import org.apache.flink.runtime.state.StateInitializationContext;
import org.apache.flink.runtime.state.StateSnapshotContext;
import org.apache.flink.streaming.api.operators.AbstractStreamOperator;
import org.apache.flink.streaming.api.operators.BoundedMultiInput;
import org.apache.flink.streaming.api.operators.TwoInputStreamOperator;
import org.apache.flink.streaming.api.watermark.Watermark;
import org.apache.flink.streaming.runtime.streamrecord.StreamRecord;
import org.apache.flink.streaming.runtime.watermarkstatus.WatermarkStatus;
import org.apache.flink.util.OutputTag;
import org.jspecify.annotations.Nullable;

/**
 * Scores every event of a model's source, in batches, on the task's own thread.
 *
 * <p>A batch goes out when the input has nothing more to give, see {@link IdleInput}. It is bounded
 * by {@code max-rows}, by bytes and by {@code max-delay}, and goes out before anything that must
 * not overtake it: a checkpoint barrier, a watermark, a deployment, the end of the input. Events
 * whose rows do not include them yet are parked while others go on: they are state, and time stays
 * behind them. So nothing is in flight unsaved.
 *
 * <p><b>Who scores</b> an event follows from its time and {@code models.deployments} alone: the
 * champion of the newest deployment that is effective at that time, or its canary where the unit is
 * the canary's. Every other version of the deployment scores the same rows of the same batch, and
 * what it says goes to the side. The deployments are no state: their topic is kept for ever and is
 * read to its end each time the operator opens; a copy could only differ from it.
 *
 * <p><b>The barrier.</b> When a deployment is being prepared and its versions are loaded, the task
 * announces READY with the largest event time it has taken, and holds every event beyond. The
 * registry makes the deployment effective 1 ms after the largest of all tasks, so no task has
 * scored an event that is the new version's. What is held is state, and the watermark stays behind
 * it.
 *
 * <p>In a batch run batches are full, because nobody waits for one.
 *
 * <p>Each event gets one prediction or one dead letter. The second input is the deployments; it
 * holds back neither watermarks nor idleness.
 */
class ScoringOperator extends AbstractStreamOperator<Prediction>
    implements TwoInputStreamOperator<Joined, DeploymentRecord, Prediction>, BoundedMultiInput {

  static final OutputTag<DeadLetter> LETTERS = new OutputTag<>("letters", Serializers.DEAD_LETTER);
  static final OutputTag<Prediction> SHADOWS =
      new OutputTag<>("shadows", PredictionSerializer.TYPE);

  /** What a batch may hold of the heap, whatever its rows. */
  static final long BATCH_BYTES_MAX = 8L << 20;

  private static final long serialVersionUID = 1L;
  static final int EVENTS_INPUT = 1;

  /** How often a task looks whether the versions it waits for are loaded. */
  private static final long LOOK_MILLIS = 20;

  /** How far the broker's clock may be from ours. */
  private static final long CLOCKS_APART_MILLIS = 60_000;

  private final ScoringPlan plan;
  private final ScoringEnds ends;

  private transient InferenceMetrics scoringMetrics;
  private transient @Nullable FeatureLookup lookup;
  private transient ParkedEvents parked;
  private transient IdleInput idleInput;
  private transient BatchScoring scoring;
  private transient Serving serving;
  private transient DeploymentAnnouncements announcements;
  private transient List<PendingEvent> batch;
  private transient long batchBytes;
  private transient long arrivedMillis;
  private transient Alarm batchAlarm;
  private transient Alarm parkedAlarm;
  private transient Alarm lookAlarm;

  /** The largest event time that was taken, whether scored, parked or in the batch. */
  private transient long largestMillis;

  private transient HeldEvents held;

  /** What was held or parked before a restore, until it is taken again: before anything else. */
  private transient List<Joined> restored;

  private transient OutgoingTime time;
  private transient ScoringState state;

  @SuppressWarnings("NullAway.Init") // Flink calls open before the first element.
  ScoringOperator(ScoringPlan plan, ScoringEnds ends) {
    this.plan = plan;
    this.ends = ends;
  }

  @Override
  public void initializeState(StateInitializationContext context) throws Exception {
    super.initializeState(context);
    state = new ScoringState(context.getOperatorStateStore());
    largestMillis = state.largestMillis();
    restored = state.waiting();
  }

  @Override
  public void snapshotState(StateSnapshotContext context) throws Exception {
    super.snapshotState(context);
    state.save(context.getCheckpointTimestamp(), largestMillis, held.events(), parked.events());
  }

  @Override
  public void open() throws Exception {
    super.open();
    scoringMetrics = new InferenceMetrics(getMetricGroup());
    lookup =
        plan.asOf()
            ? null
            : new FeatureLookup(plan, ends.features().open(), ends.clock(), scoringMetrics);
    scoring =
        new BatchScoring(plan, scoringMetrics, ends.clock(), this::nowMillis, new ToOutputs());
    batch = new ArrayList<>(plan.maxRows());
    held = new HeldEvents();
    time = new OutgoingTime(output);
    batchAlarm = new Alarm(getProcessingTimeService(), this::scoreWhatWaitedEnough);
    parkedAlarm = new Alarm(getProcessingTimeService(), this::askAgain);
    lookAlarm = new Alarm(getProcessingTimeService(), this::look);
    MailboxExecutor mailbox =
        getContainingTask()
            .getMailboxExecutorFactory()
            .createExecutor(getOperatorConfig().getChainIndex());
    idleInput = new IdleInput(mailbox, () -> !batch.isEmpty(), this::scoreNow);
    openServing();
    if (!restored.isEmpty()) {
      soon(this::scoreNow);
    }
    if (serving.isLoading()) {
      lookSoon();
    }
  }

  /** Reads who serves, and how far those were who may have died. */
  private void openServing() throws Exception {
    announcements =
        new DeploymentAnnouncements(
            plan,
            ends.announcements().open(),
            getRuntimeContext().getTaskInfo().getIndexOfThisSubtask(),
            getRuntimeContext().getTaskInfo().getNumberOfParallelSubtasks());
    Serving opened =
        new Serving(
            plan,
            ends.models().on(TaskGpu.of(getRuntimeContext())),
            ends.threads().start("millrace-load-" + plan.model(), getUserCodeClassloader()),
            scoringMetrics);
    serving = opened;
    getMetricGroup().gauge("servedVersion", (Gauge<Integer>) opened::servedVersion);
    ParkedEvents parkedHere = new ParkedEvents(plan, lookup, opened::at, scoringMetrics);
    parked = parkedHere;
    getMetricGroup().gauge("parkedEvents", (Gauge<Integer>) parkedHere::size);
    getMetricGroup().gauge("heldEvents", (Gauge<Integer>) () -> held.size());
    opened.open(ends.deployments().read(plan.model()));
    // Whoever died may have written predictions after the checkpoint, and they stand: a barrier
    // must not come before them.
    long saved = state.savedAtMillis();
    long since = saved == Long.MAX_VALUE ? 0 : Math.max(1, saved - CLOCKS_APART_MILLIS);
    largestMillis =
        Math.max(
            largestMillis,
            ends.predictionTimes().largest(plan.model(), since).orElse(Long.MIN_VALUE));
    if (serving.preparing() != null && largestMillis != Long.MIN_VALUE) {
      // Whoever died may have announced READY; then T may come to lie 1 ms beyond what it had
      // taken.
      held.holdBeyond(largestMillis);
    }
  }

  @Override
  public void processElement1(StreamRecord<Joined> element) {
    takeRestored();
    Joined joined = element.getValue();
    DeadLetter letter = joined.letter();
    if (letter != null && plan.forwardsLetters()) {
      refuse(letter, element.hasTimestamp() ? (Long) element.getTimestamp() : null);
    }
    if (joined.event() != null) {
      take(joined);
      if (!parked.isEmpty() || time.isBehind()) {
        advance();
      }
    }
  }

  private void takeRestored() {
    if (!restored.isEmpty()) {
      // Each is scored, parked or held again like any event that comes.
      List<Joined> again = restored;
      restored = List.of();
      again.forEach(this::take);
    }
  }

  /** Puts an event into the batch, or holds it. */
  private void take(Joined joined) {
    Event event = joined.event();
    if (event == null) {
      return;
    }
    if (held.isBeyond(event.eventTimeMillis())) {
      if (!held.add(joined)) {
        throw new IllegalStateException(
            "Cannot hold more than "
                + HeldEvents.MAX
                + " events of model "
                + plan.model()
                + " until deployment "
                + preparingId()
                + " takes effect; see whether the registry runs (./millrace status), the events"
                + " are read again");
      }
      return;
    }
    Long timestampMillis = event.eventTimeMillis();
    @Nullable String[] keys = new String[plan.views().size()];
    for (int v = 0; v < keys.length; v++) {
      keys[v] = plan.views().get(v).entityKey(event);
    }
    ViewRead unkeyed = plan.unkeyed(keys);
    if (unkeyed != null) {
      scoringMetrics.nullKeys.inc();
      refuse(plan.nullKey(event, unkeyed), timestampMillis);
      return;
    }
    largestMillis = Math.max(largestMillis, event.eventTimeMillis());
    if (batch.isEmpty()) {
      arrivedMillis = nowMillis();
      if (!plan.execution().bounded()) {
        batchAlarm.by(arrivedMillis + plan.maxDelayMillis());
      }
    }
    PendingEvent pending =
        new PendingEvent(event, timestampMillis, keys, joined.rows(), plan.inputCount());
    batch.add(pending);
    batchBytes += pending.bytes;
    if (batch.size() >= serving.batchRows() || batchBytes >= BATCH_BYTES_MAX) {
      flush();
    } else if (!plan.execution().bounded()) {
      idleInput.came();
    }
  }

  @Override
  public void processElement2(StreamRecord<DeploymentRecord> element) {
    DeploymentRecord record = element.getValue();
    takeRestored();
    if (serving.isNew(record)) {
      flush();
      serving.accept(record);
      look();
    }
  }

  /** Looks how far the preparing deployment is, and again soon while there is one. */
  private void look() {
    Serving.Prepared prepared = serving.poll();
    Deployment preparing = serving.preparing();
    if (prepared != null && preparing != null) {
      if (prepared.refused() == null) {
        scoreNow();
        held.holdBeyond(largestMillis);
        announce(preparing, LifecycleEntry.Command.READY, "loaded");
      } else {
        announce(preparing, LifecycleEntry.Command.UNLOADABLE, prepared.refused());
      }
    }
    if (preparing == null) {
      release();
    } else if (serving.isLoading()) {
      lookSoon();
    }
  }

  private void lookSoon() {
    lookAlarm.by(nowMillis() + LOOK_MILLIS);
  }

  private void announce(Deployment preparing, LifecycleEntry.Command command, String reason) {
    announcements.announce(preparing, command, reason, largestMillis, nowMillis());
  }

  private String preparingId() {
    Deployment preparing = serving.preparing();
    return preparing == null ? "none" : preparing.deploymentId();
  }

  /** Scores what was held. */
  private void release() {
    if (held.holds()) {
      held.release().forEach(this::take);
      scoreNow();
    }
  }

  @Override
  public void prepareSnapshotPreBarrier(long checkpointId) throws Exception {
    scoreNow();
    super.prepareSnapshotPreBarrier(checkpointId);
  }

  @Override
  public void processWatermark1(Watermark mark) {
    takeRestored();
    flush();
    time.watermark(mark.getTimestamp());
    advance();
  }

  /** Sends on what time has come to, behind every event that is held or parked, and comes back. */
  private void advance() {
    if (!parked.isEmpty()) {
      parkedAlarm.by(parked.dueMillis());
    }
    long least = parked.leastEventTimeMillis();
    long behindParked = parked.isEmpty() || least == Long.MIN_VALUE ? least : least - 1;
    time.advance(Math.min(held.boundMillis(), behindParked), held.size() > 0 || !parked.isEmpty());
  }

  @Override
  public void processWatermark2(Watermark mark) {
    // Deployments have no event time.
  }

  @Override
  protected void processWatermarkStatus(WatermarkStatus status, int index) {
    if (index == 0) {
      takeRestored();
      flush();
      time.idle(status.isIdle());
      advance();
    }
  }

  @Override
  public void endInput(int inputId) {
    if (inputId == EVENTS_INPUT) {
      takeRestored();
      // No more is to come, so nobody waits for what the barrier keeps apart.
      release();
      scoreAll();
    }
  }

  @Override
  public void finish() throws Exception {
    scoreAll();
    super.finish();
  }

  @Override
  public void close() throws Exception {
    // A task that fails before or in open is closed too.
    if (serving != null) {
      serving.close();
    }
    if (lookup != null) {
      lookup.close();
    }
    if (announcements != null) {
      announcements.close();
    }
    super.close();
  }

  private long nowMillis() {
    return getProcessingTimeService().getCurrentProcessingTime();
  }

  private void soon(Runnable action) {
    var unused = getProcessingTimeService().registerTimer(nowMillis(), at -> action.run());
  }

  private void scoreWhatWaitedEnough() {
    if (batch.isEmpty()) {
      return;
    }
    long dueMillis = arrivedMillis + plan.maxDelayMillis();
    if (nowMillis() >= dueMillis) {
      scoreNow();
    } else {
      batchAlarm.by(dueMillis);
    }
  }

  /** Takes what was restored and scores the batch. */
  private void scoreNow() {
    takeRestored();
    flush();
    advance();
  }

  /** Scores the batch and all that is parked, however long that takes. */
  private void scoreAll() {
    flush();
    awaitParked(parked::isEmpty);
    advance();
  }

  private void flush() {
    if (batch.isEmpty()) {
      return;
    }
    List<PendingEvent> taken = batch;
    batch = new ArrayList<>(plan.maxRows());
    batchBytes = 0;
    score(parked.ready(taken, nowMillis()));
    scoringMetrics.batchLatencyMs.update(nowMillis() - arrivedMillis);
    // Where too many wait the input does too.
    awaitParked(() -> !parked.isOver());
  }

  /** Scores events whose rows were found; there may be more of them than one batch takes. */
  private void score(List<PendingEvent> ready) {
    int most = serving.batchRows();
    for (int from = 0; from < ready.size(); from += most) {
      List<PendingEvent> rows = ready.subList(from, Math.min(ready.size(), from + most));
      scoring.score(rows);
      scoringMetrics.batchSize.update(rows.size());
      scoringMetrics.totalBatchesProcessed.inc();
      scoringMetrics.totalRecordsProcessed.inc(rows.size());
    }
  }

  /** The task itself waits, which nothing but its input's end or too many parked events ask for. */
  private void awaitParked(BooleanSupplier enough) {
    long now = nowMillis();
    while (!enough.getAsBoolean()) {
      long due = parked.dueMillis();
      if (due > now) {
        ends.clock().pause(TimeUnit.MILLISECONDS.toNanos(due - now));
        now = Math.max(nowMillis(), due);
      }
      score(parked.ready(List.of(), now));
    }
  }

  private void askAgain() {
    score(parked.ready(List.of(), nowMillis()));
    advance();
  }

  /** Sends on what comes of a batch. */
  private final class ToOutputs implements BatchScoring.Out {
    @Override
    public void served(PendingEvent event, Prediction prediction) {
      output.collect(stamped(prediction, event.timestampMillis));
    }

    @Override
    public void shadow(PendingEvent event, Prediction prediction) {
      output.collect(SHADOWS, stamped(prediction, event.timestampMillis));
    }

    @Override
    public void refused(PendingEvent event, DeadLetter letter) {
      refuse(letter, event.timestampMillis);
    }

    @Override
    public void leftOut(Deployment deployment, String reason) {
      // The registry revokes nothing that serves; whoever reads its journal finds the reason there.
      announcements.announce(
          deployment, LifecycleEntry.Command.UNLOADABLE, reason, largestMillis, nowMillis());
    }
  }

  private void refuse(DeadLetter letter, @Nullable Long timestampMillis) {
    output.collect(LETTERS, stamped(letter, timestampMillis));
  }

  private static <T> StreamRecord<T> stamped(T value, @Nullable Long timestampMillis) {
    return timestampMillis == null
        ? new StreamRecord<>(value)
        : new StreamRecord<>(value, timestampMillis);
  }
}
