package dev.millrace.core.feature;

import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.core.definition.Entity;
import dev.millrace.core.definition.Feature;
import dev.millrace.core.definition.Feature.Function;
import dev.millrace.core.definition.Feature.ValueType;
import dev.millrace.core.definition.FeatureView;
import dev.millrace.core.row.FeatureRow;
import dev.millrace.core.row.Positions;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.Comparator;
import java.util.List;
import java.util.Objects;
import java.util.Random;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** Every row equals what a naive program computes from its T and its positions alone. */
class EntityRowsOracleTest {

  private static final long MINUTE = 60_000;
  private static final long REFRESH = 5 * MINUTE;
  private static final long[] WINDOWS = {15 * MINUTE, 60 * MINUTE};

  /** Where {@link #view} has the mean of the longest window. */
  private static final int LONGEST_MEAN = 10;

  private record Seen(long time, int partition, long offset, Object[] columns) {}

  @Test
  void everyRowIsAFunctionOfItsTimeAndPositions() {
    Random random = new Random(42);
    long rows = 0;
    for (int round = 0; round < 60; round++) {
      rows += run(random, round % 2 == 0, false);
    }
    assertThat(rows).isGreaterThan(15_000);
  }

  @Test
  void rowsHoldWhereValuesSeldomChange() {
    Random random = new Random(43);
    long rows = 0;
    for (int round = 0; round < 200; round++) {
      rows += run(random, true, true);
    }
    assertThat(rows).isGreaterThan(50_000);
  }

  @Test
  void anEventThatLeavesWithoutChangingAValueStillCountsForRowsBefore() {
    ViewPlan plan = ViewPlan.of(flatView());
    EntityRows rows = new EntityRows(plan);
    EntityState state = plan.newState();
    rows.accept(state, "k", 0, 0, 0, new Object[] {4.0}, 0);
    rows.accept(state, "k", 30 * MINUTE, 0, 1, new Object[] {4.0}, 0);
    // At 60 the first leaves, and the mean stays 4: no row, T stays 30.
    assertThat(rows.advance(state, "k", 61 * MINUTE, 0)).isEmpty();
    // An event of minute 40 comes late: its row looks back to minute -20 and still sees the first.
    FeatureRow late = rows.accept(state, "k", 40 * MINUTE, 0, 2, new Object[] {7.0}, 0);
    assertThat(late.timeMillis()).isEqualTo(40 * MINUTE);
    assertThat(late.values()).containsExactly(5.0);
  }

  @Test
  void rowsHaveTheSameBitsInAnyOrderOfArrival() {
    Random random = new Random(7);
    ViewPlan plan = ViewPlan.of(view());
    List<Seen> events = new ArrayList<>();
    for (int i = 0; i < 300; i++) {
      events.add(
          new Seen(
              random.nextInt(60) * MINUTE, i % 4, i / 4, columns(random.nextGaussian() * 1e9)));
    }
    @Nullable Object[] first = null;
    for (int round = 0; round < 20; round++) {
      EntityState state = plan.newState();
      EntityRows rows = new EntityRows(plan);
      @Nullable Object[] last = new Object[0];
      for (Seen e : events) {
        last = rows.accept(state, "k", e.time, e.partition, e.offset, e.columns, 0).values();
      }
      if (first == null) {
        first = last;
      }
      assertThat(last).isEqualTo(first);
      Collections.shuffle(events, random);
    }
  }

  @Test
  void distinctValuesCountOnceAndNullsNever() {
    Feature feature =
        new Feature(
            "x_approx_count_distinct_15m",
            Function.APPROX_COUNT_DISTINCT,
            "x",
            Duration.ofMinutes(15),
            ValueType.LONG);
    ViewPlan plan = ViewPlan.of(view(List.of(feature)));
    EntityRows rows = new EntityRows(plan);
    EntityState state = plan.newState();
    List<@Nullable Object> counts = new ArrayList<>();
    @Nullable Object[] values = {null, 0.0, -0.0, "", "a", "A", "a", 7};
    for (int i = 0; i < values.length; i++) {
      @Nullable Object[] columns = {values[i]};
      counts.add(rows.accept(state, "k", i * MINUTE, 0, i, columns, 0).values()[0]);
    }
    assertThat(counts).containsExactly(null, 1L, 1L, 2L, 3L, 4L, 4L, 5L);
    // At 20 only the last "a" and the 7 are left; at 25 nothing is, and nothing has no count.
    assertThat(rows.advance(state, "k", 40 * MINUTE, 0).stream().map(r -> r.values()[0]))
        .containsExactly(2L, null);
  }

