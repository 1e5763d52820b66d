package dev.millrace.inference;

import dev.millrace.core.expression.Expression;
import dev.millrace.core.expression.ExpressionException;
import dev.millrace.core.model.CanaryAssignment;
import dev.millrace.core.model.Decisions;
import dev.millrace.core.model.PredictionId;
import dev.millrace.streaming.DeadLetter;
import dev.millrace.streaming.Event;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.LongSupplier;
import org.apache.flink.metrics.Counter;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Scores a batch whose rows were found. Every version of an event's deployment scores it with the
 * inputs that it was trained on; one of them answers, or the fallback, and what the others say goes
 * to the side. Inputs are made once for each event, however many versions take them.
 *
 * <p>For one thread.
 */
final class BatchScoring {

  private static final Logger LOG = LoggerFactory.getLogger(BatchScoring.class);

  private final ScoringPlan plan;
  private final InferenceMetrics metrics;
  private final WaitClock clock;
  private final LongSupplier nowMillis;
  private final Out out;
  private final RowFreshness freshness;
  private final InputValues inputValues;
  private final Decisions decisions;
  private final PredictionId predictionIds;
  private final @Nullable Expression fallback;
  private final LogLimit logLimit = new LogLimit();

  /** By version of the deployment and event. */
  private double[][] scores = new double[0][];

  /** Where a canary's units are; made anew for each version. */
  private @Nullable CanaryAssignment assignment;

  private int assignmentVersion;

  /** Where predictions and letters go. */
  interface Out {
    void served(PendingEvent event, Prediction prediction);

    void shadow(PendingEvent event, Prediction prediction);

    void refused(PendingEvent event, DeadLetter letter);
  }

  BatchScoring(
      ScoringPlan plan,
      InferenceMetrics metrics,
      WaitClock clock,
      LongSupplier nowMillis,
      Out out) {
    this.plan = plan;
    this.metrics = metrics;
    this.clock = clock;
    this.nowMillis = nowMillis;
    this.out = out;
    this.freshness = new RowFreshness(plan, metrics);
    this.inputValues = new InputValues(plan, metrics);
    this.decisions = new Decisions(plan.decisions(), plan.source().schema());
    this.predictionIds = new PredictionId(plan.project(), plan.model());
    String text = plan.fallback();
    this.fallback =
        text == null
            ? null
            : Expression.compile(text, plan.source().schema(), Expression.Type.DOUBLE, Map.of());
  }

  /** Scores all events, each by who serves it. */
  void score(List<PendingEvent> batch) {
    // Events of one batch nearly always have one deployment.
    int from = 0;
    for (int row = 1; row <= batch.size(); row++) {
      if (row == batch.size() || !Objects.equals(batch.get(row).served, batch.get(from).served)) {
        score(batch.subList(from, row), batch.get(from).served);
        from = row;
      }
    }
  }

  /** Scores events of one deployment with each of its versions. */
  private void score(List<PendingEvent> events, Serving.@Nullable Served served) {
    List<InputPlan> used = served == null ? List.of(plan.current()) : served.inputs();
    for (PendingEvent event : events) {
      freshness.judge(event);
      for (int i = 0; i < used.size(); i++) {
        inputValues.fill(event, used.get(i));
      }
    }
    if (served == null) {
      for (PendingEvent event : events) {
        answer(event, null, null, Role.FALLBACK, Double.NaN, false, List.of());
      }
      return;
    }
    List<Serving.Version> versions = served.versions();
    if (scores.length < versions.size()) {
      scores = new double[versions.size()][plan.maxRows()];
    }
    boolean[] ran = new boolean[versions.size()];
    for (int v = 0; v < versions.size(); v++) {
      ran[v] = run(versions.get(v), events, scores[v]);
    }
    for (int row = 0; row < events.size(); row++) {
      tell(events.get(row), row, served, ran);
    }
  }

  private boolean run(Serving.Version version, List<PendingEvent> events, double[] into) {
    Scorer scorer = version.scorer();
    InputPlan inputs = version.inputs();
    int columns = inputs.inputs().size();
    for (int row = 0; row < events.size(); row++) {
      PendingEvent event = events.get(row);
      for (int column = 0; column < columns; column++) {
        Double value = event.inputs[inputs.firstInput() + column];
        scorer.put(row, column, value == null ? inputs.missing().value(column) : value);
      }
    }
    try {
      scorer.score(events.size());
    } catch (IllegalStateException e) {
      long heldBack = logLimit.pass(clock.nanoTime());
      if (heldBack >= 0) {
        LOG.error("The fallback answers ({} like it since the last line)", heldBack, e);
      }
      return false;
    }
    for (int row = 0; row < events.size(); row++) {
      into[row] = scorer.scored(row);
    }
    return true;
  }

