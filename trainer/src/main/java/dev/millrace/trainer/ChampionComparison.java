package dev.millrace.trainer;

import dev.millrace.platform.ModelRevision;
import dev.millrace.scoring.ModelRefusedException;
import dev.millrace.scoring.OnnxModel;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * A new model beside the champion, on the same rows of the holdout, each scored once by each.
 *
 * @param champion its version; null where nobody serves
 * @param delta null where they were not compared
 * @param uncompared why not, where there is a champion
 */
record ChampionComparison(
    @Nullable Integer champion, @Nullable PairedDelta delta, @Nullable String uncompared) {

  /** Joins the rows of a window with the inputs that a model had. */
  interface Joins {
    /**
     * The set of the events in (start, end].
     *
     * @param was the model then
     */
    TrainingSet join(ModelRevision was, long startMillis, long endMillis);
  }

  /**
   * Compares.
   *
   * @param newScores of the new model for each row of the set
   */
  static ChampionComparison of(
      TrainingSet set,
      double[] newScores,
      int holdoutFrom,
      Optional<Champions.Champion> champion,
      long seed,
      Joins joins)
      throws IOException {
    if (champion.isEmpty()) {
      return new ChampionComparison(null, null, null);
    }
    Champions.Champion serving = champion.get();
    double[] scores;
    try {
      scores = scores(set, holdoutFrom, serving, joins);
    } catch (ModelRefusedException e) {
      return uncompared(serving, e.getMessage());
    } catch (TrainingException e) {
      if (!e.isFinal()) {
        throw e;
      }
      return uncompared(serving, e.getMessage());
    }
    for (int row = holdoutFrom; row < scores.length; row++) {
      if (!Double.isFinite(scores[row])) {
        return new ChampionComparison(
            serving.version(),
            null,
            "champion %d gives %s for event %s"
                .formatted(serving.version(), scores[row], set.eventIds()[row]));
      }
    }
    return new ChampionComparison(
        serving.version(),
        PairedDelta.of(
            Arrays.copyOfRange(set.timesMillis(), holdoutFrom, set.size()),
            Arrays.copyOfRange(set.labels(), holdoutFrom, set.size()),
            Arrays.copyOfRange(newScores, holdoutFrom, set.size()),
            Arrays.copyOfRange(scores, holdoutFrom, set.size()),
            seed),
        null);
  }

  private static ChampionComparison uncompared(Champions.Champion serving, @Nullable String why) {
    return new ChampionComparison(
        serving.version(),
        null,
        "champion %d cannot be scored: %s".formatted(serving.version(), why));
  }

  /** The champion's score of each row of the holdout, with the inputs that it was trained on. */
  private static double[] scores(
      TrainingSet set, int holdoutFrom, Champions.Champion serving, Joins joins)
      throws IOException {
    if (set.origin().views().entrySet().containsAll(serving.views().entrySet())) {
      double[] scores = new double[set.size()];
      score(serving, set, holdoutFrom, scores);
      return scores;
    }
    ModelRevision was = serving.trainedOn();
    if (was == null) {
      throw TrainingException.ofDefinition(
          "it was trained on definitions %s, which are no longer computed; promote by force if it is meant so"
              .formatted(serving.views()));
    }
    TrainingSet own = joins.join(was, set.timesMillis()[holdoutFrom] - 1, set.bounds().endMillis());
    double[] ownScores = new double[own.size()];
    score(serving, own, 0, ownScores);
    Map<String, Integer> rows = new HashMap<>();
    for (int row = 0; row < own.size(); row++) {
      rows.put(own.eventIds()[row], row);
    }
    double[] scores = new double[set.size()];
    for (int row = holdoutFrom; row < scores.length; row++) {
      Integer at = rows.get(set.eventIds()[row]);
      if (at == null) {
        throw TrainingException.ofData(
            "event %s has no label as the model was defined in revision %d; promote by force if it is meant so"
                .formatted(set.eventIds()[row], was.revision()));
      }
      scores[row] = ownScores[at];
    }
    return scores;
  }

  private static void score(Champions.Champion serving, TrainingSet set, int from, double[] scores)
      throws IOException {
    List<String> inputs = serving.inputs() == null ? set.inputs() : serving.inputs();
    if (!set.inputs().containsAll(inputs)) {
      throw TrainingException.ofDefinition(
          "it reads %s, of which the training set has only %s; promote by force if it is meant so"
              .formatted(inputs, set.inputs()));
    }
    try (OnnxModel model =
        OnnxModel.load(Path.of(URI.create(serving.uri())), serving.sha256(), inputs.size())) {
      int[] columns = inputs.stream().mapToInt(set::column).toArray();
      Trainer.score(model, set, columns, from, scores);
    }
  }
}