  @Test
  void anEntityWhoseWindowsAreEmptyNeedsNoTimer() {
    ViewPlan plan = ViewPlan.of(view());
    EntityRows rows = new EntityRows(plan);
    EntityState state = plan.newState();
    rows.accept(state, "k", 10 * MINUTE, 0, 0, columns(1.5), 0);
    assertThat(rows.nextTimerMillis(state, 0)).isEqualTo(15 * MINUTE);
    List<FeatureRow> due = rows.advance(state, "k", 71 * MINUTE, 0);
    // Out of the 15 minutes at 25, out of the hour at 70; both are multiples of 5 minutes.
    assertThat(due.stream().filter(FeatureRow::logged).map(FeatureRow::timeMillis))
        .containsExactly(25 * MINUTE, 70 * MINUTE);
    assertThat(due.get(due.size() - 1).online()).isTrue();
    assertThat(rows.nextTimerMillis(state, 71 * MINUTE)).isEqualTo(Long.MAX_VALUE);
    assertThat(state.buffer.size()).isZero();
  }

  @Test
  void theOnlineStoreGetsThePresentAtMostOnceAWallSecond() {
    ViewPlan plan = ViewPlan.of(view());
    EntityRows rows = new EntityRows(plan);
    EntityState state = plan.newState();
    rows.accept(state, "k", 1, 0, 0, columns(1.5), 5_000);
    assertThat(rows.advance(state, "k", 6 * MINUTE, 5_000))
        .singleElement()
        .matches(r -> r.online() && r.refresh() && !r.logged() && r.timeMillis() == 5 * MINUTE);
    assertThat(rows.advance(state, "k", 11 * MINUTE, 5_999)).isEmpty();
    assertThat(rows.advance(state, "k", 12 * MINUTE, 6_000))
        .singleElement()
        .matches(r -> r.timeMillis() == 10 * MINUTE);
  }

  /**
   * One entity's life.
   *
   * @param flat only the mean of the longest window, of values that are mostly the same: events
   *     leave without changing anything
   */
  private static long run(Random random, boolean disorder, boolean flat) {
    ViewPlan plan = ViewPlan.of(flat ? flatView() : view());
    EntityRows rows = new EntityRows(plan);
    EntityState state = plan.newState();
    List<Seen> seen = new ArrayList<>();
    List<FeatureRow> emitted = new ArrayList<>();
    long[] offsets = new long[4];
    long time = 0;
    long watermark = Long.MIN_VALUE / 2;
    long now = 0;
    for (int i = 0; i < 250; i++) {
      time += random.nextInt(10) == 0 ? random.nextInt(100) * MINUTE : random.nextInt(90_000);
      long eventTime = disorder ? time - random.nextInt(20) * MINUTE : time;
      if (random.nextInt(8) == 0) {
        eventTime = eventTime / MINUTE * MINUTE;
      }
      int partition = random.nextInt(4);
      Object[] columns =
          columns(
              random.nextInt(12) == 0
                  ? null
                  : flat
                      ? (random.nextInt(8) == 7 ? 1.0 : 0.0)
                      : (random.nextDouble() - 0.3) * 100);
      long offset = offsets[partition]++;
      seen.add(new Seen(eventTime, partition, offset, columns));
      emitted.add(rows.accept(state, "k", eventTime, partition, offset, columns, now));
      now += random.nextInt(700);
      if (random.nextInt(3) == 0) {
        watermark = Math.max(watermark, time - 10 * MINUTE);
        emitted.addAll(rows.advance(state, "k", watermark, now));
      }
    }
    emitted.addAll(rows.advance(state, "k", time + 200 * MINUTE, now));
    Positions before = Positions.NONE;
    long timeBefore = Long.MIN_VALUE;
    for (FeatureRow row : emitted) {
      assertThat(row.positions().atLeast(before)).isTrue();
      assertThat(row.timeMillis()).isGreaterThanOrEqualTo(timeBefore);
      before = row.positions();
      timeBefore = row.timeMillis();
      assertThat(row.values())
          .usingComparatorForType(EntityRowsOracleTest::close, Double.class)
          .usingRecursiveComparison()
          .isEqualTo(flat ? new Object[] {naive(seen, row)[LONGEST_MEAN]} : naive(seen, row));
    }
    return emitted.size();
  }

