package dev.millrace.drift;

import dev.millrace.drift.EventScores.Chosen;
import dev.millrace.streaming.DeadLetter;
import dev.millrace.streaming.Serializers;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.apache.flink.api.common.functions.OpenContext;
import org.apache.flink.api.common.state.ValueState;
import org.apache.flink.api.common.state.ValueStateDescriptor;
import org.apache.flink.metrics.Counter;
import org.apache.flink.metrics.MetricGroup;
import org.apache.flink.streaming.api.functions.co.KeyedCoProcessFunction;
import org.apache.flink.util.Collector;
import org.apache.flink.util.OutputTag;
import org.jspecify.annotations.Nullable;

/**
 * Brings together, by event id, the served prediction, the scores of other versions and the labels;
 * the first of each prediction counts. At event time + wait the event is mature and goes on, with
 * the label that lies within (event time, event time + wait], if there is one. Where the model has
 * no labels it goes on as soon as its shadows' scores are there, which is at once where there are
 * none.
 *
 * <p>Scores of the shadows topic do not hold time back, for there may be none; a served prediction
 * says which there are. One that has not come is waited for, window by window of event time and at
 * least some seconds, while {@link #heldMillis} keeps the operator's own watermark back.
 *
 * <p>Everything kept of an event is gone at event time + 2 wait + 24 windows: until then a marker
 * tells a repeat or a late label for what it is.
 */
final class EventJoin extends KeyedCoProcessFunction<String, Scored, Label, Matured> {

  private static final long serialVersionUID = 1L;
  private static final int PENDING_MAX = 16;

  /**
   * Shadow scores that another topic has are seconds away, however fast event time runs: during a
   * replay a day of windows may pass in one of them.
   */
  private static final long SHADOW_WAIT_WALL_MILLIS = 10_000;

  static final String LABEL_LATE = "LABEL_LATE";

  /** Each served prediction when it first comes. */
  static final OutputTag<Scored> FIRST = new OutputTag<>("first", Scored.TYPE);

  static final OutputTag<DeadLetter> LETTERS = new OutputTag<>("letters", Serializers.DEAD_LETTER);

  static final ValueStateDescriptor<EventScores> EVENT =
      new ValueStateDescriptor<>("event", EventScores.TYPE);

  private final DriftPlan plan;
  private final long waitMillis;
  private transient ValueState<EventScores> event;

  /** The events that wait for shadow scores, by the time they were due at. */
  private transient TreeMap<Long, Waiting> held;

  /** How many events wait, and since when by the clock on the wall. */
  private record Waiting(int count, long sinceWallMillis) {}

  private transient Counter repeatedPredictions;
  private transient Counter latePredictions;
  private transient Counter repeatedShadows;
  private transient Counter lateShadows;
  private transient Counter orphanShadows;
  private transient Counter missingShadows;
  private transient Counter lateLabels;
  private transient Counter earlyLabels;
  private transient Counter repeatedLabels;
  private transient Counter unknownLabels;

  @SuppressWarnings("NullAway.Init") // Flink calls open before the first element.
  EventJoin(DriftPlan plan) {
    this.plan = plan;
    this.waitMillis = plan.waitMillis();
  }

  @Override
  public void open(OpenContext context) {
    event = getRuntimeContext().getState(EVENT);
    held = new TreeMap<>();
    MetricGroup metrics = getRuntimeContext().getMetricGroup();
    repeatedPredictions = metrics.counter("repeatedPredictions");
    latePredictions = metrics.counter("latePredictions");
    repeatedShadows = metrics.counter("repeatedShadows");
    lateShadows = metrics.counter("lateShadows");
    orphanShadows = metrics.counter("orphanShadows");
    missingShadows = metrics.counter("missingShadows");
    lateLabels = metrics.counter("lateLabels");
    earlyLabels = metrics.counter("earlyLabels");
    repeatedLabels = metrics.counter("repeatedLabels");
    unknownLabels = metrics.counter("unknownLabels");
  }

