package dev.millrace.core.drift;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.HashSet;
import java.util.Objects;
import java.util.Set;
import org.junit.jupiter.api.Test;

/** How often thresholds alarm on traffic like the reference, and whether they see a change. */
class FalseAlarmsTest {

  private static final int NEVER = 100_000;
  private static final int REFERENCE_DAYS = 28;
  private static final int LIVE_DAYS = 60;
  private static final int EVENTS_PER_DAY = 3_000;
  private static final int SEEDS = 5;

  @Test
  void withoutAChangeAlarmsKeepToTheBudgetAndAChangeIsSeen() {
    int daysWithAlarm = 0;
    for (long seed = 1; seed <= SEEDS; seed++) {
      SimulatedTraffic reference =
          new SimulatedTraffic(seed, 0, REFERENCE_DAYS, EVENTS_PER_DAY, NEVER);
      ReferenceProfile profile =
          ReferenceProfile.of(
              "m", reference.reference(0, REFERENCE_DAYS), SimulatedTraffic.hourly(1, 30), 7);
      assertThat(profile.slots()).isEqualTo(SlotScheme.HOUR_OF_DAY_BY_WORKDAY);
      daysWithAlarm +=
          daysWithAlarm(
                  profile,
                  new SimulatedTraffic(
                      seed + 100, REFERENCE_DAYS, LIVE_DAYS, EVENTS_PER_DAY, NEVER))
              .size();
      assertThat(
              daysWithAlarm(
                  profile,
                  new SimulatedTraffic(
                      seed + 200, REFERENCE_DAYS, 3, EVENTS_PER_DAY, REFERENCE_DAYS)))
          .as("one event in a hundred becomes a positive that the score does not see")
          .isNotEmpty();
    }
    assertThat(daysWithAlarm)
        .as("one in 30 days is the budget")
        .isLessThanOrEqualTo(3 * SEEDS * LIVE_DAYS / 30);
  }

  private static Set<Long> daysWithAlarm(ReferenceProfile profile, SimulatedTraffic live) {
    Set<Long> days = new HashSet<>();
    PageHinkley.Parameters parameters = profile.pageHinkley();
    PageHinkley test =
        new PageHinkley(
            Objects.requireNonNull(parameters.mean()), parameters.weight(), parameters.delta());
    boolean above = false;
    int row = 0;
    while (row < live.times.length) {
      long start = Math.floorDiv(live.times[row], profile.windowMillis()) * profile.windowMillis();
      int from = row;
      while (row < live.times.length && live.times[row] < start + profile.windowMillis()) {
        row++;
      }
      boolean wasAbove = above;
      above = false;
      for (int r = from; r < row; r++) {
        double rise = test.add(Loss.residual(live.scores[r], live.labels[r]), live.times[r]);
        Double lambda = profile.pageHinkley().lambda();
        above |= lambda != null && rise > lambda;
      }
      // A rise that goes on is one alarm.
      if ((above && !wasAbove)
          || inputsAlarm(profile, live, start, from, row)
          || performanceAlarms(profile, live, start, from, row)) {
        days.add(start / SimulatedTraffic.DAY);
      }
    }
    return days;
  }

  private static boolean inputsAlarm(
      ReferenceProfile profile, SimulatedTraffic live, long start, int from, int to) {
    if (to - from < ProfileMaking.EVENTS_MIN) {
      return false;
    }
    int slot = profile.slots().slot(start);
    boolean alarm = false;
    for (int f = 0; f < profile.features().size(); f++) {
      ReferenceProfile.Feature feature = profile.features().get(f);
      Bins bins = new Bins(feature.kind(), feature.values());
      long[] counts = new long[bins.size()];
      double[] column = f < live.columns.length ? live.columns[f] : live.scores;
      for (int r = from; r < to; r++) {
        counts[bins.bin(column[r])]++;
      }
      long[] reference = feature.counts().get(slot).stream().mapToLong(Long::longValue).toArray();
      for (ReferenceProfile.Standard standard : feature.statistics()) {
        Double threshold = standard.threshold().get(slot);
        double value = DriftStatistics.value(standard.statistic(), bins, reference, counts);
        alarm |= threshold != null && value > threshold;
      }
    }
    return alarm;
  }

  private static boolean performanceAlarms(
      ReferenceProfile profile, SimulatedTraffic live, long start, int from, int to) {
    ScoredSums sums = new ScoredSums();
    for (int r = from; r < to; r++) {
      sums.add(live.scores[r], live.labels[r]);
    }
    boolean alarm = false;
    for (ReferenceProfile.Standard standard : profile.performance()) {
      double value = sums.value(standard.statistic());
      Double threshold = standard.threshold().get(profile.slots().slot(start));
      if (threshold != null && !Double.isNaN(value)) {
        alarm |= standard.statistic() == Statistic.AUC ? value < threshold : value > threshold;
      }
    }
    return alarm;
  }
}
