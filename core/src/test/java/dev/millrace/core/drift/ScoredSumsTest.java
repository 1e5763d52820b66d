package dev.millrace.core.drift;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

class ScoredSumsTest {

  private record Scored(double score, double label) {}

  @Test
  void agreesWithTheFormulas() {
    Random random = new Random(5);
    for (int round = 0; round < 50; round++) {
      List<Scored> events = events(random, 30 + random.nextInt(400));
      ScoredSums sums = new ScoredSums();
      events.forEach(e -> sums.add(e.score, e.label));
      assertThat(sums.value(Statistic.LOG_LOSS))
          .isCloseTo(
              events.stream()
                  .mapToDouble(e -> -Math.log(e.label == 1 ? clip(e.score) : 1 - clip(e.score)))
                  .average()
                  .orElseThrow(),
              within(1e-8));
      assertThat(sums.value(Statistic.BRIER))
          .isCloseTo(
              events.stream()
                  .mapToDouble(e -> (e.score - e.label) * (e.score - e.label))
                  .average()
                  .orElseThrow(),
              within(1e-8));
      assertThat(sums.value(Statistic.CALIBRATION_ERROR))
          .isCloseTo(calibrationError(events), within(1e-8));
      if (events.stream().mapToDouble(Scored::label).sum() >= ScoredSums.CLASS_MIN) {
        // Scores within a 1,000th of the log-odds' range count as tied.
        assertThat(sums.value(Statistic.AUC)).isCloseTo(auc(events), within(0.01));
      }
    }
  }

  @Test
  void doNotDependOnOrderOrOnHowTheyWereSummedUp() {
    Random random = new Random(6);
    List<Scored> events = new ArrayList<>(events(random, 500));
    ScoredSums once = new ScoredSums();
    events.forEach(e -> once.add(e.score, e.label));
    Collections.shuffle(events, random);
    ScoredSums first = new ScoredSums();
    ScoredSums second = new ScoredSums();
    events.forEach(e -> (random.nextBoolean() ? first : second).add(e.score, e.label));
    first.add(ScoredSums.of(second.all()));
    assertThat(first.all()).isEqualTo(once.all());
    assertThat(first.value(Statistic.AUC)).isEqualTo(once.value(Statistic.AUC));
  }

  @Test
  void aucOfAWorkedExample() {
    // Every positive above every negative but one pair, and one pair tied.
    ScoredSums sums = new ScoredSums();
    for (int i = 0; i < 25; i++) {
      sums.add(0.1, 0);
    }
    for (int i = 0; i < 4; i++) {
      sums.add(0.8, 1);
    }
    sums.add(0.1, 1);
    assertThat(sums.value(Statistic.AUC)).isEqualTo((4 * 25 + 25 / 2.0) / (5 * 25));
  }

  @Test
  void fewLabelsSayNothing() {
    ScoredSums sums = new ScoredSums();
    for (int i = 0; i < ScoredSums.LABELS_MIN - 1; i++) {
      sums.add(0.5, i % 2);
    }
    sums.addUnlabelled();
    assertThat(sums.value(Statistic.LOG_LOSS)).isNaN();
    assertThat(sums.scored()).isEqualTo(ScoredSums.LABELS_MIN);
    sums.add(0.5, 0);
    assertThat(sums.value(Statistic.LOG_LOSS)).isCloseTo(Math.log(2), within(1e-9));
  }

  @Test
  void aResidualIsZeroOnAverageWhereTheScoreIsTheTruth() {
    for (double p : new double[] {0.001, 0.2, 0.5, 0.97}) {
      assertThat(p * Loss.residual(p, 1) + (1 - p) * Loss.residual(p, 0))
          .isCloseTo(0, within(1e-12));
      double entropy = -p * Math.log(p) - (1 - p) * Math.log(1 - p);
      assertThat(Loss.residual(p, 1)).isCloseTo(-Math.log(p) - entropy, within(1e-12));
    }
    assertThat(Loss.log(0, 1)).isCloseTo(-Math.log(1e-6), within(1e-9));
    assertThat(Loss.log(1, 0)).isCloseTo(-Math.log(1e-6), within(1e-9));
  }

  private static List<Scored> events(Random random, int n) {
    List<Scored> events = new ArrayList<>();
    for (int i = 0; i < n; i++) {
      double score = 1 / (1 + Math.exp(4 - 3 * random.nextGaussian()));
      events.add(new Scored(score, random.nextDouble() < score ? 1 : 0));
    }
    return events;
  }

  private static double clip(double score) {
    return Math.max(1e-6, Math.min(1 - 1e-6, score));
  }

  private static double calibrationError(List<Scored> events) {
    double error = 0;
    for (int bin = 0; bin < 10; bin++) {
      double low = bin / 10.0;
      double high = bin == 9 ? 2 : (bin + 1) / 10.0;
      List<Scored> in = events.stream().filter(e -> e.score >= low && e.score < high).toList();
      if (!in.isEmpty()) {
        double score = in.stream().mapToDouble(Scored::score).average().orElseThrow();
        double label = in.stream().mapToDouble(Scored::label).average().orElseThrow();
        error += Math.abs(score - label) * in.size() / events.size();
      }
    }
    return error;
  }

  private static double auc(List<Scored> events) {
    double pairs = 0;
    double wins = 0;
    for (Scored positive : events) {
      for (Scored negative : events) {
        if (positive.label == 1 && negative.label == 0) {
          pairs++;
          wins += positive.score > negative.score ? 1 : positive.score == negative.score ? 0.5 : 0;
        }
      }
    }
    return wins / pairs;
  }
}