  @Override
  public void processElement1(Scored scored, Context context, Collector<Matured> out)
      throws Exception {
    EventScores known = event.value();
    EventScores before = known == null ? EventScores.NONE : known;
    if (scored.role() == Role.SHADOW) {
      shadow(scored, before, context, out);
      return;
    }
    if (before.matured() || before.served() != null) {
      repeatedPredictions.inc();
      return;
    }
    long now = context.timerService().currentWatermark();
    if (plan.forgottenMillis(scored.timeMillis()) <= now) {
      // Whether it came before is forgotten, and its windows are closed.
      latePredictions.inc();
      return;
    }
    context.output(FIRST, scored);
    EventScores after = before.withServed(scored.binned(Scored.NO_BINS));
    for (Label label : before.pending()) {
      after = judged(label, after, context);
    }
    if (isComplete(after)) {
      mature(after, context, out);
      return;
    }
    event.update(after);
    context.timerService().registerEventTimeTimer(scored.timeMillis() + waitMillis);
  }

  /** Whether nothing more can come that counts, so that there is nothing to wait for. */
  private boolean isComplete(EventScores scores) {
    return plan.labels() == null && scores.served() != null && scores.missingShadows() == 0;
  }

  private void shadow(Scored shadow, EventScores before, Context context, Collector<Matured> out)
      throws Exception {
    if (before.matured()) {
      lateShadows.inc();
      return;
    }
    if (before.hasShadow(shadow.version())) {
      repeatedShadows.inc();
      return;
    }
    long forgottenMillis = plan.forgottenMillis(shadow.timeMillis());
    if (before.served() == null && forgottenMillis <= context.timerService().currentWatermark()) {
      orphanShadows.inc();
      return;
    }
    EventScores after = before.withShadow(shadow);
    if (isComplete(after) || (after.waits() > 0 && after.missingShadows() == 0)) {
      mature(after, context, out);
      return;
    }
    event.update(after);
    if (after.served() == null) {
      context.timerService().registerEventTimeTimer(forgottenMillis);
    }
  }

  @Override
  public void processElement2(Label label, Context context, Collector<Matured> out)
      throws Exception {
    EventScores known = event.value();
    if (known != null && known.matured()) {
      if (label.timeMillis() <= known.timeMillis()) {
        earlyLabels.inc();
      } else {
        late(label, known.timeMillis(), context);
      }
      return;
    }
    EventScores before = known == null ? EventScores.NONE : known;
    if (before.served() != null) {
      event.update(judged(label, before, context));
      return;
    }
    long forgottenMillis = label.timeMillis() + waitMillis;
    if (forgottenMillis <= context.timerService().currentWatermark()
        || before.pending().size() == PENDING_MAX) {
      unknownLabels.inc();
      return;
    }
    List<Label> pending = new ArrayList<>(before.pending());
    pending.add(label);
    event.update(before.withPending(pending));
    context.timerService().registerEventTimeTimer(forgottenMillis);
  }

  /** The event with a label taken into account. */
  private EventScores judged(Label label, EventScores scores, Context context) {
    long timeMillis = scores.timeMillis();
    if (label.timeMillis() <= timeMillis) {
      earlyLabels.inc();
      return scores;
    }
    if (label.timeMillis() - timeMillis > waitMillis) {
      late(label, timeMillis, context);
      return scores;
    }
    Chosen chosen = Chosen.of(label);
    Chosen before = scores.label();
    if (before == null) {
      return scores.withLabel(chosen);
    }
    repeatedLabels.inc();
    boolean last = plan.labels() != null && plan.labels().last();
    boolean replaces = last ? chosen.after(before) : before.after(chosen);
    return replaces ? scores.withLabel(chosen) : scores;
  }

  private void late(Label label, long timeMillis, Context context) {
    DriftPlan.Labels labels = plan.labels();
    if (labels == null) {
      return;
    }
    lateLabels.inc();
    context.output(
        LETTERS,
        DeadLetter.of(
            labels.source().name(),
            labels.source().topic(),
            label.event(),
            LABEL_LATE,
            "the label of event "
                + label.eventId()
                + " of model "
                + plan.model()
                + " came "
                + (label.timeMillis() - timeMillis)
                + " ms after it; it is waited for "
                + waitMillis
                + " ms",
            DriftDetectorJob.STAGE + "/" + plan.model()));
  }

