package dev.millrace.core.drift;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.Random;
import java.util.stream.DoubleStream;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/**
 * The places at which MOA 2024.07.0 alarms with its defaults (30 values at least, delta .005,
 * lambda 50), over streams of {@link Random}: its CUSUM is our test with a running mean, its
 * Page-Hinkley the variant that fades by .9999 and is not clamped.
 */
class PageHinkleyTest {

  private static final int MIN_VALUES = 30;

  @Test
  void aRiseOfARate() {
    assertAlarms(bernoulli(42, 0.2, 1000, 0.8, 1000), 1074, 1073);
    assertAlarms(bernoulli(42, 0.1, 2000, 0.3, 2000), 2151, 2133);
  }

  @Test
  void aStep() {
    assertAlarms(DoubleStream.concat(constant(0, 1000), constant(1, 1000)).toArray(), 1056, 1051);
    Random random = new Random(42);
    assertAlarms(
        IntStream.range(0, 2000)
            .mapToDouble(i -> (i < 1000 ? 0 : 1) + random.nextGaussian())
            .toArray(),
        1080,
        1043);
  }

  @Test
  void moreFrequentOnes() {
    assertAlarms(
        IntStream.range(0, 2000)
            .mapToDouble(i -> i < 1000 ? (i % 10 == 9 ? 1 : 0) : ((i - 1000) % 3 == 2 ? 1 : 0))
            .toArray(),
        1260,
        1242);
  }

  @Test
  void noChangeAndAFallAreNoAlarm() {
    assertAlarms(bernoulli(7, 0.5, 2000, 0.5, 0), -1, -1);
    assertAlarms(DoubleStream.concat(constant(1, 1000), constant(0, 1000)).toArray(), -1, -1);
  }

  @Test
  void clampingAtZeroIsTrackingTheLowestPoint() {
    Random random = new Random(1);
    PageHinkley test = new PageHinkley(0.1, Double.POSITIVE_INFINITY, 0.01);
    double sum = 0;
    double lowest = 0;
    for (int i = 0; i < 10_000; i++) {
      double value = random.nextGaussian();
      sum += value - 0.1 - 0.01;
      lowest = Math.min(lowest, sum);
      assertThat(test.add(value, i)).isCloseTo(sum - lowest, within(1e-9));
    }
  }

  @Test
  void goesOnFromItsStateAndKnowsWhereTheRiseBegan() {
    PageHinkley test = new PageHinkley(0.0, Double.POSITIVE_INFINITY, 0.5);
    test.add(2, 100);
    test.add(-9, 200);
    test.add(1, 300);
    PageHinkley next = new PageHinkley(0.0, Double.POSITIVE_INFINITY, 0.5);
    next.restore(test.state());
    assertThat(next.add(1, 400)).isEqualTo(1.0);
    assertThat(next.sinceMillis()).isEqualTo(300);
    assertThat(next.count()).isEqualTo(4);
  }

  @Test
  void theReferenceMeanCountsForItsWeightAndThenFollows() {
    PageHinkley test = new PageHinkley(0.5, 100, 0.125);
    double sum = 0;
    double mean = 0.5;
    for (int i = 1; i <= 300; i++) {
      mean = (100 * 0.5 + i * 1.0) / (100 + i);
      sum = Math.max(0, sum + 1 - mean - 0.125);
      assertThat(test.add(1, i)).isCloseTo(sum, within(1e-9));
    }
    assertThat(mean).isEqualTo(0.875);
    assertThat(test.add(1, 301)).as("what was a rise has become the mean").isLessThan(sum);
  }

  private static void assertAlarms(double[] values, int pageHinkley, int cusum) {
    assertThat(firstAlarm(values, new PageHinkley(0, 0, 0.005, 0.9999, false)))
        .as("PageHinkleyDM")
        .isEqualTo(pageHinkley);
    assertThat(firstAlarm(values, new PageHinkley(0, 0, 0.005))).as("CusumDM").isEqualTo(cusum);
  }

  private static int firstAlarm(double[] values, PageHinkley test) {
    for (int i = 0; i < values.length; i++) {
      double statistic = test.add(values[i], i);
      if (test.count() + 1 >= MIN_VALUES && statistic > 50) {
        return i;
      }
    }
    return -1;
  }

  private static double[] bernoulli(long seed, double p1, int n1, double p2, int n2) {
    Random random = new Random(seed);
    return IntStream.range(0, n1 + n2)
        .mapToDouble(i -> random.nextDouble() < (i < n1 ? p1 : p2) ? 1 : 0)
        .toArray();
  }

  private static DoubleStream constant(double value, int n) {
    return DoubleStream.generate(() -> value).limit(n);
  }
}
