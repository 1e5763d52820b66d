package dev.millrace.core.feature;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Those that hold only some of the events, while these come and go in any order. */
class BandsTest {

  private static final int FURTHER = 8;

  /** How values follow each other. */
  private enum Shape {
    RANDOM,
    RISING,
    FALLING,
    FEW,
    SOME,
    ZEROS,
    ANY;

    double value(Random random, int i) {
      return switch (this) {
        case RANDOM -> random.nextGaussian();
        case RISING -> i;
        case FALLING -> -i;
        case FEW -> random.nextInt(3);
        case SOME -> random.nextInt(40);
        case ZEROS -> random.nextBoolean() ? 0.0 : -0.0;
        case ANY -> Double.longBitsToDouble(random.nextLong() & ~(1L << 62));
      };
    }
  }

  /** What one event has. */
  private record Item(long time, int partition, long offset, double value) {

    static final Comparator<Item> ORDER =
        Comparator.comparingLong(Item::time)
            .thenComparingInt(Item::partition)
            .thenComparingLong(Item::offset);

    boolean isNull() {
      return Double.isNaN(value);
    }

    EventView number() {
      return RawEvent.number(time, partition, offset, value);
    }

    EventView text() {
      return RawEvent.object(time, partition, offset, isNull() ? null : "v" + value);
    }
  }

  private interface View {
    EventView of(Item item);
  }

  private interface Check {
    void check(Accumulator accumulator, List<Item> items);
  }

  /** Grows and shrinks, and merges with another now and then; returns how often it was folded. */
  private static int live(
      Accumulator empty, View view, Shape shape, boolean oldestFirst, Check check) {
    Random random = new Random(shape.name().hashCode());
    Accumulator one = empty.copy();
    List<Item> items = new ArrayList<>();
    int folds = 0;
    for (int i = 0; i < 500; i++) {
      boolean grows = i / 100 % 2 == 0 ? random.nextInt(4) > 0 : random.nextInt(4) == 0;
      if (grows || items.isEmpty()) {
        Item item = item(random, shape, i, oldestFirst);
        items.add(item);
        one.add(view.of(item));
      } else {
        Item item = items.remove(oldestFirst ? 0 : random.nextInt(items.size()));
        one.remove(view.of(item));
      }
      if (random.nextInt(60) == 0) {
        one.merge(other(empty, view, shape, random, i, oldestFirst, items));
      }
      if (random.nextInt(4) == 0) {
        if (one.stale()) {
          folds++;
          fold(one, view, items);
        }
        one = random.nextInt(5) == 0 ? Written.again(one) : one;
        one = random.nextInt(20) == 0 ? one.copy() : one;
        List<Item> present = items.stream().filter(item -> !item.isNull()).toList();
        assertThat(one.isEmpty()).isEqualTo(present.isEmpty());
        check.check(one, present);
      }
    }
    return folds;
  }

  private static Item item(Random random, Shape shape, int i, boolean inOrder) {
    double value = random.nextInt(12) == 0 ? Double.NaN : shape.value(random, i);
    return new Item(inOrder ? i : random.nextInt(200), random.nextInt(2), i, value);
  }

  private static void fold(Accumulator accumulator, View view, List<Item> items) {
    accumulator.beginFold();
    for (Item item : items.stream().sorted(Item.ORDER).toList()) {
      if (!accumulator.foldIsFull()) {
        accumulator.add(view.of(item));
      }
    }
    accumulator.endFold();
    assertThat(accumulator.stale()).isFalse();
  }

  private static Accumulator other(
      Accumulator empty,
      View view,
      Shape shape,
      Random random,
      int i,
      boolean inOrder,
      List<Item> items) {
    Accumulator other = empty.copy();
    List<Item> placed = new ArrayList<>();
    int size = random.nextInt(80);
    for (int n = 0; n < size; n++) {
      Item item = item(random, shape, i, inOrder);
      placed.add(new Item(item.time, 2, i * 100L + n, item.value));
    }
    placed.forEach(item -> other.add(view.of(item)));
    // Some leave again, so that it holds fewer than it could while there are others.
    for (int n = 0; n < size / 3; n++) {
      other.remove(view.of(placed.remove(inOrder ? 0 : random.nextInt(placed.size()))));
    }
    items.addAll(placed);
    return other;
  }

  private static List<Double> list(double[] values) {
    return Arrays.stream(values).boxed().toList();
  }

  @ParameterizedTest
  @EnumSource
  void theLeastAndTheGreatestAreThoseOfAll(Shape shape) {
    for (int needed : new int[] {1, 5}) {
      int folds =
          live(
              ValueBand.least(0, needed, FURTHER),
              Item::number,
              shape,
              shape == Shape.RISING,
              (band, items) ->
                  assertThat(list(((ValueBand) band).needed(needed)))
                      .isEqualTo(sorted(items).limit(needed).toList()));
      live(
          ValueBand.greatest(0, needed, FURTHER),
          Item::number,
          shape,
          false,
          (band, items) ->
              assertThat(list(((ValueBand) band).needed(needed)))
                  .isEqualTo(
                      sorted(items).sorted(Comparator.reverseOrder()).limit(needed).toList()));
      if (shape == Shape.RISING) {
        assertThat(folds).as("the least is always the next to leave").isPositive();
      }
    }
  }

