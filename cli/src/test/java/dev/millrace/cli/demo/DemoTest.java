package dev.millrace.cli.demo;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.millrace.cli.Millrace;
import dev.millrace.cli.demo.PredictionWatch.Seen;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;
import picocli.CommandLine;

class DemoTest {

  @Test
  void anExampleThatIsNotThereSaysSo() {
    StringWriter err = new StringWriter();
    CommandLine line = Millrace.commandLine();
    line.setErr(new PrintWriter(err, true));

    assertThat(line.execute("demo", "frauds", "--exit")).isEqualTo(2);
    assertThat(line.execute("demo", "--no-change")).isEqualTo(2);
    assertThat(err.toString())
        .contains("Cannot run demo frauds: there are [flights, fraud]")
        .contains("only fraud has them");
  }

  @Test
  void aPercentileIsTheLeastValueThatSoManyDoNotExceed() {
    Random random = new Random(11);
    for (int round = 0; round < 50; round++) {
      long[] nanos = random.longs(1 + random.nextInt(300), 0, 50_000_000).toArray();
      double share = random.nextInt(1, 101) / 100.0;

      double millis = new Latencies(nanos).percentileMillis(share);

      long covered = count(nanos, millis, 0);
      assertThat(covered).isGreaterThanOrEqualTo((long) Math.ceil(share * nanos.length));
      assertThat(count(nanos, millis, -1)).isLessThan((long) Math.ceil(share * nanos.length));
    }
    assertThat(new Latencies(new long[0]).percentileMillis(0.5)).isNaN();
  }

  /** How many values are at most {@code millis}, or less than it where {@code offset} is −1. */
  private static long count(long[] nanos, double millis, int offset) {
    long most = Math.round(millis * 1e6) + offset;
    long count = 0;
    for (long one : nanos) {
      count += one <= most ? 1 : 0;
    }
    return count;
  }

  @Test
  void waitingTimeBeginsWhenTheEventWasDue() {
    Map<String, Seen> seen =
        Map.of(
            "a", new Seen(5_000_000, "CHAMPION", 1, Map.of("v", "INCLUDED", "w", "STALE")),
            "b", new Seen(9_000_000, "CHAMPION", 1, Map.of("v", "INCLUDED", "w", "INCLUDED")),
            "other", new Seen(1, "FALLBACK", 0, Map.of()));

    LiveFigures figures = LiveFigures.of(Map.of("a", 2_000_000L, "b", 8_000_000L), seen, 0);

    assertThat(figures.departures()).isEqualTo(2);
    assertThat(figures.byRole()).isEqualTo(Map.of("CHAMPION", 2L));
    assertThat(figures.latencies().percentileMillis(0.5)).isEqualTo(1);
    assertThat(figures.latencies().maxMillis()).isEqualTo(3);
    assertThat(figures.freshnessShare("INCLUDED")).isEqualTo(0.75);
    assertThat(figures.freshnessShare("MISSING")).isZero();
  }

  @Test
  void anEventWithoutItsPredictionIsNotMeasuredAway() {
    assertThatThrownBy(() -> LiveFigures.of(Map.of("a", 1L), Map.of(), 0))
        .hasMessageContaining("event a");
  }
}
