package dev.millrace.inference;

import dev.millrace.core.model.ArmAssignment;
import dev.millrace.core.model.CanaryAssignment;
import dev.millrace.core.model.Decisions;
import dev.millrace.core.model.Deployment;
import dev.millrace.core.model.PredictionId;
import dev.millrace.streaming.DeadLetter;
import dev.millrace.streaming.Event;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.function.LongSupplier;
import org.apache.flink.metrics.Counter;
import org.jspecify.annotations.Nullable;

/**
 * Scores a batch whose rows were found. Every version of an event's deployment scores it with the
 * inputs that it was trained on; one of them answers, and what the others say goes to the side.
 * Inputs are made once for each event, however many versions take them.
 *
 * <p>Where the one that is to answer has no finite score for an event, the champion answers in the
 * place of its canary, then the version that was champion before, then the model's expression. Only
 * such events are scored again.
 *
 * <p>For one thread.
 */
final class BatchScoring {

  private final ScoringPlan plan;
  private final InferenceMetrics metrics;
  private final WaitClock clock;
  private final LongSupplier nowMillis;
  private final Out out;
  private final RowFreshness freshness;
  private final InputValues inputValues;
  private final Decisions decisions;
  private final PredictionId predictionIds;
  private final FallbackExpression fallback;
  private final VersionRuns runs;
  private final ShadowBudget shadowBudget;
  private final @Nullable ArmAssignment arms;

  /** By version of the deployment and event. */
  private double[][] scores = new double[0][];

  /** By event: the place of the version that is to answer. */
  private final int[] serves;

  /** By event that nobody of its deployment answers: what the version before says. */
  private final double[] rescued;

  /** Where a canary's units are; made anew for each version. */
  private @Nullable CanaryAssignment assignment;

  private int assignmentVersion;

  /** A score, who made it and why it counts; of the model's expression where there is no sha256. */
  private record Answer(
      Serving.@Nullable Version version, @Nullable String sha256, Role role, double score) {

    static Answer of(Serving.Version version, Role role, double score) {
      return new Answer(version, version.deployed().sha256(), role, score);
    }
  }

  /** Where predictions and letters go. */
  interface Out {
    void served(PendingEvent event, Prediction prediction);

    void shadow(PendingEvent event, Prediction prediction);

    void refused(PendingEvent event, DeadLetter letter);

