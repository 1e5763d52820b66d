package dev.millrace.core.feature;

import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.core.definition.Feature;
import dev.millrace.core.definition.Feature.Function;
import dev.millrace.core.definition.Feature.ValueType;
import dev.millrace.core.definition.FeatureView.Accuracy;
import dev.millrace.core.row.FeatureRow;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Objects;
import java.util.Random;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

class EntityRowsTest {

  private static final long MINUTE = 60_000;

  private final HeapStore store = new HeapStore();

  @Test
  void anEventThatLeavesWithoutChangingAValueStillCountsForRowsBefore() {
    EntityRows rows = new EntityRows(plan(Accuracy.EXACT, feature(Function.MEAN, 60)));
    EntityState state = rows.newState();
    accept(rows, state, 0, 0, 4.0);
    accept(rows, state, 30 * MINUTE, 1, 4.0);
    // At 60 the first leaves, and the mean stays 4: no row, T stays 30.
    assertThat(rows.advance(state, "k", 61 * MINUTE, 0, store)).isEmpty();
    // An event of minute 40 comes late: its row looks back to minute -20 and still sees the first.
    FeatureRow late = accept(rows, state, 40 * MINUTE, 2, 7.0);
    assertThat(late.timeMillis()).isEqualTo(40 * MINUTE);
    assertThat(late.values()).containsExactly(5.0);
  }

  @Test
  void anEntityWhoseWindowsAreEmptyNeedsNoTimer() {
    EntityRows rows =
        new EntityRows(
            plan(Accuracy.EXACT, feature(Function.COUNT, 15), feature(Function.COUNT, 60)));
    EntityState state = rows.newState();
    accept(rows, state, 10 * MINUTE, 0, 1.5);
    assertThat(rows.nextTimerMillis(state, 0)).isEqualTo(15 * MINUTE);
    List<FeatureRow> due = rows.advance(state, "k", 71 * MINUTE, 0, store);
    // Out of the 15 minutes at 25, out of the hour at 70; both are multiples of 5 minutes.
    assertThat(due.stream().filter(FeatureRow::logged).map(FeatureRow::timeMillis))
        .containsExactly(25 * MINUTE, 70 * MINUTE);
    assertThat(due.get(due.size() - 1).online()).isTrue();
    assertThat(rows.nextTimerMillis(state, 71 * MINUTE)).isEqualTo(Long.MAX_VALUE);
    assertThat(store.isEmpty()).isTrue();
  }

  @Test
  void theOnlineStoreGetsThePresentAtMostOnceAWallSecond() {
    EntityRows rows = new EntityRows(plan(Accuracy.EXACT, feature(Function.COUNT, 60)));
    EntityState state = rows.newState();
    FeatureRow first = rows.accept(state, "k", arrival(1, 0, 1.5), 5_000, store);
    assertThat(first).isNotNull();
    assertThat(rows.advance(state, "k", 6 * MINUTE, 5_000, store))
        .singleElement()
        .matches(r -> r.online() && r.refresh() && !r.logged() && r.timeMillis() == 5 * MINUTE);
    assertThat(rows.advance(state, "k", 11 * MINUTE, 5_999, store)).isEmpty();
    assertThat(rows.advance(state, "k", 12 * MINUTE, 6_000, store))
        .singleElement()
        .matches(r -> r.timeMillis() == 10 * MINUTE);
  }

