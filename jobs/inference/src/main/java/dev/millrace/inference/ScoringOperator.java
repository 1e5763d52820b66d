package dev.millrace.inference;

import dev.millrace.core.model.Deployment;
import dev.millrace.core.model.LifecycleEntry;
import dev.millrace.streaming.DeadLetter;
import dev.millrace.streaming.Event;
import dev.millrace.streaming.Serializers;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ScheduledFuture;
import org.apache.flink.api.common.state.ListState;
import org.apache.flink.api.common.state.ListStateDescriptor;
import org.apache.flink.api.common.typeinfo.Types;
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
 * <p>A batch goes out when it has {@code max-rows}, when its first event has waited {@code
 * max-delay}, and before anything that must not overtake it: a checkpoint barrier, a watermark, a
 * deployment, the end of the input. So nothing is in flight when state is taken.
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
 * <p>Each event gets one prediction or one dead letter. The second input is the deployments; it
 * holds back neither watermarks nor idleness.
 */
final class ScoringOperator extends AbstractStreamOperator<Prediction>
    implements TwoInputStreamOperator<Joined, DeploymentRecord, Prediction>, BoundedMultiInput {

  static final OutputTag<DeadLetter> LETTERS = new OutputTag<>("letters", Serializers.DEAD_LETTER);
  static final OutputTag<Prediction> SHADOWS =
      new OutputTag<>("shadows", PredictionSerializer.TYPE);

  /** Beyond it the task fails and reads the events again when the registry is back. */
  static final int HELD_MAX = 500_000;

  private static final long serialVersionUID = 1L;
  private static final int EVENTS_INPUT = 1;

  /** How often a task looks whether the versions it waits for are loaded. */
  private static final long LOOK_MILLIS = 20;

  /** How far the broker's clock may be from ours. */
  private static final long CLOCKS_APART_MILLIS = 60_000;

  private final ScoringPlan plan;
  private final ScoringEnds ends;

  private transient InferenceMetrics scoringMetrics;
  private transient @Nullable FeatureLookup lookup;
  private transient BatchScoring scoring;
  private transient Serving serving;
  private transient DeploymentAnnouncements announcements;
  private transient List<PendingEvent> batch;
  private transient long arrivedMillis;
  private transient @Nullable ScheduledFuture<?> timer;
  private transient boolean looking;

  /** The largest event time that was taken, whether scored or in the batch. */
  private transient long largestMillis;

  /** What READY was announced with; null where nothing is held. */
  private transient @Nullable Long barrierMillis;

  private transient List<Joined> held;
  private transient long inputWatermark;
  private transient long outputWatermark;
  private transient ListState<Long> largestState;

  /** When each checkpoint was taken, by the clock; the least of those that were restored. */
  private transient ListState<Long> takenAtState;

  private transient long restoredAtMillis;
  private transient ListState<Joined> heldState;

  @SuppressWarnings("NullAway.Init") // Flink calls open before the first element.
  ScoringOperator(ScoringPlan plan, ScoringEnds ends) {
    this.plan = plan;
    this.ends = ends;
  }

  @Override
  public void initializeState(StateInitializationContext context) throws Exception {
    super.initializeState(context);
    // Whoever takes over an event after a restore must not fall behind what anybody announced.
    largestState =
        context
            .getOperatorStateStore()
            .getUnionListState(new ListStateDescriptor<>("largest", Types.LONG));
    takenAtState =
        context
            .getOperatorStateStore()
            .getUnionListState(new ListStateDescriptor<>("taken-at", Types.LONG));
    restoredAtMillis = Long.MAX_VALUE;
    for (Long takenAt : takenAtState.get()) {
      restoredAtMillis = Math.min(restoredAtMillis, takenAt);
    }
    heldState =
        context
            .getOperatorStateStore()
            .getListState(new ListStateDescriptor<>("held", Joined.TYPE));
    largestMillis = Long.MIN_VALUE;
    for (Long largest : largestState.get()) {
      largestMillis = Math.max(largestMillis, largest);
    }
    held = new ArrayList<>();
    heldState.get().forEach(held::add);
  }

  @Override
  public void snapshotState(StateSnapshotContext context) throws Exception {
    super.snapshotState(context);
    largestState.update(List.of(largestMillis));
    takenAtState.update(List.of(context.getCheckpointTimestamp()));
    heldState.update(held);
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
    inputWatermark = Long.MIN_VALUE;
    outputWatermark = Long.MIN_VALUE;
    announcements =
        new DeploymentAnnouncements(
            plan,
            ends.announcements().open(),
            getRuntimeContext().getTaskInfo().getIndexOfThisSubtask(),
            getRuntimeContext().getTaskInfo().getNumberOfParallelSubtasks());
    Serving opened =
        new Serving(
            plan,
            ends.models(),
            ends.threads().start("millrace-load-" + plan.model(), getUserCodeClassloader()),
            scoringMetrics);
    serving = opened;
    getMetricGroup().gauge("servedVersion", (Gauge<Integer>) opened::servedVersion);
    getMetricGroup().gauge("heldEvents", (Gauge<Integer>) () -> held.size());
    opened.open(ends.deployments().read(plan.model()));
    // Whoever died may have written predictions after the checkpoint, and they stand: a barrier
    // must not come before them.
    long since =
        restoredAtMillis == Long.MAX_VALUE
            ? 0
            : Math.max(1, restoredAtMillis - CLOCKS_APART_MILLIS);
    largestMillis =
        Math.max(
            largestMillis,
            ends.predictionTimes().largest(plan.model(), since).orElse(Long.MIN_VALUE));
    if (!held.isEmpty()) {
      // What was held before the restore is scored, or held again, like any event that comes.
      List<Joined> again = held;
      held = new ArrayList<>();
      soon(() -> again.forEach(this::take));
    }
    look();
  }

  @Override
  public void processElement1(StreamRecord<Joined> element) {
    Joined joined = element.getValue();
    DeadLetter letter = joined.letter();
    if (letter != null && plan.forwardsLetters()) {
      refuse(letter, element.hasTimestamp() ? (Long) element.getTimestamp() : null);
    }
    if (joined.event() != null) {
      take(joined);
    }
  }

  /** Puts an event into the batch, or holds it. */
  private void take(Joined joined) {
    Event event = joined.event();
    if (event == null) {
      return;
    }
    Long barrier = barrierMillis;
    if (barrier != null && event.eventTimeMillis() > barrier) {
      if (held.size() >= HELD_MAX) {
        throw new IllegalStateException(
            "Cannot hold more than "
                + HELD_MAX
                + " events of model "
                + plan.model()
                + " until deployment "
                + preparingId()
                + " takes effect; see whether the registry runs (./millrace status), the events"
                + " are read again");
      }
      held.add(joined);
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
      setTimer();
    }
    batch.add(new PendingEvent(event, timestampMillis, keys, joined.rows(), plan.inputCount()));
    if (batch.size() >= plan.maxRows()) {
      flush();
    }
  }

  @Override
  public void processElement2(StreamRecord<DeploymentRecord> element) {
    DeploymentRecord record = element.getValue();
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
        flush();
        barrierMillis = largestMillis;
        announce(preparing, LifecycleEntry.Command.READY, "loaded");
      } else {
        announce(preparing, LifecycleEntry.Command.UNLOADABLE, prepared.refused());
      }
    }
    if (preparing == null) {
      release();
    } else if (barrierMillis == null && !looking) {
      looking = true;
      var unused =
          getProcessingTimeService()
              .registerTimer(
                  nowMillis() + LOOK_MILLIS,
                  at -> {
                    looking = false;
                    look();
                  });
    }
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
    if (barrierMillis == null) {
      return;
    }
    barrierMillis = null;
    List<Joined> released = held;
    held = new ArrayList<>();
    released.forEach(this::take);
    flush();
    advance();
  }

  @Override
  public void prepareSnapshotPreBarrier(long checkpointId) throws Exception {
    flush();
    super.prepareSnapshotPreBarrier(checkpointId);
  }

  @Override
  public void processWatermark1(Watermark mark) {
    flush();
    inputWatermark = mark.getTimestamp();
    advance();
  }

  /** Sends on what time has come to, behind every event that is held. */
  private void advance() {
    Long barrier = barrierMillis;
    long next =
        barrier == null || held.isEmpty() ? inputWatermark : Math.min(inputWatermark, barrier);
    if (next > outputWatermark) {
      outputWatermark = next;
      output.emitWatermark(new Watermark(next));
    }
  }

  @Override
  public void processWatermark2(Watermark mark) {
    // Deployments have no event time.
  }

  @Override
  protected void processWatermarkStatus(WatermarkStatus status, int index) {
    if (index == 0) {
      flush();
      output.emitWatermarkStatus(status);
    }
  }

  @Override
  public void endInput(int inputId) {
    if (inputId == EVENTS_INPUT) {
      // No more is to come, so nobody waits for what the barrier keeps apart.
      release();
      flush();
    }
  }

  @Override
  public void finish() throws Exception {
    flush();
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

  /** One timer is set at a time; where it comes early for a later batch it is set anew. */
  private void setTimer() {
    if (timer == null) {
      timer =
          getProcessingTimeService()
              .registerTimer(arrivedMillis + plan.maxDelayMillis(), this::onTimer);
    }
  }

  private void soon(Runnable action) {
    var unused = getProcessingTimeService().registerTimer(nowMillis(), at -> action.run());
  }

  private void onTimer(long atMillis) {
    timer = null;
    if (batch.isEmpty()) {
      return;
    }
    if (nowMillis() >= arrivedMillis + plan.maxDelayMillis()) {
      flush();
    } else {
      setTimer();
    }
  }

  private void flush() {
    if (batch.isEmpty()) {
      return;
    }
    for (PendingEvent event : batch) {
      event.served = serving.at(event.event.eventTimeMillis());
    }
    if (lookup != null) {
      lookup.find(batch);
    }
    scoring.score(batch);
    scoringMetrics.batchSize.update(batch.size());
    scoringMetrics.batchLatencyMs.update(nowMillis() - arrivedMillis);
    scoringMetrics.totalBatchesProcessed.inc();
    scoringMetrics.totalRecordsProcessed.inc(batch.size());
    batch.clear();
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
