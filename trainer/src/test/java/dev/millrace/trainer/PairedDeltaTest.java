package dev.millrace.trainer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.time.Duration;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;

class PairedDeltaTest {

  private static final int ROWS = 3_000;
  private static final long[] TIMES = new long[ROWS];
  private static final double[] LABELS = new double[ROWS];
  private static final double[] GOOD = new double[ROWS];
  private static final double[] POOR = new double[ROWS];

  static {
    Random random = new Random(5);
    long step = Duration.ofDays(1).toMillis() / ROWS;
    for (int i = 0; i < ROWS; i++) {
      TIMES[i] = 1 + i * step;
      double x = random.nextGaussian();
      double truth = 1 / (1 + Math.exp(-2 * x));
      LABELS[i] = random.nextDouble() < truth ? 1 : 0;
      GOOD[i] = truth;
      // With ties, as trees have.
      POOR[i] = Math.rint(4 / (1 + Math.exp(-0.5 * x - random.nextGaussian()))) / 4;
    }
  }

  @Test
  void theValueIsTheDifferenceOfTheMetrics() {
    PairedDelta delta = PairedDelta.of(TIMES, LABELS, GOOD, POOR, 7);
    Metrics good = Metrics.of(GOOD, LABELS);
    Metrics poor = Metrics.of(POOR, LABELS);
    assertThat(delta.auc().value()).isCloseTo(good.auc() - poor.auc(), within(1e-12));
    assertThat(delta.logLoss().value()).isCloseTo(poor.logLoss() - good.logLoss(), within(1e-12));
    assertThat(delta.blocks()).isEqualTo(24);
    assertThat(delta.blockMillis()).isEqualTo(Duration.ofHours(1).toMillis());
  }

  @Test
  void aBetterModelIsBetterForSureAndTheSameIsNot() {
    PairedDelta better = PairedDelta.of(TIMES, LABELS, GOOD, POOR, 7);
    assertThat(better.auc().low()).isPositive().isLessThan(better.auc().value());
    assertThat(better.auc().high()).isGreaterThan(better.auc().value());
    assertThat(better.logLoss().low()).isPositive();
    PairedDelta worse = PairedDelta.of(TIMES, LABELS, POOR, GOOD, 7);
    assertThat(worse.auc().high()).isNegative();
    PairedDelta same = PairedDelta.of(TIMES, LABELS, GOOD, GOOD, 7);
    assertThat(same.auc()).isEqualTo(new PairedDelta.Bounds(0, 0, 0));
    assertThat(same.logLoss()).isEqualTo(new PairedDelta.Bounds(0, 0, 0));
    assertThat(PairedDelta.of(TIMES, LABELS, GOOD, POOR, 7)).isEqualTo(better);
  }

  /** A draw that is drawn again by repeating rows, and measured by the other implementation. */
  @Test
  void theBoundsAreThoseOfRepeatedRows() {
    PairedDelta delta = PairedDelta.of(TIMES, LABELS, GOOD, POOR, 7);
    double[] differences = new double[PairedDelta.DRAWS];
    Random random = new Random(7);
    int[][] hours = new int[24][];
    for (int hour = 0; hour < 24; hour++) {
      int at = hour;
      hours[hour] =
          java.util.stream.IntStream.range(0, ROWS)
              .filter(i -> (TIMES[i] - 1) / Duration.ofHours(1).toMillis() == at)
              .toArray();
    }
    for (int draw = 0; draw < differences.length; draw++) {
      int[] rows = {};
      for (int i = 0; i < 24; i++) {
        int[] block = hours[random.nextInt(24)];
        int size = rows.length;
        rows = Arrays.copyOf(rows, size + block.length);
        System.arraycopy(block, 0, rows, size, block.length);
      }
      double[] labels = taken(LABELS, rows);
      differences[draw] =
          Metrics.of(taken(GOOD, rows), labels).auc() - Metrics.of(taken(POOR, rows), labels).auc();
    }
    Arrays.sort(differences);
    assertThat(delta.auc().low()).isCloseTo(differences[24], within(1e-9));
    assertThat(delta.auc().high()).isCloseTo(differences[975], within(1e-9));
  }

  private static double[] taken(double[] values, int[] rows) {
    return Arrays.stream(rows).mapToDouble(row -> values[row]).toArray();
  }
}
