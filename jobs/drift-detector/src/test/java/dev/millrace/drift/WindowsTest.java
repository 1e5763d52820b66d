package dev.millrace.drift;

import static dev.millrace.drift.Payments.DAY;
import static dev.millrace.drift.Payments.HOUR;
import static dev.millrace.drift.Payments.START;
import static dev.millrace.drift.Payments.WAIT;
import static dev.millrace.drift.Payments.served;
import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.core.drift.Measure.Status;
import dev.millrace.core.drift.Statistic;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.apache.flink.runtime.checkpoint.OperatorSubtaskState;
import org.apache.flink.streaming.api.operators.OneInputStreamOperator;
import org.apache.flink.streaming.api.watermark.Watermark;
import org.apache.flink.streaming.util.OneInputStreamOperatorTestHarness;
import org.junit.jupiter.api.Test;

class WindowsTest {

  private static final DriftPlan PLAN = Payments.plan();
  private static final Payments.Profiles PROFILES = Payments.Profiles.make();

  @Test
  void countsGoOnWithTheWindowAndWithACheckpoint() throws Exception {
    try (var harness = harness(new BinCounting(PLAN), BinCounts.Serializer.INSTANCE)) {
      harness.open();
      harness.processElement(served("a", START, 1, 0.3), START);
      harness.processElement(served("b", START + 1, 1, 0.3), START + 1);
      harness.processWatermark(new Watermark(START + HOUR - 2));
      assertThat(harness.extractOutputValues()).isEmpty();
      harness.prepareSnapshotPreBarrier(1);
      assertThat(harness.extractOutputValues())
          .extracting(c -> c.segment() + " " + c.events()[0] + " " + c.counts()[0])
          .containsExactlyInAnyOrder("null 2 2", "channel=web 2 2");
      harness.processElement(served("c", START + 2, 1, 0.3), START + 2);
      harness.processWatermark(new Watermark(START + HOUR - 1));
      assertThat(harness.extractOutputValues()).hasSize(4);
      harness.processElement(served("d", START, 1, 0.3).binned(Scored.NO_BINS), START);
      harness.prepareSnapshotPreBarrier(2);
      assertThat(harness.extractOutputValues()).as("nothing is known of its version").hasSize(4);
    }
  }

  @Test
  void anOpenDriftWindowSurvivesARestoreAndLeavesNothing() throws Exception {
    OperatorSubtaskState snapshot;
    try (var harness = harness(new DriftWindows(PLAN, PROFILES), Measured.Serializer.INSTANCE)) {
      harness.open();
      harness.processElement(counts(START, 20), START);
      harness.processElement(counts(START + HOUR, 5), START + HOUR);
      snapshot = harness.snapshot(1, 1);
    }
    try (var harness = harness(new DriftWindows(PLAN, PROFILES), Measured.Serializer.INSTANCE)) {
      harness.initializeState(snapshot);
      harness.open();
      harness.processElement(counts(START, 30), START);
      harness.processWatermark(new Watermark(START + HOUR - 1));
      assertThat(harness.extractOutputValues())
          .hasSize(4 + 3 + 3)
          .allSatisfy(m -> assertThat(m.count()).isEqualTo(50))
          .allSatisfy(m -> assertThat(m.windowStartMillis()).isEqualTo(START));
      harness.processElement(counts(START, 1), START);
      harness.processWatermark(new Watermark(START + 2 * HOUR));
      assertThat(harness.extractOutputValues()).hasSize(20);
      assertThat(harness.extractOutputValues().get(19).measure().status())
          .isEqualTo(Status.TOO_FEW_EVENTS);
      snapshot = harness.snapshot(2, 2);
    }
    try (var harness = harness(new DriftWindows(PLAN, PROFILES), Measured.Serializer.INSTANCE)) {
      harness.initializeState(snapshot);
      harness.open();
      harness.processWatermark(new Watermark(Long.MAX_VALUE));
      assertThat(harness.extractOutputValues()).as("nothing was left").isEmpty();
    }
  }

  @Test
  void theTestOfAVersionGoesOnOverWindowsAndRestores() throws Exception {
    List<Double> whole = pageHinkley(false);
    assertThat(whole).hasSize(3);
    assertThat(whole.get(2)).isGreaterThan(whole.get(0));
    assertThat(pageHinkley(true)).isEqualTo(whole);
  }