  /** Plain loops over all events: nothing here is shared with what is tested. */
  private static Object[] naive(List<Seen> seen, FeatureRow row) {
    List<Object> values = new ArrayList<>();
    List<Seen> included =
        seen.stream()
            .filter(e -> row.positions().covers(e.partition, e.offset))
            .sorted(
                Comparator.comparingLong(Seen::time)
                    .thenComparingInt(Seen::partition)
                    .thenComparingLong(Seen::offset))
            .toList();
    for (long window : WINDOWS) {
      List<Seen> inside =
          included.stream()
              .filter(e -> e.time > row.timeMillis() - window && e.time <= row.timeMillis())
              .toList();
      double[] x =
          inside.stream()
              .filter(e -> e.columns[0] != null)
              .mapToDouble(e -> (Double) e.columns[0])
              .toArray();
      double mean = Arrays.stream(x).average().orElse(Double.NaN);
      values.add((long) inside.size());
      values.add(x.length == 0 ? null : Arrays.stream(x).sum());
      values.add(x.length == 0 ? null : mean);
      values.add(x.length == 0 ? null : Arrays.stream(x).min().orElseThrow());
      values.add(x.length == 0 ? null : Arrays.stream(x).max().orElseThrow());
      values.add(
          x.length < 2
              ? null
              : Math.sqrt(
                  Arrays.stream(x).map(v -> (v - mean) * (v - mean)).sum() / (x.length - 1)));
      values.add(distinct(inside, 0));
      values.add(distinct(inside, 2));
    }
    values.add(lastOf(included, 0));
    values.add(lastOf(included, 2));
    return values.toArray();
  }

  private static @Nullable Long distinct(List<Seen> inside, int column) {
    long distinct =
        inside.stream().map(e -> e.columns[column]).filter(Objects::nonNull).distinct().count();
    return distinct == 0 ? null : distinct;
  }

  private static @Nullable Object lastOf(List<Seen> included, int column) {
    for (int i = included.size() - 1; i >= 0; i--) {
      if (included.get(i).columns[column] != null) {
        return included.get(i).columns[column];
      }
    }
    return null;
  }

  private static int close(Double a, Double b) {
    double scale = Math.max(1, Math.max(Math.abs(a), Math.abs(b)));
    return Math.abs(a - b) <= 1e-9 * scale ? 0 : Double.compare(a, b);
  }

  /** In the order of the plan: x as a number, x as a thing to tell apart, s. */
  private static Object[] columns(@Nullable Double value) {
    return new Object[] {value, value, value == null ? null : "v" + Math.round(value)};
  }

  private static FeatureView flatView() {
    return view(List.of(view().features().get(LONGEST_MEAN)));
  }

  private static FeatureView view() {
    List<Feature> features = new ArrayList<>();
    for (long window : WINDOWS) {
      Duration w = Duration.ofMillis(window);
      features.add(new Feature("count_" + window, Function.COUNT, null, w, ValueType.LONG));
      for (Function f :
          List.of(Function.SUM, Function.MEAN, Function.MIN, Function.MAX, Function.STDDEV)) {
        features.add(new Feature(f + "_" + window, f, "x", w, ValueType.DOUBLE));
      }
      for (String column : List.of("x", "s")) {
        features.add(
            new Feature(
                column + "_distinct_" + window,
                Function.APPROX_COUNT_DISTINCT,
                column,
                w,
                ValueType.LONG));
      }
    }
    features.add(new Feature("x_last", Function.LAST, "x", null, ValueType.DOUBLE));
    features.add(new Feature("s_last", Function.LAST, "s", null, ValueType.STRING));
    return view(features);
  }

  private static FeatureView view(List<Feature> features) {
    return new FeatureView(
        "v",
        new Entity("e", List.of("k")),
        "s",
        List.of("k"),
        null,
        FeatureView.Accuracy.EXACT,
        Duration.ofMillis(REFRESH),
        Duration.ZERO,
        Duration.ofDays(7),
        features,
        "0123456789ab");
  }
}