  @Override
  public void onTimer(long timerMillis, OnTimerContext context, Collector<Matured> out)
      throws Exception {
    EventScores scores = event.value();
    if (scores == null) {
      return;
    }
    if (scores.matured()) {
      if (timerMillis >= plan.forgottenMillis(scores.timeMillis())) {
        event.clear();
      }
      return;
    }
    if (scores.served() == null) {
      forget(scores, timerMillis);
      return;
    }
    long dueMillis = dueMillis(scores);
    if (timerMillis < dueMillis) {
      return;
    }
    if (scores.missingShadows() > 0 && waitsOn(scores, context)) {
      if (scores.waits() == 0) {
        hold(scores, context.timerService().currentProcessingTime());
      }
      EventScores waiting = scores.waited();
      event.update(waiting);
      context.timerService().registerEventTimeTimer(dueMillis(waiting));
      return;
    }
    mature(scores, context, out);
  }

  private boolean waitsOn(EventScores scores, OnTimerContext context) {
    if (scores.waits() < DriftPlan.SHADOW_WAITS_MAX) {
      return true;
    }
    Waiting waiting = held.get(scores.timeMillis() + waitMillis);
    return context.timerService().currentWatermark() < Long.MAX_VALUE
        && waiting != null
        && context.timerService().currentProcessingTime() - waiting.sinceWallMillis
            < SHADOW_WAIT_WALL_MILLIS;
  }

  private long dueMillis(EventScores scores) {
    return scores.timeMillis() + waitMillis + scores.waits() * plan.windowMillis();
  }

  /** Drops what came for an event that nobody scored, or of which the score is long overdue. */
  private void forget(EventScores scores, long nowMillis) throws Exception {
    EventScores left = scores;
    List<Label> pending = new ArrayList<>();
    for (Label label : scores.pending()) {
      if (label.timeMillis() + waitMillis <= nowMillis) {
        unknownLabels.inc();
      } else {
        pending.add(label);
      }
    }
    left = left.withPending(pending);
    if (left.shadowVersions().length > 0
        && plan.forgottenMillis(left.shadowTimeMillis()) <= nowMillis) {
      orphanShadows.inc(left.shadowVersions().length);
      left = left.withoutShadows();
    }
    if (left.pending().isEmpty() && left.shadowVersions().length == 0) {
      event.clear();
    } else {
      event.update(left);
    }
  }

  private void mature(EventScores scores, Context context, Collector<Matured> out)
      throws Exception {
    Scored served = scores.served();
    if (served == null) {
      return;
    }
    if (scores.waits() > 0) {
      release(scores);
    }
    missingShadows.inc(scores.missingShadows());
    Chosen chosen = scores.label();
    double label = absent();
    if (chosen != null) {
      label = chosen.value();
    }
    out.collect(new Matured(served, label, scores.shadowVersions(), scores.shadowScores()));
    event.update(scores.marker());
    context.timerService().registerEventTimeTimer(plan.forgottenMillis(scores.timeMillis()));
  }

  private double absent() {
    @Nullable Double value = plan.labels() == null ? null : plan.labels().absentValue();
    return value == null ? Double.NaN : value;
  }

  /** Holds time for an event that waits. */
  void hold(EventScores scores, long wallMillis) {
    held.merge(
        scores.timeMillis() + waitMillis,
        new Waiting(1, wallMillis),
        (a, b) -> new Waiting(a.count + b.count, Math.max(a.sinceWallMillis, b.sinceWallMillis)));
  }

  private void release(EventScores scores) {
    held.computeIfPresent(
        scores.timeMillis() + waitMillis,
        (time, waiting) ->
            waiting.count == 1 ? null : new Waiting(waiting.count - 1, waiting.sinceWallMillis));
  }

  /** The time that the oldest waiting event was due at; the largest where none waits. */
  long heldMillis() {
    Map.Entry<Long, Waiting> first = held.firstEntry();
    return first == null ? Long.MAX_VALUE : first.getKey();
  }
}
