package dev.millrace.core.drift;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class BinsTest {

  @Test
  void rangesHaveEqualMassAndWhatLiesOutsideHasItsOwn() {
    double[] column = IntStream.rangeClosed(1, 1000).mapToDouble(i -> i).toArray();
    Bins bins = Bins.of(column, 0, column.length);
    assertThat(bins.kind()).isEqualTo(ReferenceProfile.Kind.NUMERIC);
    assertThat(bins.size()).isEqualTo(13);
    long[] counts = new long[bins.size()];
    for (double value : column) {
      counts[bins.bin(value)]++;
    }
    assertThat(Arrays.stream(counts).limit(10).boxed())
        .allSatisfy(c -> assertThat(c).isBetween(99L, 101L));
    assertThat(bins.binName(bins.bin(0.5))).isEqualTo("under");
    assertThat(bins.binName(bins.bin(1000.5))).isEqualTo("over");
    assertThat(bins.binName(bins.bin(Double.NaN))).isEqualTo("null");
    assertThat(bins.binName(0)).startsWith("[1,");
    assertThat(bins.binName(bins.bin(1000))).endsWith(",1000]");
    assertThat(bins.otherBin()).isNegative();
  }

  @Test
  void oneFrequentValueMergesEdges() {
    double[] column = IntStream.range(0, 1000).mapToDouble(i -> i < 600 ? 0 : i).toArray();
    Bins bins = Bins.of(column, 0, column.length);
    assertThat(bins.values()).doesNotHaveDuplicates().startsWith(0.0).endsWith(999.0);
    assertThat(bins.size()).isLessThan(13);
  }

  @Test
  void fewValuesAreCategories() {
    double[] column = {3, 1, Double.NaN, 3, -0.0, 0.0};
    Bins bins = Bins.of(column, 0, column.length);
    assertThat(bins.kind()).isEqualTo(ReferenceProfile.Kind.CATEGORICAL);
    assertThat(bins.values()).containsExactly(0.0, 1.0, 3.0);
    assertThat(bins.binName(bins.bin(-0.0))).isEqualTo("0");
    assertThat(bins.binName(bins.bin(3))).isEqualTo("3");
    assertThat(bins.binName(bins.bin(2))).isEqualTo("other");
    assertThat(bins.bin(Double.NaN)).isEqualTo(bins.nullBin()).isEqualTo(4);
  }

  @Test
  void aColumnOfNothingHasOnlyOtherAndNull() {
    Bins bins = Bins.of(new double[] {Double.NaN, Double.NaN}, 0, 2);
    assertThat(bins.size()).isEqualTo(2);
    assertThat(bins.binName(bins.bin(1))).isEqualTo("other");
  }

  @Test
  void eachValueFallsIntoTheRangeThatHoldsIt() {
    Random random = new Random(4);
    for (int round = 0; round < 100; round++) {
      double[] column = random.doubles(200).map(v -> Math.floor(v * 60) - 30).toArray();
      Bins bins = Bins.of(column, 0, column.length);
      double[] edges = bins.values().stream().mapToDouble(Double::doubleValue).toArray();
      for (double value = -31; value <= 31; value += 0.25) {
        int expected = edges.length;
        if (value < edges[0]) {
          expected = edges.length - 1;
        } else if (value <= edges[edges.length - 1]) {
          expected = edges.length - 2;
          while (value < edges[expected]) {
            expected--;
          }
        }
        assertThat(bins.bin(value)).isEqualTo(expected);
      }
    }
  }
}