    /** A version of a deployment is not asked any more. */
    default void leftOut(Deployment deployment, String reason) {
      // It is logged.
    }
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
    this.runs = new VersionRuns(plan.model(), metrics, clock, out);
    ScoringPlan.Experiment experiment = plan.experiment();
    this.arms =
        experiment == null
            ? null
            : new ArmAssignment(plan.model(), experiment.name(), experiment.arms());
    this.shadowBudget = new ShadowBudget(plan.model(), metrics, clock);
    this.serves = new int[plan.maxRows()];
    this.rescued = new double[plan.maxRows()];
    this.fallback = new FallbackExpression(plan);
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
        if (!refused(event, plan.current())) {
          tellFallback(event, null, null, Double.NaN, false, List.of());
        }
      }
      return;
    }
    boolean[] ran = runAll(events, served);
    for (int row = 0; row < events.size(); row++) {
      serves[row] = ofCanary(events.get(row).event, served) ? 1 : 0;
    }
    Serving.Version previous = rescue(events, served, ran);
    for (int row = 0; row < events.size(); row++) {
      tell(events.get(row), row, served, ran, previous);
    }
  }

  /** Whether each version ran: those that may answer, then those whose time that is worth. */
  private boolean[] runAll(List<PendingEvent> events, Serving.Served served) {
    List<Serving.Version> versions = served.versions();
    if (scores.length < versions.size()) {
      scores = new double[versions.size()][plan.maxRows()];
    }
    int answering = served.hasCanary() ? 2 : 1;
    int shadows = versions.size() - answering;
    boolean[] ran = new boolean[versions.size()];
    long start = shadows == 0 ? 0 : clock.nanoTime();
    for (int v = 0; v < answering; v++) {
      ran[v] = runs.run(served, versions.get(v), events, scores[v]);
    }
    if (shadows == 0) {
      return ran;
    }
    long before = clock.nanoTime();
    long answeredNanos = before - start;
    for (int v = answering; v < versions.size(); v++) {
      int version = versions.get(v).deployed().version();
      if (shadowBudget.allows(version, answeredNanos, shadows, events.size())) {
        ran[v] = runs.run(served, versions.get(v), events, scores[v]);
        long now = clock.nanoTime();
        shadowBudget.took(version, now - before);
        before = now;
      }
    }
    return ran;
  }

  /**
   * Has the version before score the events that nobody of their deployment answers.
   *
   * @return who did; null where there is no such event or no such version
   */
  private Serving.@Nullable Version rescue(
      List<PendingEvent> events, Serving.Served served, boolean[] ran) {
    List<Integer> rows = List.of();
    for (int row = 0; row < events.size(); row++) {
      if (!answers(serves[row], row, ran) && !championInstead(events.get(row), row, served, ran)) {
        rows = rows.isEmpty() ? new ArrayList<>() : rows;
        rows.add(row);
      }
    }
    Serving.Version previous = rows.isEmpty() ? null : served.previous().get();
    if (previous == null) {
      return null;
    }
    List<PendingEvent> again = rows.stream().map(events::get).toList();
    if (!served.inputs().contains(previous.inputs())) {
      again.forEach(event -> inputValues.fill(event, previous.inputs()));
    }
    double[] found = new double[again.size()];
    if (!runs.run(served, previous, again, found)) {
      return null;
    }
    Arrays.fill(rescued, Double.NaN);
    for (int i = 0; i < found.length; i++) {
      if (plan.unkeyed(previous.inputs(), again.get(i).entityKeys) == null) {
        rescued[rows.get(i)] = found[i];
      }
    }
    return previous;
  }

  private boolean answers(int version, int row, boolean[] ran) {
    return ran[version] && Double.isFinite(scores[version][row]);
  }

  /** Whether the champion answers an event of its canary. */
  private boolean championInstead(
      PendingEvent event, int row, Serving.Served served, boolean[] ran) {
    return serves[row] != 0
        && answers(0, row, ran)
        && plan.unkeyed(served.champion().inputs(), event.entityKeys) == null;
  }

  /** Gives an event's prediction, and those that its other versions made. */
  private void tell(
      PendingEvent event,
      int row,
      Serving.Served served,
      boolean[] ran,
      Serving.@Nullable Version previous) {
    List<Serving.Version> versions = served.versions();
    int by = serves[row];
    if (refused(event, versions.get(by).inputs())) {
      return;
    }
    Answer answer = answer(event, row, served, ran, previous);
    Serving.Version answering = answer == null ? versions.get(by) : answer.version();
    List<Integer> shadows = versions.size() == 1 ? List.of() : new ArrayList<>(versions.size() - 1);
    for (int v = 0; v < versions.size(); v++) {
      Serving.Version version = versions.get(v);
      if (v != by
          && answers(v, row, ran)
          && (answering == null || answering.deployed().version() != version.deployed().version())
          && plan.unkeyed(version.inputs(), event.entityKeys) == null) {
        shadows.add(version.deployed().version());
        Answer shadow = Answer.of(version, Role.SHADOW, scores[v][row]);
        out.shadow(event, prediction(event, served, shadow, List.of()));
      }
    }
    if (answer == null) {
      tellFallback(event, served, versions.get(by), scores[by][row], ran[by], shadows);
      return;
    }
    if (answer.role() == Role.FALLBACK) {
      metrics.fallbacksByVersion.inc();
      fallbackCause(versions.get(by), ran[by]).inc();
    }
    out.served(event, prediction(event, served, answer, shadows));
  }

  /** What a version says of the event; null where none says anything. */
  private @Nullable Answer answer(
      PendingEvent event,
      int row,
      Serving.Served served,
      boolean[] ran,
      Serving.@Nullable Version previous) {
    int by = serves[row];
    if (answers(by, row, ran)) {
      return Answer.of(
          served.versions().get(by), by == 0 ? Role.CHAMPION : Role.CANARY, scores[by][row]);
    }
    if (championInstead(event, row, served, ran)) {
      return Answer.of(served.champion(), Role.FALLBACK, scores[0][row]);
    }
    return previous != null && Double.isFinite(rescued[row])
        ? Answer.of(previous, Role.FALLBACK, rescued[row])
        : null;
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

  /**
   * Answers with the model's expression.
   *
   * @param version the one that was to answer; null where none is deployed
   */
  private void tellFallback(
      PendingEvent event,
      Serving.@Nullable Served served,
      Serving.@Nullable Version version,
      double score,
      boolean ran,
      List<Integer> shadows) {
    Double instead = fallback.score(event.event);
    if (instead == null) {
      metrics.unanswered.inc();
      out.refused(
          event,
          plan.letter(
              event.event, DeadLetter.Reason.NO_MODEL, noModel(event, version, score, ran)));
      return;
    }
    fallbackCause(version, ran).inc();
    Answer answer = new Answer(version, null, Role.FALLBACK, instead);
    out.served(event, prediction(event, served, answer, shadows));
  }

  /** The arm of the model's experiment that the event's unit is in; null where it is in none. */
  private ArmAssignment.@Nullable Arm arm(Event event) {
    ArmAssignment assigned = arms;
    ScoringPlan.Experiment experiment = plan.experiment();
    if (assigned == null || experiment == null) {
      return null;
    }
    String unit = ScoringPlan.unit(event, experiment);
    return unit == null ? null : assigned.of(unit);
  }

  private Counter fallbackCause(Serving.@Nullable Version version, boolean ran) {
    if (version == null) {
      return metrics.fallbacksNoModel;
    }
    return ran ? metrics.fallbacksNonFinite : metrics.fallbacksFailed;
  }

  private String noModel(
      PendingEvent event, Serving.@Nullable Version version, double score, boolean ran) {
    String unfit = version == null ? null : VersionRuns.unfit(version, event);
    String why =
        version == null
            ? "no version is deployed"
            : "version "
                + version.deployed().version()
                + " "
                + (unfit != null ? unfit : ran ? "gave the score " + score : "could not run");
    return "model " + plan.model() + ": " + why + fallback.why();
  }

  /**
   * The model's expression beside a deployed version carries its number, because that deployment
   * was in charge, and no sha256, because no artifact made the score.
   */
  private Prediction prediction(
      PendingEvent event, Serving.@Nullable Served served, Answer answer, List<Integer> shadows) {
    Serving.Version version = answer.version();
    InputPlan inputs = version == null ? plan.current() : version.inputs();
    ScoringPlan.Experiment experiment = plan.experiment();
    ArmAssignment.Arm arm = answer.role() == Role.SHADOW ? null : arm(event.event);
    return new Prediction(
        predictionIds.of(event.event.id()),
        event.event.id(),
        event.keysByEntity(plan, inputs),
        event.event.eventTimeMillis(),
        nowMillis.getAsLong(),
        plan.model(),
        version == null ? 0 : version.deployed().version(),
        answer.sha256(),
        answer.role(),
        arm == null || experiment == null ? null : experiment.name(),
        arm == null ? null : arm.name(),
        arm == null ? null : (Double) arm.propensity(),
        answer.score(),
        decisions.first(event.event.values(), answer.score()),
        inputValues.byName(event, inputs),
        event.freshnessByView(plan, inputs),
        served == null ? null : served.deployment().deploymentId(),
        event.rowsByView(plan, inputs),
        shadows,
        plan.segments(event.event));
  }
}