  @Test
  void rowsHaveTheSameBitsInAnyOrderOfArrival() {
    List<Feature> features = AllFeatures.all();
    ViewPlan plan = ViewPlan.of(AllFeatures.view(Accuracy.EXACT, features));
    Random random = new Random(7);
    List<Arrival> events = new ArrayList<>();
    for (int i = 0; i < 300; i++) {
      @Nullable Object[] values = new Object[plan.aggregations().columns().size()];
      for (int c = 0; c < values.length; c++) {
        Aggregations.Column column = plan.aggregations().columns().get(c);
        values[c] =
            column.condition() != null
                ? (Double) (double) random.nextInt(2)
                : column.number()
                    ? (Double) (random.nextGaussian() * 1e9)
                    : "b".equals(column.field())
                        ? random.nextBoolean()
                        : "n".equals(column.field())
                            ? (Object) (long) random.nextInt(9)
                            : "v" + random.nextInt(5);
      }
      events.add(
          new Arrival(
              random.nextInt(60) * MINUTE,
              i % 4,
              i / 4,
              values,
              plan.aggregations().numberColumns()));
    }
    Object[] first = null;
    for (int round = 0; round < 8; round++) {
      HeapStore own = new HeapStore();
      EntityRows rows = new EntityRows(plan);
      EntityState state = rows.newState();
      @Nullable Object[] last = new Object[0];
      for (Arrival event : events) {
        last = Objects.requireNonNull(rows.accept(state, "k", event, 0, own)).values();
      }
      if (first == null) {
        first = last;
      }
      for (int f = 0; f < features.size(); f++) {
        assertThat(last[f]).as(features.get(f).name()).isEqualTo(first[f]);
      }
      Collections.shuffle(events, random);
    }
  }

  @Test
  void anEntityWithTooManyEventsTakesNoMoreUntilSomeHaveLeft() {
    EntityRows rows =
        new EntityRows(
            ViewPlan.of(
                AllFeatures.view(
                    Accuracy.EXACT,
                    List.of(feature(Function.COUNT, 15), feature(Function.COUNT, 60)),
                    3)));
    EntityState state = rows.newState();
    for (int i = 0; i < 3; i++) {
      accept(rows, state, i * MINUTE, i, 1.0);
    }
    assertThat(rows.accept(state, "k", arrival(59 * MINUTE, 3, 1.0), 0, store)).isNull();
    // A refused event moved nothing: T is still 2 minutes, and the next row has all three.
    assertThat(state.timeMillis).isEqualTo(2 * MINUTE);
    FeatureRow row = accept(rows, state, 60 * MINUTE, 4, 1.0);
    assertThat(row.values()).containsExactly(1L, 3L);
    assertThat(row.positions()).hasToString("0:4");
  }

  @Test
  void aTiledWindowHoldsNoMoreTilesThanItsBound() {
    EntityRows rows =
        new EntityRows(
            plan(
                Accuracy.TILED,
                feature(Function.SUM, 60),
                feature(Function.SUM, 30 * 24 * 60),
                feature(Function.MAX, 24 * 60)));
    EntityState state = rows.newState();
    Random random = new Random(3);
    long time = 0;
    int most = 0;
    for (int i = 0; i < 40_000; i++) {
      time += random.nextInt(3 * 60_000);
      accept(rows, state, time, i, 1.0);
      most = Math.max(most, store.tiles());
    }
    assertThat(most).isBetween(200, 3 * (129 + 17 + 3));
    assertThat(rows.advance(state, "k", time + 40L * 24 * 60 * MINUTE, 0, store)).isNotEmpty();
    assertThat(store.isEmpty()).isTrue();
  }

  private FeatureRow accept(
      EntityRows rows, EntityState state, long timeMillis, long offset, double x) {
    return Objects.requireNonNull(
        rows.accept(state, "k", arrival(timeMillis, offset, x), 0, store));
  }

  private static Arrival arrival(long timeMillis, long offset, double x) {
    return new Arrival(timeMillis, 0, offset, new Object[] {x}, 1);
  }

  private static Feature feature(Function function, int minutes) {
    boolean counts = function == Function.COUNT;
    return new Feature(
        function + "_" + minutes,
        function,
        counts ? null : "x",
        Duration.ofMinutes(minutes),
        counts ? ValueType.LONG : ValueType.DOUBLE);
  }

  private static ViewPlan plan(Accuracy accuracy, Feature... features) {
    return ViewPlan.of(AllFeatures.view(accuracy, List.of(features)));
  }
}
