package dev.millrace.trainer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.millrace.core.definition.Model;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;

class TrainerTest {

  private static final long HOUR = Duration.ofHours(1).toMillis();
  private static final int ROWS = 5_000;
  static final Model.Training CONFIG =
      config(Map.of("trees", 60.0, "depth", 4.0, "eta", 0.2, "subsample", 0.7));

  private final Trainer trainer = new Trainer(message -> {});

  @Test
  void theSameSetAndSeedGiveTheSameBytes() {
    TrainingSet set = set(1);
    TrainingRun first = trainer.train(set, CONFIG, set.inputs());
    TrainingRun second = trainer.train(set(1), CONFIG, set.inputs());
    assertThat(second.sha256()).isEqualTo(first.sha256());
    assertThat(second.onnx()).isEqualTo(first.onnx());
    assertThat(second.holdout()).isEqualTo(first.holdout());
    assertThat(set(1).sha256()).isEqualTo(set.sha256());
    assertThat(trainer.train(set(2), CONFIG, set.inputs()).sha256()).isNotEqualTo(first.sha256());
  }

  @Test
  void partsAreCutByEventTime() {
    TrainingSet set = set(1);
    TrainingRun run = trainer.train(set, CONFIG, set.inputs());
    TrainingRun.Parts parts = run.parts();
    // One row an hour: the last 500 hours measure, the 400 before them validate.
    assertThat(parts.holdout()).isEqualTo(500);
    assertThat(parts.validation()).isEqualTo(400);
    assertThat(parts.training()).isEqualTo(ROWS - 900);
    assertThat(run.validation().count()).isEqualTo(400);
    assertThat(run.holdout().count()).isEqualTo(500);
    assertThat(set.timesMillis()[parts.training() - 1])
        .isLessThanOrEqualTo(parts.trainingUntilMillis());
    assertThat(set.timesMillis()[parts.training()]).isGreaterThan(parts.trainingUntilMillis());
  }

  @Test
  void whatTellsBeatsWhatDoesNot() {
    TrainingSet set = set(1);
    TrainingRun full = trainer.train(set, CONFIG, set.inputs());
    TrainingRun baseline = trainer.train(set, CONFIG, List.of("noise"));
    assertThat(full.holdout().auc()).isGreaterThan(0.75);
    assertThat(baseline.holdout().auc()).isLessThan(0.6);
    assertThat(baseline.inputs()).containsExactly("noise");
    // Nothing to learn: training ends early.
    assertThat(baseline.trees()).isLessThan(20);
  }

  @Test
  void theTrainingPartIsScoredByModelsThatDidNotSeeIt() {
    TrainingSet set = set(1);
    TrainingRun run = trainer.train(set, CONFIG, set.inputs());
    assertThat(run.crossFitting())
        .isEqualTo(new TrainingRun.CrossFitting(2, Duration.ofDays(1).toMillis()));
    assertThat(run.scores()).isEqualTo(trainer.train(set(1), CONFIG, set.inputs()).scores());
    assertThat(run.scores()).hasSize(ROWS);
    // Out of fold the training part looks like new events do.
    int training = run.parts().training();
    Metrics outOfFold =
        Metrics.of(Arrays.copyOf(run.scores(), training), Arrays.copyOf(set.labels(), training));
    assertThat(outOfFold.auc()).isBetween(run.holdout().auc() - 0.06, run.holdout().auc() + 0.06);

    // A row that says its label is believed by who saw it, and by nobody else.
    TrainingSet noise = set(1);
    Random random = new Random(3);
    for (int row = 0; row < ROWS; row++) {
      noise.labels()[row] = random.nextInt(2);
      noise.columns()[2][row] = row;
    }
    Model.Training deep =
        config(Map.of("trees", 60.0, "depth", 8.0, "eta", 0.5, "early_stopping_rounds", 0.0));
    TrainingRun learntByHeart = trainer.train(noise, deep, noise.inputs());
    assertThat(
            Metrics.of(
                    Arrays.copyOf(learntByHeart.scores(), training),
                    Arrays.copyOf(noise.labels(), training))
                .auc())
        .isBetween(0.45, 0.55);
  }