  /** Gives an event's prediction, and those that its other versions made. */
  private void tell(PendingEvent event, int row, Serving.Served served, boolean[] ran) {
    List<Serving.Version> versions = served.versions();
    int serves = ofCanary(event.event, served) ? 1 : 0;
    if (refused(event, versions.get(serves).inputs())) {
      return;
    }
    List<Integer> shadows = new ArrayList<>(versions.size() - 1);
    for (int v = 0; v < versions.size(); v++) {
      Serving.Version version = versions.get(v);
      double score = scores[v][row];
      if (v != serves
          && ran[v]
          && Double.isFinite(score)
          && plan.unkeyed(version.inputs(), event.entityKeys) == null) {
        shadows.add(version.deployed().version());
        out.shadow(event, prediction(event, served, version, Role.SHADOW, score, List.of()));
      }
    }
    answer(
        event,
        served,
        versions.get(serves),
        serves == 0 ? Role.CHAMPION : Role.CANARY,
        ran[serves] ? scores[serves][row] : Double.NaN,
        ran[serves],
        shadows);
  }

  /** Writes the letter of an event that names no entity for one of these inputs. */
  private boolean refused(PendingEvent event, InputPlan inputs) {
    ViewRead unkeyed = plan.unkeyed(inputs, event.entityKeys);
    if (unkeyed == null) {
      return false;
    }
    metrics.nullKeys.inc();
    out.refused(event, plan.nullKey(event.event, unkeyed));
    return true;
  }

  /** Whether the canary serves the event's unit. */
  private boolean ofCanary(Event event, Serving.Served served) {
    Serving.Version canary = served.canary();
    if (canary == null) {
      return false;
    }
    int version = canary.deployed().version();
    CanaryAssignment known = assignment;
    if (known == null || assignmentVersion != version) {
      known = CanaryAssignment.of(plan.model(), version);
      assignment = known;
      assignmentVersion = version;
    }
    String unit = plan.unit(event);
    return unit != null && known.serves(unit, served.deployment().canaryShare());
  }

  private void answer(
      PendingEvent event,
      Serving.@Nullable Served served,
      Serving.@Nullable Version version,
      Role role,
      double score,
      boolean ran,
      List<Integer> shadows) {
    if (Double.isFinite(score)) {
      out.served(event, prediction(event, served, version, role, score, shadows));
      return;
    }
    if (version == null && refused(event, plan.current())) {
      return;
    }
    Double instead = fallbackScore(event.event);
    if (instead == null) {
      metrics.unanswered.inc();
      out.refused(
          event,
          plan.letter(event.event, DeadLetter.Reason.NO_MODEL, noModel(version, score, ran)));
      return;
    }
    fallbackCause(version, ran).inc();
    out.served(event, prediction(event, served, version, Role.FALLBACK, instead, shadows));
  }

  private Counter fallbackCause(Serving.@Nullable Version version, boolean ran) {
    if (version == null) {
      return metrics.fallbacksNoModel;
    }
    return ran ? metrics.fallbacksNonFinite : metrics.fallbacksFailed;
  }

  private String noModel(Serving.@Nullable Version version, double score, boolean ran) {
    String why =
        version == null
            ? "no version is deployed"
            : "version "
                + version.deployed().version()
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
  private Prediction prediction(
      PendingEvent event,
      Serving.@Nullable Served served,
      Serving.@Nullable Version version,
      Role role,
      double score,
      List<Integer> shadows) {
    InputPlan inputs = version == null ? plan.current() : version.inputs();
    return new Prediction(
        predictionIds.of(event.event.id()),
        event.event.id(),
        event.keysByEntity(plan, inputs),
        event.event.eventTimeMillis(),
        nowMillis.getAsLong(),
        plan.model(),
        version == null ? 0 : version.deployed().version(),
        version == null || role == Role.FALLBACK ? null : version.deployed().sha256(),
        role,
        null,
        null,
        null,
        score,
        decisions.first(event.event.values(), score),
        event.inputsByName(inputs),
        event.freshnessByView(plan, inputs),
        served == null ? null : served.deployment().deploymentId(),
        event.rowsByView(plan, inputs),
        shadows,
        plan.segments(event.event));
  }
}
