package dev.millrace.core.feature;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.millrace.core.definition.Feature;
import dev.millrace.core.definition.Feature.Function;
import dev.millrace.core.definition.Feature.Options;
import dev.millrace.core.definition.Feature.ValueType;
import dev.millrace.core.definition.FeatureView;
import dev.millrace.core.definition.FeatureView.Accuracy;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.Random;
import org.apache.avro.Schema;
import org.apache.avro.SchemaBuilder;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ViewCostTest {

  private static final Schema SCHEMA =
      SchemaBuilder.record("S")
          .fields()
          .requiredDouble("x")
          .requiredLong("n")
          .requiredString("s")
          .endRecord();

  private static final long DAY_MILLIS = 86_400_000;

  /**
   * What is predicted, beside a run with other values at other times, which measures in another
   * way: the real bytes of state and store.
   */
  @ParameterizedTest
  @CsvSource({"EXACT,200", "EXACT,1440", "TILED,50", "TILED,1440"})
  void bytesOfAnEntityAreThoseOfARun(Accuracy accuracy, double eventsPerDay) {
    FeatureView view = AllFeatures.view(accuracy, features());
    ViewCost predicted =
        ViewCost.of(view, Duration.ZERO, SupposedLoad.of(view, SCHEMA, eventsPerDay, 1));
    assertThat(predicted.whole()).isTrue();
    Measured measured = measured(view, eventsPerDay);
    // What is measured has the eight bytes of each part's own key.
    double ownKeys = Long.BYTES * predicted.partCount().mean();
    assertThat(predicted.header().mean() + predicted.parts().mean() + ownKeys)
        .isBetween(0.8 * measured.bytesPerKey, 1.2 * measured.bytesPerKey);
    double reads = predicted.event().reads() * eventsPerDay;
    reads += predicted.refresh().reads() * predicted.refreshesPerKeyPerDay();
    assertThat(reads).isBetween(0.8 * measured.readsPerDay, 1.2 * measured.readsPerDay);
    assertThat(predicted.refreshesPerKeyPerDay()).isBetween(270.0, 290.0);
    assertThat(predicted.state().mean())
        .isCloseTo(
            predicted.header().mean()
                + predicted.parts().mean()
                + predicted.ids().mean()
                + predicted.flink().mean(),
            within(1e-6));
    if (accuracy == Accuracy.EXACT) {
      assertThat(predicted.eventsHeld().mean()).isBetween(0.8 * eventsPerDay, 1.2 * eventsPerDay);
      assertThat(predicted.event().merges()).isZero();
    } else {
      assertThat(predicted.eventsHeld().max()).isZero();
      assertThat(predicted.partCount().max()).isLessThanOrEqualTo(2 * 149);
    }
  }

  private record Measured(double bytesPerKey, double readsPerDay) {}

  private static Measured measured(FeatureView view, double eventsPerDay) {
    Random random = new Random(77);
    EntityRows rows = new EntityRows(ViewPlan.of(view));
    List<Aggregations.Column> columns = Aggregations.of(view).columns();
    int numbers = (int) columns.stream().filter(Aggregations.Column::number).count();
    double bytes = 0;
    double reads = 0;
    double days = 0;
    int keys = 8;
    for (int k = 0; k < keys; k++) {
      HeapStore store = new HeapStore();
      EntityState state = rows.newState();
      double gapMillis = DAY_MILLIS / eventsPerDay;
      long time = 1_600_000_000_000L;
      long warm = time + DAY_MILLIS;
      long end = time + (long) (1.25 * DAY_MILLIS + k * gapMillis * 5);
      for (long offset = 0; time < end; offset += 900) {
        long next = time + (long) (gapMillis * -Math.log(1 - random.nextDouble()));
        int before = store.reads;
        int turns = 1 + refresh(rows, state, time, next, store);
        accept(rows, state, arrival(columns, numbers, next, offset, random), store);
        reads += next > warm ? turns + store.reads - before : 0;
        time = next;
      }
      bytes += HeapStore.bytes(state::write).length + store.storedBytes();
      days += (end - warm) / (double) DAY_MILLIS;
    }
    return new Measured(bytes / keys, reads / days);
  }

  /** As time goes by between two events. */
  private static int refresh(
      EntityRows rows, EntityState state, long fromMillis, long toMillis, HeapStore store) {
    long everyMillis = AllFeatures.REFRESH.toMillis();
    int times = 0;
    for (long at = (fromMillis / everyMillis + 1) * everyMillis;
        at <= toMillis;
        at += everyMillis) {
      List<?> unusedRows = rows.advance(state, "k", at, at, store);
      times++;
    }
    return times;
  }

  private static void accept(EntityRows rows, EntityState state, Arrival event, HeapStore store) {
    assertThat(rows.accept(state, "k", event, 0, store)).isNotNull();
  }

  private static Arrival arrival(
      List<Aggregations.Column> columns, int numbers, long time, long offset, Random random) {
    @Nullable Object[] values = new Object[columns.size()];
    for (int c = 0; c < values.length; c++) {
      Aggregations.Column column = columns.get(c);
      values[c] = column.number() ? number(column, random) : "item " + random.nextInt(25);
    }
    return new Arrival(time, 0, offset, values, numbers);
  }

  private static Object number(Aggregations.Column column, Random random) {
    if (column.condition() != null) {
      return random.nextInt(3) == 0 ? 1.0 : 0.0;
    }
    return Objects.equals(column.field(), "n")
        ? (double) random.nextInt(200)
        : random.nextDouble() * 100;
  }

  @Test
  void moreEventsThanMayBeAreRefused() {
    FeatureView view = AllFeatures.view(Accuracy.EXACT, features(), 50);
    ViewCost cost = ViewCost.of(view, Duration.ZERO, SupposedLoad.of(view, SCHEMA, 100, 1));
    assertThat(cost.refused()).isPositive();
    assertThat(cost.eventsHeld().max()).isEqualTo(50);
  }

  @Test
  void aLoadTooGreatForOneEntityIsALowerBound() {
    FeatureView view =
        AllFeatures.view(
            Accuracy.TILED, List.of(feature(Function.COUNT, null, 30, ValueType.LONG)));
    EventLoad load = SupposedLoad.of(view, SCHEMA, 100_000, 1);
    assertThat(load.events()).isBetween(240_000L, 260_000L);
    assertThat(ViewCost.of(view, Duration.ZERO, load).whole()).isFalse();
  }

  @Test
  void idsOfEventsCount() {
    FeatureView view = AllFeatures.view(Accuracy.EXACT, features());
    EventLoad load = SupposedLoad.of(view, SCHEMA, 240, 1);
    ViewCost without = ViewCost.of(view, Duration.ZERO, load);
    ViewCost with = ViewCost.of(view, Duration.ofHours(1), load);
    // Ten events an hour, each with an id of 36 bytes, its length, and its time.
    assertThat(with.ids().mean()).isBetween(0.8 * 450, 1.2 * 450);
    assertThat(without.ids().max()).isZero();
    assertThat(with.state().mean()).isGreaterThan(without.state().mean() + with.ids().mean());
  }

  @Test
  void aSupposedLoadIsTheSameWheneverItIsAskedFor() {
    FeatureView view = AllFeatures.view(Accuracy.TILED, features());
    ViewCost first = ViewCost.of(view, Duration.ZERO, SupposedLoad.of(view, SCHEMA, 100, 3));
    assertThat(ViewCost.of(view, Duration.ZERO, SupposedLoad.of(view, SCHEMA, 100, 3)).header())
        .isEqualTo(first.header());
  }

  @Test
  void aPaceIsAboveNothing() {
    FeatureView view = AllFeatures.view(Accuracy.TILED, features());
    assertThatThrownBy(() -> SupposedLoad.of(view, SCHEMA, 0, 1))
        .hasMessageContaining("Cannot suppose 0.0 events");
  }

  @Test
  void exactWindowsHaveNoBoundAndTiledOnesTheirHop() {
    assertThat(ErrorBounds.of(AllFeatures.view(Accuracy.EXACT, features())).none()).isTrue();
    ErrorBounds tiled = ErrorBounds.of(AllFeatures.view(Accuracy.TILED, features()));
    assertThat(tiled.windows())
        .extracting(ErrorBounds.OfWindow::length)
        .containsExactly(Duration.ofHours(1), Duration.ofDays(1));
    assertThat(tiled.windows())
        .allSatisfy(
            w -> {
              assertThat(w.share()).isBetween(1 / 128.0, 1 / 64.0);
              assertThat(w.hop().toMillis())
                  .isEqualTo(Math.round(w.share() * w.length().toMillis()));
            });
    // 3,600,000 / 64 = 56,250: the power of two below is 32,768.
    assertThat(tiled.windows().get(0).hop()).isEqualTo(Duration.ofMillis(32_768));
    assertThat(tiled.sketches()).isEmpty();
  }

  @Test
  void sketchesSayTheirPublishedBounds() {
    Options half = new Options(null, null, null, 0.5, null, null, List.of());
    List<Feature> features =
        List.of(
            new Feature(
                "median", Function.PERCENTILE, "x", Duration.ofDays(1), ValueType.DOUBLE, half),
            feature(Function.APPROX_COUNT_DISTINCT, "s", 1, ValueType.LONG),
            feature(Function.FREQUENT_ITEMS, "s", 1, ValueType.mapOf(ValueType.LONG)));
    assertThat(ErrorBounds.of(AllFeatures.view(Accuracy.TILED, features)).sketches())
        .extracting(ErrorBounds.OfSketch::bound)
        .satisfiesExactly(
            kll -> assertThat(kll).contains("1.33 %"),
            hll -> assertThat(hll).contains("1.63 %"),
            items -> assertThat(items).contains("5.47 %"));
    assertThat(ErrorBounds.of(AllFeatures.view(Accuracy.EXACT, features)).sketches()).hasSize(2);
  }

  private static List<Feature> features() {
    Options positive = new Options("x > 0.0", null, null, null, null, null, List.of());
    return List.of(
        hourly(Function.COUNT, null, ValueType.LONG),
        hourly(Function.MEAN, "x", ValueType.DOUBLE),
        new Feature("if", Function.COUNT_IF, null, Duration.ofHours(1), ValueType.LONG, positive),
        feature(Function.SUM, "x", 1, ValueType.DOUBLE),
        feature(Function.MAX, "x", 1, ValueType.DOUBLE),
        feature(Function.STDDEV, "n", 1, ValueType.DOUBLE),
        feature(Function.COUNT_DISTINCT, "s", 1, ValueType.LONG));
  }

  private static Feature hourly(Function function, @Nullable String column, ValueType type) {
    return new Feature(function + "_1h", function, column, Duration.ofHours(1), type);
  }

  private static Feature feature(
      Function function, @Nullable String column, int days, ValueType type) {
    return new Feature(function + "_" + days + "d", function, column, Duration.ofDays(days), type);
  }
}
