package dev.millrace.inference;

import dev.millrace.core.expression.Expression;
import dev.millrace.core.expression.ExpressionException;
import dev.millrace.core.model.Decisions;
import dev.millrace.core.model.PredictionId;
import dev.millrace.streaming.DeadLetter;
import dev.millrace.streaming.Event;
import dev.millrace.streaming.Inbound;
import dev.millrace.streaming.Serializers;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ScheduledFuture;
import org.apache.flink.metrics.Counter;
import org.apache.flink.metrics.Gauge;
import org.apache.flink.streaming.api.operators.AbstractStreamOperator;
import org.apache.flink.streaming.api.operators.BoundedMultiInput;
import org.apache.flink.streaming.api.operators.TwoInputStreamOperator;
import org.apache.flink.streaming.api.watermark.Watermark;
import org.apache.flink.streaming.runtime.streamrecord.StreamRecord;
import org.apache.flink.streaming.runtime.watermarkstatus.WatermarkStatus;
import org.apache.flink.util.OutputTag;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Scores every event of a model's source, in batches, on the task's own thread.
 *
 * <p>A batch goes out when it has {@code max-rows}, when its first event has waited {@code
 * max-delay}, and before anything that must not overtake it: a checkpoint barrier, a watermark, a
 * deployment, the end of the input. So nothing is in flight when state is taken, and the operator
 * has no state: not the batch, and not the deployment either, because {@code models.deployments} is
 * kept for ever and is read to its end each time the operator opens. A copy in state could only
 * differ from it.
 *
 * <p>Each event gets one prediction or one dead letter. The second input is the deployments; it
 * holds back neither watermarks nor idleness.
 */