  @Test
  void tooFewDaysAreCutIntoHours() {
    TrainingSet hourly = set(1);
    long[] times = hourly.timesMillis().clone();
    for (int row = 0; row < ROWS; row++) {
      // All of one day.
      times[row] = HOUR * 24 * 100 + row * 17_000L;
    }
    TrainingSet set =
        new TrainingSet(
            hourly.project(),
            hourly.model(),
            new TrainingSet.Bounds(times[0] - 1, times[ROWS - 1], times[ROWS - 1]),
            hourly.inputs(),
            hourly.eventIds(),
            times,
            hourly.columns(),
            hourly.labels(),
            hourly.origin());
    Model.Training config =
        new Model.Training(
            "xgboost",
            Duration.ofDays(1),
            Duration.ofHours(2),
            Duration.ofHours(2),
            Map.of("trees", 20.0),
            7);
    assertThat(trainer.train(set, config, set.inputs()).crossFitting())
        .isEqualTo(new TrainingRun.CrossFitting(2, HOUR));
  }

  @Test
  void permutedLabelsTeachNothing() {
    TrainingSet set = set(1);
    TrainingRun run = trainer.trainOnPermutedLabels(set, CONFIG, set.inputs());
    assertThat(run.holdout().auc()).isBetween(0.35, 0.65);
    assertThat(run.holdout().positives())
        .isEqualTo(trainer.train(set, CONFIG, set.inputs()).holdout().positives());
    assertThat(set.labels()).isEqualTo(set(1).labels());
    assertThat(trainer.trainOnPermutedLabels(set(1), CONFIG, set.inputs()).sha256())
        .isEqualTo(run.sha256());
  }

  @Test
  void valuesBeyondFloatAreTheLargest() {
    TrainingSet set = set(1);
    set.columns()[2][5] = 1e300;
    set.columns()[2][6] = Double.NEGATIVE_INFINITY;
    assertThat(trainer.train(set, CONFIG, set.inputs()).holdout().auc()).isGreaterThan(0.75);
  }

  @Test
  void oneClassIsRefusedWithItsNumbers() {
    TrainingSet set = set(1);
    Arrays.fill(set.labels(), ROWS - 500, ROWS, 0);
    assertThatThrownBy(() -> trainer.train(set, CONFIG, set.inputs()))
        .isInstanceOf(TrainingException.class)
        .hasMessageContaining("of the 500 labelled events of its holdout part 0 are positive");
    set.labels()[3] = 0.5;
    assertThatThrownBy(() -> trainer.train(set, CONFIG, set.inputs()))
        .hasMessageContaining("the label of event 3 is 0.5");
  }

  @Test
  void unknownParametersAreRefusedByName() {
    TrainingSet set = set(1);
    assertThatThrownBy(
            () -> trainer.train(set, config(Map.of("forests", 3.0, "depht", 2.0)), set.inputs()))
        .hasMessageContaining("parameters [depht, forests]");
    assertThatThrownBy(() -> trainer.train(set, config(Map.of("trees", 1.5)), set.inputs()))
        .hasMessageContaining("trees 1.5");
  }

  private static Model.Training config(Map<String, Double> parameters) {
    return new Model.Training(
        "xgboost",
        Duration.ofHours(ROWS),
        Duration.ofHours(400),
        Duration.ofHours(500),
        parameters,
        7);
  }

  static TrainingSet set(long seed) {
    Random random = new Random(seed);
    String[] ids = new String[ROWS];
    long[] times = new long[ROWS];
    double[][] columns = new double[3][ROWS];
    double[] labels = new double[ROWS];
    for (int row = 0; row < ROWS; row++) {
      ids[row] = String.valueOf(row);
      times[row] = (row + 1) * HOUR;
      columns[0][row] = random.nextInt(4) == 0 ? Double.NaN : random.nextGaussian();
      columns[1][row] = random.nextInt(24);
      columns[2][row] = random.nextDouble();
      double z =
          (Double.isNaN(columns[0][row]) ? -1 : 2 * columns[0][row]) + columns[1][row] / 12 - 1;
      labels[row] = random.nextDouble() < 1 / (1 + Math.exp(-z)) ? 1 : 0;
    }
    return new TrainingSet(
        "flights",
        "delay_risk",
        new TrainingSet.Bounds(0, ROWS * HOUR, ROWS * HOUR),
        List.of("delay_mean", "hour", "noise"),
        ids,
        times,
        columns,
        labels,
        new TrainingSet.Origin(Map.of(), Map.of(), ROWS, 0, 0, 0));
  }
}
