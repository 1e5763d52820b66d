package dev.millrace.inference;

import dev.millrace.streaming.DeadLetter;
import dev.millrace.streaming.Event;
import dev.millrace.streaming.Serializers;
import java.util.List;
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
  private transient ReadyScoring scoring;
  private transient Serving serving;
  private transient DeploymentAnnouncements announcements;
  private transient EventBatch batch;
  private transient Alarm batchAlarm;
  private transient Alarm parkedAlarm;
  private transient Alarm lookAlarm;

  private transient DeploymentBarrier barrier;
  private transient ScoredOutput scored;

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
    restored = state.waiting();
  }

  @Override
  public void snapshotState(StateSnapshotContext context) throws Exception {
    super.snapshotState(context);
    state.save(
        context.getCheckpointTimestamp(),
        barrier.largestMillis(),
        barrier.events(),
        parked.events());
  }

  @Override
  public void open() throws Exception {
    super.open();
    scoringMetrics = new InferenceMetrics(getMetricGroup());
    lookup =
        plan.asOf()
            ? null
            : new FeatureLookup(plan, ends.features().open(), ends.clock(), scoringMetrics);
    scored = new ScoredOutput(output, (deployment, why) -> barrier.leftOut(deployment, why));
    batch = new EventBatch(plan.maxRows());
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
    scoring =
        new ReadyScoring(
            new BatchScoring(plan, scoringMetrics, ends.clock(), this::nowMillis, scored),
            parkedHere,
            opened::batchRows,
            ends.clock(),
            this::nowMillis,
            scoringMetrics);
    opened.open(ends.deployments().read(plan.model()));
    // Whoever died may have written predictions after the checkpoint, and they stand: a barrier
    // must not come before them.
    long saved = state.savedAtMillis();
    long since = saved == Long.MAX_VALUE ? 0 : Math.max(1, saved - CLOCKS_APART_MILLIS);
    DeploymentBarrier barrierHere =
        new DeploymentBarrier(
            plan,
            opened,
            announcements,
            this::nowMillis,
            Math.max(
                state.largestMillis(),
                ends.predictionTimes().largest(plan.model(), since).orElse(Long.MIN_VALUE)));
    barrier = barrierHere;
    getMetricGroup().gauge("heldEvents", (Gauge<Integer>) barrierHere::size);
  }

  @Override
  public void processElement1(StreamRecord<Joined> element) {
    takeRestored();
    Joined joined = element.getValue();
    DeadLetter letter = joined.letter();
    if (letter != null && plan.forwardsLetters()) {
      scored.refuse(letter, element.hasTimestamp() ? (Long) element.getTimestamp() : null);
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
    if (barrier.holds(joined, event.eventTimeMillis())) {
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
      scored.refuse(plan.nullKey(event, unkeyed), timestampMillis);
      return;
    }
    barrier.taken(event.eventTimeMillis());
    boolean isFirst = batch.isEmpty();
    batch.add(
        new PendingEvent(event, timestampMillis, keys, joined.rows(), plan.inputCount()),
        isFirst ? nowMillis() : 0);
    if (batch.isFull(serving.batchRows())) {
      flush();
    } else if (!plan.execution().bounded()) {
      if (isFirst) {
        batchAlarm.by(batch.arrivedMillis() + plan.maxDelayMillis());
      }
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
    barrier.tell(serving.poll(), this::scoreNow);
    if (serving.preparing() == null) {
      release();
    } else if (serving.isLoading()) {
      lookSoon();
    }
  }

  private void lookSoon() {
    lookAlarm.by(nowMillis() + LOOK_MILLIS);
  }

  /** Scores what was held. */
  private void release() {
    if (barrier.stands()) {
      barrier.release().forEach(this::take);
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
    time.advance(
        Math.min(barrier.boundMillis(), behindParked), barrier.size() > 0 || !parked.isEmpty());
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
    long dueMillis = batch.arrivedMillis() + plan.maxDelayMillis();
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
    scoring.awaitParked(parked::isEmpty);
    advance();
  }

  private void flush() {
    if (!batch.isEmpty()) {
      scoring.score(batch);
    }
  }

  private void askAgain() {
    scoring.askAgain();
    advance();
  }
}