final class ScoringOperator extends AbstractStreamOperator<Prediction>
    implements TwoInputStreamOperator<Inbound, DeploymentRecord, Prediction>, BoundedMultiInput {

  static final OutputTag<DeadLetter> LETTERS = new OutputTag<>("letters", Serializers.DEAD_LETTER);

  private static final long serialVersionUID = 1L;
  private static final Logger LOG = LoggerFactory.getLogger(ScoringOperator.class);
  private static final int EVENTS_INPUT = 1;

  private final ScoringPlan plan;
  private final ScoringEnds ends;

  private transient InferenceMetrics scoringMetrics;
  private transient FeatureLookup lookup;
  private transient InputValues inputValues;
  private transient Serving serving;
  private transient Decisions decisions;
  private transient PredictionId predictionIds;
  private transient @Nullable Expression fallback;
  private transient LogLimit logLimit;
  private transient List<PendingEvent> batch;
  private transient long arrivedMillis;
  private transient @Nullable ScheduledFuture<?> timer;

  @SuppressWarnings("NullAway.Init") // Flink calls open before the first element.
  ScoringOperator(ScoringPlan plan, ScoringEnds ends) {
    this.plan = plan;
    this.ends = ends;
  }

  @Override
  public void open() throws Exception {
    super.open();
    scoringMetrics = new InferenceMetrics(getMetricGroup());
    lookup = new FeatureLookup(plan, ends.features().open(), ends.clock(), scoringMetrics);
    inputValues = new InputValues(plan, scoringMetrics);
    decisions = new Decisions(plan.decisions(), plan.source().schema());
    predictionIds = new PredictionId(plan.project(), plan.model());
    fallback =
        plan.fallback() == null
            ? null
            : Expression.compile(
                plan.fallback(), plan.source().schema(), Expression.Type.DOUBLE, Map.of());
    logLimit = new LogLimit();
    batch = new ArrayList<>(plan.maxRows());
    Serving opened =
        new Serving(
            plan,
            ends.models(),
            ends.threads().start("millrace-load-" + plan.model(), getUserCodeClassloader()),
            scoringMetrics);
    serving = opened;
    getMetricGroup().gauge("servedVersion", (Gauge<Integer>) opened::servedVersion);
    opened.open(ends.deployments().read(plan.model()));
  }

  @Override
  public void processElement1(StreamRecord<Inbound> element) {
    Inbound inbound = element.getValue();
    Long timestampMillis = element.hasTimestamp() ? (Long) element.getTimestamp() : null;
    DeadLetter letter = inbound.letter();
    if (letter != null && plan.forwardsLetters()) {
      refuse(letter, timestampMillis);
    }
    Event event = inbound.event();
    if (event == null) {
      return;
    }
    String[] keys = new String[plan.views().size()];
    for (int v = 0; v < keys.length; v++) {
      ViewRead view = plan.views().get(v);
      String key = view.entityKey(event);
      if (key == null) {
        scoringMetrics.nullKeys.inc();
        refuse(
            letter(
                event,
                DeadLetter.Reason.NULL_KEY,
                "a key of view " + view.view() + " is null; model " + plan.model() + " needs it"),
            timestampMillis);
        return;
      }
      keys[v] = key;
    }
    if (batch.isEmpty()) {
      arrivedMillis = nowMillis();
      setTimer();
    }
    batch.add(new PendingEvent(event, timestampMillis, keys, plan.inputs().size()));
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
    }
  }

  @Override
  public void prepareSnapshotPreBarrier(long checkpointId) throws Exception {
    flush();
    super.prepareSnapshotPreBarrier(checkpointId);
  }

  @Override
  public void processWatermark1(Watermark mark) {
    flush();
    output.emitWatermark(mark);
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
    serving.flip();
    lookup.find(batch);
    batch.forEach(inputValues::fill);
    Serving.Served served = serving.current();
    boolean ran = served != null && run(served.scorer());
    for (int row = 0; row < batch.size(); row++) {
      double score = served != null && ran ? served.scorer().scored(row) : Double.NaN;
      answer(batch.get(row), served, score, ran);
    }
    scoringMetrics.batchSize.update(batch.size());
    scoringMetrics.batchLatencyMs.update(nowMillis() - arrivedMillis);
    scoringMetrics.totalBatchesProcessed.inc();
    scoringMetrics.totalRecordsProcessed.inc(batch.size());
    batch.clear();
  }

  private boolean run(Scorer scorer) {
    for (int row = 0; row < batch.size(); row++) {
      PendingEvent event = batch.get(row);
      for (int column = 0; column < event.inputs.length; column++) {
        Double value = event.inputs[column];
        scorer.put(row, column, value == null ? plan.missing().value(column) : value);
      }
    }
    try {
      scorer.score(batch.size());
      return true;
    } catch (IllegalStateException e) {
      long heldBack = logLimit.pass(ends.clock().nanoTime());
      if (heldBack >= 0) {
        LOG.error("The fallback answers ({} like it since the last line)", heldBack, e);
      }
      return false;
    }
  }

  private void answer(
      PendingEvent event, Serving.@Nullable Served served, double score, boolean ran) {
    if (Double.isFinite(score)) {
      emit(event, served, Role.CHAMPION, score);
      return;
    }
    Double instead = fallbackScore(event.event);
    if (instead == null) {
      scoringMetrics.unanswered.inc();
      refuse(
          letter(event.event, DeadLetter.Reason.NO_MODEL, noModel(served, score, ran)),
          event.timestampMillis);
      return;
    }
    fallbackCause(served, ran).inc();
    emit(event, served, Role.FALLBACK, instead);
  }

  private Counter fallbackCause(Serving.@Nullable Served served, boolean ran) {
    if (served == null) {
      return scoringMetrics.fallbacksNoModel;
    }
    return ran ? scoringMetrics.fallbacksNonFinite : scoringMetrics.fallbacksFailed;
  }

  private String noModel(Serving.@Nullable Served served, double score, boolean ran) {
    String why =
        served == null
            ? "no version is deployed"
            : "version "
                + served.version().version()
                + (ran ? " gave the score " + score : " could not run");
    return "model "
        + plan.model()
        + ": "
        + why
        + (fallback == null
            ? " and there is no fallback"
            : " and the fallback " + fallback.text() + " gives no number for this event");
  }

  private @Nullable Double fallbackScore(Event event) {
    Expression expression = fallback;
    if (expression == null) {
      return null;
    }
    try {
      return expression.evaluate(event.values()) instanceof Double score && Double.isFinite(score)
          ? score
          : null;
    } catch (ExpressionException e) {
      return null;
    }
  }

  /**
   * A fallback beside a deployed version carries its number, because that deployment was in charge,
   * and no sha256, because no artifact made the score.
   */
  private void emit(PendingEvent event, Serving.@Nullable Served served, Role role, double score) {
    emit(
        new Prediction(
            predictionIds.of(event.event.id()),
            event.event.id(),
            event.keysByEntity(plan),
            event.event.eventTimeMillis(),
            nowMillis(),
            plan.model(),
            served == null ? 0 : served.version().version(),
            served == null || role == Role.FALLBACK ? null : served.version().sha256(),
            role,
            null,
            null,
            null,
            score,
            decisions.first(event.event.values(), score),
            event.inputsByName(plan),
            event.freshnessByView(plan),
            served == null ? null : served.deployment().deploymentId()),
        event.timestampMillis);
  }

  private void emit(Prediction prediction, @Nullable Long timestampMillis) {
    output.collect(
        timestampMillis == null
            ? new StreamRecord<>(prediction)
            : new StreamRecord<>(prediction, timestampMillis));
  }

  private void refuse(DeadLetter letter, @Nullable Long timestampMillis) {
    output.collect(
        LETTERS,
        timestampMillis == null
            ? new StreamRecord<>(letter)
            : new StreamRecord<>(letter, timestampMillis));
  }

  private DeadLetter letter(Event event, String reason, String message) {
    return DeadLetter.of(
        plan.source().name(), plan.source().topic(), event, reason, message, plan.source().stage());
  }
}
