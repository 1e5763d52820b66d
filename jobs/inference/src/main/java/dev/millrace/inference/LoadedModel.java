package dev.millrace.inference;

import dev.millrace.core.model.DeployedVersion;
import dev.millrace.core.row.Numbers;
import dev.millrace.scoring.RunEndedException;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** The versions of a model and all that scoring with them on request takes. For one thread. */
final class LoadedModel implements AutoCloseable {

  private final ScoringPlan plan;
  private final OnRequestEnds ends;
  private final Serving serving;
  private final FeatureLookup lookup;
  private final BatchScoring scoring;
  private final Answers answers = new Answers();
  private final InferenceMetrics metrics;
  private int taken;

  /**
   * Nothing is loaded yet.
   *
   * @param metrics of the model, also of those that were loaded before
   */
  LoadedModel(ScoringPlan plan, OnRequestEnds ends, InferenceMetrics metrics) {
    this.plan = plan;
    this.ends = ends;
    this.metrics = metrics;
    this.serving =
        new Serving(
            plan,
            ends.models(),
            ends.threads().start("load-" + plan.model(), LoadedModel.class.getClassLoader()),
            metrics);
    this.lookup = new FeatureLookup(plan, ends.features().open(), ends.clock(), metrics);
    this.scoring = new BatchScoring(plan, metrics, ends.clock(), ends.nowMillis(), answers);
  }

  /** Takes the log as it is and loads who serves now before it returns. */
  void open(List<DeploymentRecord> log) {
    serving.open(log);
    taken = log.size();
  }

  /** How many entries of the log were taken. */
  int taken() {
    return taken;
  }

  @Override
  public void close() {
    try {
      serving.close();
    } finally {
      lookup.close();
    }
  }

  /** Answers all of them; the events among them are one batch. */
  void answer(List<Ask> asks) {
    scoreAll(asks);
    for (Ask ask : asks) {
      if (passedOver(ask)) {
        continue;
      }
      if (ask instanceof Ask.Infer infer) {
        infer(infer);
      } else if (ask instanceof Ask.Describe describe) {
        describe(describe);
      }
    }
    // Whoever has an answer keeps it.
    asks.forEach(a -> a.fail(new IllegalStateException("Cannot answer: nothing came of it")));
  }

  /** Fails what nobody waits for any more: it would only keep others waiting. */
  private boolean passedOver(Ask ask) {
    if (!ask.isOver(ends.clock().nanoTime())) {
      return false;
    }
    ask.fail(
        new RequestRefusedException(
            RequestRefusedException.UNAVAILABLE,
            "Cannot score with model "
                + plan.model()
                + ": it waited too long for its turn; come again later"));
    return true;
  }

  /** Takes the deployments that came since. */
  void follow(List<DeploymentRecord> since) {
    var unusedHowItEnded = serving.poll();
    taken += since.size();
    for (DeploymentRecord record : since) {
      if (serving.isNew(record)) {
        serving.accept(record);
      }
    }
  }

  private void scoreAll(List<Ask> asks) {
    List<PendingEvent> batch = new ArrayList<>();
    for (Ask ask : asks) {
      if (ask instanceof Ask.Score score && !passedOver(ask)) {
        PendingEvent event = pending(score);
        if (event != null) {
          event.served = serving.at(event.event.eventTimeMillis());
          answers.expect(event, score.answer());
          batch.add(event);
        }
      }
    }
    if (batch.isEmpty()) {
      return;
    }
    try {
      // An event that was not produced is in no row: nobody waits for one to include it.
      var unusedWhetherRead = lookup.read(batch);
      int most = Math.max(1, serving.batchRows());
      for (int from = 0; from < batch.size(); from += most) {
        scoring.score(batch.subList(from, Math.min(batch.size(), from + most)));
      }
    } finally {
      answers.clear();
    }
  }

  private @Nullable PendingEvent pending(Ask.Score ask) {
    @Nullable String[] keys = new String[plan.views().size()];
    for (int v = 0; v < keys.length; v++) {
      keys[v] = plan.views().get(v).entityKey(ask.event());
    }
    ViewRead unkeyed = plan.unkeyed(keys);
    if (unkeyed != null) {
      ask.answer().complete(new Ask.Scored(null, plan.nullKey(ask.event(), unkeyed)));
      return null;
    }
    return new PendingEvent(
        ask.event(), ask.event().eventTimeMillis(), keys, null, plan.inputCount());
  }

  private void infer(Ask.Infer ask) {
    try {
      Serving.Version version = version(ask.version());
      List<String> names = version.inputs().inputNames();
      Object[][] rows = ask.request().values(version.scorer().tensors(), names);
      ask.answer().complete(new Ask.Inferred(version.deployed().version(), scores(version, rows)));
    } catch (RunEndedException e) {
      // Whether the version is left out is not for a client's rows to decide.
      metrics.runsEnded.inc();
      ask.fail(e);
    } catch (RequestRefusedException | IllegalStateException e) {
      // A model that cannot run is no reason to load it anew.
      ask.fail(e);
    }
  }

  private double[] scores(Serving.Version version, Object[][] rows) throws RequestRefusedException {
    Scorer scorer = version.scorer();
    double[] scores = new double[rows.length];
    try {
      for (int from = 0; from < rows.length; from += plan.maxRows()) {
        score(scorer, version.inputs(), rows, from, scores);
      }
    } finally {
      scorer.end();
    }
    return scores;
  }

  private void score(Scorer scorer, InputPlan inputs, Object[][] rows, int from, double[] scores)
      throws RequestRefusedException {
    int count = Math.min(plan.maxRows(), rows.length - from);
    for (int row = 0; row < count; row++) {
      Object[] values = rows[from + row];
      int next = 0;
      for (int column = 0; column < inputs.inputs().size(); column++) {
        if (inputs.isVector(column)) {
          double[] vector = new double[scorer.width(column)];
          for (int i = 0; i < vector.length; i++) {
            vector[i] = (Double) values[next++];
          }
          scorer.put(row, column, Numbers.of(vector));
        } else if (values[next] instanceof Double number) {
          scorer.put(row, column, number);
          next++;
        } else {
          scorer.put(row, column, values[next++].toString());
        }
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

  private void describe(Ask.Describe ask) {
    try {
      Serving.Version version = version(ask.version());
      ask.answer()
          .complete(
              new Ask.Described(
                  versions().stream().map(v -> v.deployed().version()).distinct().toList(),
                  version.scorer().tensors(),
                  version.inputs().inputNames()));
    } catch (RequestRefusedException e) {
      ask.fail(e);
    }
  }

  private Serving.Version version(@Nullable Integer wanted) throws RequestRefusedException {
    List<Serving.Version> versions = versions();
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
  private List<Serving.Version> versions() {
    Serving.Served served = serving.at(ends.nowMillis().getAsLong());
    return served == null ? List.of() : served.versions();
  }
}
