package dev.millrace.trainer;

import dev.millrace.scoring.ModelRefusedException;
import dev.millrace.scoring.OnnxModel;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
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

  static ChampionComparison of(
      TrainingSet set, TrainingRun run, Optional<Champions.Champion> champion, long seed)
      throws IOException {
    if (champion.isEmpty()) {
      return new ChampionComparison(null, null, null);
    }
    Champions.Champion serving = champion.get();
    List<String> inputs = serving.inputs() == null ? set.inputs() : serving.inputs();
    if (!set.inputs().containsAll(inputs)) {
      return new ChampionComparison(
          serving.version(),
          null,
          "champion %d reads %s, of which the training set has only %s; promote by force if it is"
                  .formatted(serving.version(), inputs, set.inputs())
              + " meant so");
    }
    int holdoutFrom = run.parts().training() + run.parts().validation();
    double[] scores = new double[set.size()];
    try (OnnxModel model =
        OnnxModel.load(Path.of(URI.create(serving.uri())), serving.sha256(), inputs.size())) {
      int[] columns = inputs.stream().mapToInt(set::column).toArray();
      Trainer.score(model, set, columns, holdoutFrom, scores);
    } catch (ModelRefusedException e) {
      return new ChampionComparison(
          serving.version(),
          null,
          "champion %d cannot be scored: %s".formatted(serving.version(), e.getMessage()));
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
            Arrays.copyOfRange(run.scores(), holdoutFrom, set.size()),
            Arrays.copyOfRange(scores, holdoutFrom, set.size()),
            seed),
        null);
  }
}