  @ParameterizedTest
  @EnumSource
  void aPercentileIsThatOfAll(Shape shape) {
    for (double p : new double[] {0, 0.07, 0.5, 0.9, 1}) {
      live(
          ValueBand.rank(0, p, FURTHER),
          Item::number,
          shape,
          p == 0.5,
          (band, items) -> {
            double expected =
                items.isEmpty()
                    ? Double.NaN
                    : NaiveAggregation.percentile(p, sorted(items).toList());
            assertThat((Double) ((ValueBand) band).atRank()).isEqualTo((Double) expected);
          });
    }
  }

  private static Stream<Double> sorted(List<Item> items) {
    return items.stream().map(Item::value).sorted();
  }

  @ParameterizedTest
  @EnumSource
  void theFirstAndTheLastAreThoseOfAll(Shape shape) {
    for (int needed : new int[] {1, 3}) {
      for (boolean oldestFirst : new boolean[] {true, false}) {
        for (boolean first : new boolean[] {true, false}) {
          Comparator<Item> order = first ? Item.ORDER : Item.ORDER.reversed();
          int folds =
              live(
                  new TimeBand(0, false, first, needed, first ? FURTHER : 0),
                  Item::text,
                  shape,
                  oldestFirst,
                  (band, items) ->
                      assertThat(values((TimeBand) band, needed))
                          .isEqualTo(
                              items.stream()
                                  .sorted(order)
                                  .limit(needed)
                                  .map(item -> "v" + item.value)
                                  .toList()));
          if (oldestFirst && !first) {
            assertThat(folds).as("a window's last events never want a fold").isZero();
          }
        }
      }
    }
  }

  private static List<Object> values(TimeBand band, int most) {
    List<Object> values = new ArrayList<>();
    for (int i = 0; i < Math.min(most, band.size()); i++) {
      values.add(band.value(i));
    }
    return values;
  }

  @ParameterizedTest
  @EnumSource
  void theCountsOfTheLeastValuesAreThoseOfAll(Shape shape) {
    for (int needed : new int[] {1, 20}) {
      live(
          new ValueCounts(0, needed, FURTHER),
          Item::text,
          shape,
          false,
          (counts, items) -> {
            TreeMap<String, Long> expected = new TreeMap<>();
            items.forEach(item -> expected.merge(name(item), 1L, Long::sum));
            assertThat(least(((ValueCounts) counts).counts(), needed))
                .isEqualTo(least(expected, needed));
          });
    }
  }

  private static String name(Item item) {
    return "v" + item.value;
  }

  private static List<String> least(Map<?, Long> counts, int most) {
    return counts.entrySet().stream()
        .limit(most)
        .map(entry -> entry.getKey() + "=" + entry.getValue())
        .toList();
  }

  @ParameterizedTest
  @EnumSource
  void groupsFoldWithTheirParts(Shape shape) {
    Accumulator[] parts = {
      new EventCount(EventCount.EVERY), new TimeBand(0, false, true, 1, 1), new ValueCounts(0, 1, 0)
    };
    int folds =
        live(
            new Grouped(0, 2, 1, parts),
            Item::text,
            shape,
            false,
            (groups, items) -> {
              TreeMap<String, List<Item>> expected = new TreeMap<>();
              items.forEach(
                  item -> expected.computeIfAbsent(name(item), k -> new ArrayList<>()).add(item));
              List<String> lines = new ArrayList<>();
              expected.entrySet().stream()
                  .limit(2)
                  .forEach(entry -> lines.add(entry.getKey() + "=" + line(entry.getValue())));
              Map<String, Object> read = ((Grouped) groups).read(BandsTest::line);
              List<String> found = new ArrayList<>();
              if (read != null) {
                read.forEach((key, value) -> found.add(key + "=" + value));
              }
              assertThat(found).isEqualTo(lines);
            });
    assertThat(folds).isPositive();
  }

  private static String line(Accumulator[] parts) {
    return ((EventCount) parts[0]).count() + " from " + ((TimeBand) parts[1]).timeMillis(0);
  }

  private static String line(List<Item> items) {
    long first = items.stream().mapToLong(Item::time).min().orElseThrow();
    return items.size() + " from " + first;
  }

  @Test
  void mergingKeepsNoValueOfWhichTheOtherMayHaveMore() {
    Accumulator[] parts = {new EventCount(EventCount.EVERY)};
    for (Accumulator empty :
        List.of(new ValueCounts(0, 1, 2), (Accumulator) new Grouped(0, 1, 2, parts))) {
      Accumulator other = empty.copy();
      for (String value : List.of("a", "b", "c", "d", "d")) {
        other.add(RawEvent.object(0, 0, 0, value));
      }
      // It holds a alone now, and knows of two more events.
      other.remove(RawEvent.object(0, 0, 0, "b"));
      other.remove(RawEvent.object(0, 0, 0, "c"));
      Accumulator one = empty.copy();
      one.add(RawEvent.object(0, 0, 0, "d"));
      one.merge(other);
      assertThat(one.stale()).isFalse();
      one.remove(RawEvent.object(0, 0, 0, "a"));
      assertThat(one.stale()).isTrue();
    }
  }

  @Test
  void aRankIsThatOfTheDecimalsItIsWrittenIn() {
    // As doubles 0.07 * 100 is 7.000000000000001, whose ceiling is 8.
    assertThat(ValueBand.rank(0.07, 100)).isEqualTo(7);
    assertThat(ValueBand.rank(0.29, 100)).isEqualTo(29);
    assertThat(ValueBand.rank(0.9, 10)).isEqualTo(9);
    assertThat(ValueBand.rank(0, 10)).isEqualTo(1);
    assertThat(ValueBand.rank(1, 10)).isEqualTo(10);
    assertThat(ValueBand.rank(1e-12, 10)).isEqualTo(1);
  }
}
