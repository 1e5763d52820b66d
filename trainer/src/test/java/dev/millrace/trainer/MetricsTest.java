package dev.millrace.trainer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;

class MetricsTest {

  @Test
  void aucEqualsTheCountOfPairs() {
    Random random = new Random(11);
    for (int round = 0; round < 200; round++) {
      int n = 2 + random.nextInt(60);
      double[] scores = new double[n];
      double[] labels = new double[n];
      int levels = 1 + random.nextInt(20);
      for (int i = 0; i < n; i++) {
        scores[i] = random.nextInt(levels) / (double) levels;
        labels[i] = random.nextInt(3) == 0 ? 1 : 0;
      }
      double expected = naiveAuc(scores, labels);
      if (Double.isNaN(expected)) {
        assertThat(Metrics.of(scores, labels).auc()).isNaN();
      } else {
        assertThat(Metrics.of(scores, labels).auc()).isCloseTo(expected, within(1e-15));
      }
    }
  }

  /** Positives win 3 of 4 pairs; the losses are ln 10/9, ln 5/2, ln 20/13 and ln 5/4. */
  @Test
  void workedExample() {
    Metrics metrics = Metrics.of(new double[] {0.1, 0.4, 0.35, 0.8}, new double[] {0, 0, 1, 1});
    assertThat(metrics.count()).isEqualTo(4);
    assertThat(metrics.positives()).isEqualTo(2);
    assertThat(metrics.auc()).isEqualTo(0.75);
    assertThat(metrics.logLoss())
        .isCloseTo(
            -(Math.log(0.9) + Math.log(0.6) + Math.log(0.35) + Math.log(0.8)) / 4, within(1e-15));
    assertThat(metrics.meanPredicted()).isCloseTo(0.4125, within(1e-15));
    assertThat(metrics.observedRate()).isEqualTo(0.5);
    // Fewer rows than bins: each row is its own bin.
    assertThat(metrics.calibrationError()).isCloseTo((0.1 + 0.4 + 0.65 + 0.2) / 4, within(1e-15));
  }

  @Test
  void calibrationErrorIsZeroWhereEachBinKeepsItsPromise() {
    double[] scores = new double[1000];
    double[] labels = new double[1000];
    for (int i = 0; i < 1000; i++) {
      int bin = i / 100;
      scores[i] = bin / 10.0;
      labels[i] = i % 100 < bin * 10 ? 1 : 0;
    }
    assertThat(Metrics.of(scores, labels).calibrationError()).isCloseTo(0, within(1e-12));
  }

  @Test
  void rowsOfOneScoreShareABinWhateverTheirOrder() {
    double[] scores = new double[100];
    double[] labels = new double[100];
    Arrays.fill(scores, 0.25);
    for (int i = 0; i < 25; i++) {
      labels[i] = 1;
    }
    assertThat(Metrics.of(scores, labels).calibrationError()).isCloseTo(0, within(1e-12));
  }

  @Test
  void metricsDoNotDependOnTheOrderOfRows() {
    Random random = new Random(5);
    int n = 777;
    double[] scores = new double[n];
    double[] labels = new double[n];
    for (int i = 0; i < n; i++) {
      scores[i] = random.nextInt(50) / 50.0;
      labels[i] = random.nextDouble() < scores[i] ? 1 : 0;
    }
    Metrics before = Metrics.of(scores, labels);
    for (int i = n - 1; i > 0; i--) {
      int j = random.nextInt(i + 1);
      double s = scores[i];
      scores[i] = scores[j];
      scores[j] = s;
      double l = labels[i];
      labels[i] = labels[j];
      labels[j] = l;
    }
    Metrics after = Metrics.of(scores, labels);
    assertThat(after.auc()).isEqualTo(before.auc());
    assertThat(after.calibrationError()).isEqualTo(before.calibrationError());
    assertThat(after.logLoss()).isCloseTo(before.logLoss(), within(1e-12));
  }

  @Test
  void whatIsNoProbabilityOrLabelIsRefused() {
    assertThatThrownBy(() -> Metrics.of(new double[] {Double.NaN}, new double[] {0}))
        .hasMessageContaining("score is NaN");
    assertThatThrownBy(() -> Metrics.of(new double[] {0.5}, new double[] {0.5}))
        .hasMessageContaining("not 0 or 1");
    assertThatThrownBy(() -> Metrics.of(new double[] {0.5}, new double[] {}))
        .hasMessageContaining("1 scores against 0 labels");
  }

  private static double naiveAuc(double[] scores, double[] labels) {
    double wins = 0;
    long pairs = 0;
    for (int i = 0; i < scores.length; i++) {
      for (int j = 0; j < scores.length; j++) {
        if (labels[i] == 1 && labels[j] == 0) {
          pairs++;
          wins += scores[i] > scores[j] ? 1 : scores[i] == scores[j] ? 0.5 : 0;
        }
      }
    }
    return wins / pairs;
  }
}