  private static List<Double> pageHinkley(boolean restored) throws Exception {
    List<Double> statistics = new ArrayList<>();
    OperatorSubtaskState snapshot = null;
    var harness = harness(new PerformanceWindows(PLAN, PROFILES), Measured.Serializer.INSTANCE);
    harness.open();
    for (int window = 0; window < 3; window++) {
      long start = START + window * HOUR;
      harness.processElement(scores(start), start);
      if (restored) {
        snapshot = harness.snapshot(window, window);
        harness.close();
        harness = harness(new PerformanceWindows(PLAN, PROFILES), Measured.Serializer.INSTANCE);
        harness.initializeState(snapshot);
        harness.open();
      }
      int before = harness.extractOutputValues().size();
      harness.processWatermark(new Watermark(start + HOUR + WAIT - 2));
      assertThat(harness.extractOutputValues()).hasSize(before);
      harness.processWatermark(new Watermark(start + HOUR + WAIT - 1));
      harness.extractOutputValues().stream()
          .skip(before)
          .filter(m -> m.measure().statistic() == Statistic.PAGE_HINKLEY)
          .forEach(m -> statistics.add(m.measure().value()));
    }
    harness.processWatermark(new Watermark(START + 30 * DAY));
    snapshot = harness.snapshot(9, 9);
    harness.close();
    try (var after =
        harness(new PerformanceWindows(PLAN, PROFILES), Measured.Serializer.INSTANCE)) {
      after.initializeState(snapshot);
      after.open();
      after.processElement(scores(START + 31 * DAY), 0);
      after.processWatermark(new Watermark(Long.MAX_VALUE));
      assertThat(after.extractOutputValues())
          .as("a version that was away for a season starts anew")
          .filteredOn(m -> m.measure().statistic() == Statistic.PAGE_HINKLEY)
          .extracting(m -> m.measure().value())
          .containsExactly(statistics.get(0));
    }
    return statistics;
  }

  @Test
  void aWindowWithoutAnyLabelIsToldAndAlarmsNothing() throws Exception {
    try (var harness =
        harness(new PerformanceWindows(PLAN, PROFILES), Measured.Serializer.INSTANCE)) {
      harness.open();
      WindowScores scores = new WindowScores(START);
      for (int i = 0; i < 100; i++) {
        scores.add(
            new Matured(served("e" + i, START + i, 1, 0.5), Double.NaN, new int[0], new double[0]),
            PLAN);
      }
      harness.processElement(scores, START);
      harness.processWatermark(new Watermark(START + HOUR + WAIT));
      assertThat(harness.extractOutputValues())
          .hasSize(4 + 4 + 1)
          .allSatisfy(m -> assertThat(m.measure().status()).isEqualTo(Status.TOO_FEW_LABELS))
          .allSatisfy(m -> assertThat(m.measure().value()).isNull())
          .allSatisfy(m -> assertThat(m.count()).isEqualTo(100))
          .allSatisfy(m -> assertThat(m.labelled()).isZero());
    }
  }

  @Test
  void aFallbackIsComparedWithNothing() {
    WindowScores scores = new WindowScores(START);
    // Version 3 was to answer and had no score.
    Scored fallback =
        new Scored(
            "e",
            START,
            3,
            Role.FALLBACK,
            0.5,
            new String[] {"web"},
            new int[] {1, 2},
            Scored.NO_INPUTS,
            Scored.NO_BINS,
            null);
    scores.add(new Matured(fallback, 1, new int[] {1, 2}, new double[] {0.2, 0.9}), PLAN);
    assertThat(scores.pairs().keySet()).containsExactly(new WindowScores.Pair(2, 1));
  }

  @Test
  void ofManySegmentsTheLargestAreTold() {
    Random random = new Random(1);
    Segments segments = new Segments();
    java.util.Map<String, Long> sizes = new java.util.HashMap<>();
    for (int i = 0; i < 20_000; i++) {
      int value = (int) Math.min(999, Math.abs(random.nextGaussian()) * 200);
      for (String segment : segments.of(PLAN, new String[] {"v" + value})) {
        if (segment != null) {
          sizes.merge(segment, 1L, Long::sum);
        }
      }
    }
    var told = Segments.told(sizes.keySet(), s -> sizes.getOrDefault(s, 0L));
    assertThat(told.values().stream().distinct()).hasSize(Segments.TOLD_MAX + 1);
    assertThat(told.values()).contains("channel=other");
    assertThat(sizes.size()).as("what a window keeps").isLessThanOrEqualTo(501);
    assertThat(sizes.values().stream().mapToLong(s -> s).sum()).isEqualTo(20_000);
  }

  /** Labelled events, one in four a positive that its score did not expect. */
  private static WindowScores scores(long start) {
    WindowScores scores = new WindowScores(start);
    for (int i = 0; i < 100; i++) {
      scores.add(
          new Matured(
              served("e" + i, start + i, 1, 0.05), i % 4 == 0 ? 1 : 0, new int[0], new double[0]),
          PLAN);
    }
    return scores;
  }

  private static BinCounts counts(long start, int events) {
    BinCounts counts = BinCounts.none(1, start, null, 3);
    for (int i = 0; i < events; i++) {
      counts.add(new byte[] {0, 1, 2});
    }
    return counts;
  }

  private static <I, O> OneInputStreamOperatorTestHarness<I, O> harness(
      OneInputStreamOperator<I, O> operator,
      org.apache.flink.api.common.typeutils.TypeSerializer<O> output)
      throws Exception {
    OneInputStreamOperatorTestHarness<I, O> harness =
        new OneInputStreamOperatorTestHarness<>(operator);
    harness.setup(output);
    return harness;
  }
}
