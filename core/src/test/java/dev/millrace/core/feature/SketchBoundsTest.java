package dev.millrace.core.feature;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.apache.datasketches.hll.HllSketch;
import org.junit.jupiter.api.Test;

/** Sketches stay inside their published bounds, and these tests notice when they do not. */
class SketchBoundsTest {

  /** Published for k = 200: one query's rank error, exceeded by one in a hundred. */
  private static final double RANK_ERROR = 0.0133;

  private static final int TRIALS = 100;
  private static final int VALUES = 8_000;

  @Test
  void aQuantilesRankIsInsideItsBound() {
    // One in a hundred may exceed it: 1 is expected, and 10 or more by chance once in 10^7 runs.
    assertThat(ranksBeyond(KllQuantiles.SIZE)).isLessThan(10);
  }

  @Test
  void aSmallerSketchIsNoticed() {
    assertThat(ranksBeyond(8)).isGreaterThan(20);
  }

  /** How many of the trials are beyond the bound of the size that is used. */
  private static int ranksBeyond(int size) {
    Random random = new Random(5);
    int beyond = 0;
    for (int trial = 0; trial < TRIALS; trial++) {
      KllQuantiles merged = new KllQuantiles(0, size);
      for (int part = 0; part < 8; part++) {
        KllQuantiles one = new KllQuantiles(0, size);
        // Every eighth of a rising sequence, so the value at a rank is known.
        for (int i = part; i < VALUES; i += 8) {
          one.add(RawEvent.number(0, 0, 0, i));
        }
        merged.merge(trial % 2 == 0 ? one : Written.again(one));
      }
      double p = random.nextDouble();
      double error = Math.abs(merged.quantile(p) / VALUES - p);
      beyond += error > RANK_ERROR ? 1 : 0;
    }
    return beyond;
  }

  @Test
  void quantilesOfFewValuesAreExact() {
    Random random = new Random(6);
    KllQuantiles quantiles = new KllQuantiles(0, KllQuantiles.SIZE);
    List<Double> values = new ArrayList<>();
    for (int i = 0; i < 200; i++) {
      double value = random.nextGaussian();
      values.add(value);
      quantiles.add(RawEvent.number(0, 0, 0, value));
      double p = random.nextInt(101) / 100.0;
      assertThat(quantiles.quantile(p)).isEqualTo(NaiveAggregation.percentile(p, values));
    }
  }

  @Test
  void aCountOfDistinctValuesIsInsideItsBound() {
    double squares = 0;
    for (int trial = 0; trial < TRIALS; trial++) {
      double error = countOf(trial, VALUES) / (double) VALUES - 1;
      squares += error * error;
      assertThat(Math.abs(error)).isLessThan(4 * 0.0163);
    }
    assertThat(Math.sqrt(squares / TRIALS)).isLessThan(1.15 * 0.0163);
  }

  @Test
  void fewerRegistersAreNoticed() {
    double squares = 0;
    for (int trial = 0; trial < TRIALS; trial++) {
      HllSketch small = new HllSketch(8);
      for (int i = 0; i < 2000; i++) {
        small.update(trial * 1_000_000L + i);
      }
      double error = small.getCompositeEstimate() / 2000 - 1;
      squares += error * error;
    }
    assertThat(Math.sqrt(squares / TRIALS)).isGreaterThan(1.15 * 0.0163);
  }

  private static long countOf(int trial, int distinct) {
    HllCount merged = new HllCount(0);
    for (int part = 0; part < 3; part++) {
      HllCount one = new HllCount(0);
      for (int i = part; i < distinct; i += part + 1) {
        one.add(RawEvent.object(0, 0, 0, trial * 1_000_000L + i));
      }
      merged.merge(part == 1 ? Written.again(one) : one);
    }
    return merged.estimate();
  }

  @Test
  void aCountOfDistinctValuesDependsOnNoOrder() {
    Random random = new Random(7);
    for (int distinct : new int[] {5, 300, 383, 384, 385, 500, 30_000}) {
      HllCount inOrder = new HllCount(0);
      for (int i = 0; i < distinct; i++) {
        inOrder.add(RawEvent.object(0, 0, 0, "v" + i));
      }
      HllCount[] parts = {new HllCount(0), new HllCount(0), new HllCount(0), new HllCount(0)};
      for (int i = distinct - 1; i >= 0; i--) {
        for (int n = random.nextInt(2); n >= 0; n--) {
          parts[random.nextInt(4)].add(RawEvent.object(0, 0, 0, "v" + i));
        }
      }
      HllCount merged = new HllCount(0);
      for (HllCount part : parts) {
        merged.merge(part);
      }
      assertThat(merged.estimate()).isEqualTo(inOrder.estimate());
      if (distinct <= 300) {
        assertThat(merged.estimate()).isEqualTo(distinct);
      }
    }
  }

  @Test
  void everyTypeOfValueCounts() {
    HllCount count = new HllCount(0);
    Object[] values = {0.0, -0.0, 0.0f, "", "a", "A", true, false, 7, 7L, "ß", null};
    for (Object value : values) {
      count.add(RawEvent.object(0, 0, 0, value));
    }
    // Zero, the empty text, a, A, true, false, seven and sharp s.
    assertThat(count.estimate()).isEqualTo(8);
  }

  @Test
  void frequentItemsAreInsideTheirBound() {
    Random random = new Random(8);
    for (int trial = 0; trial < 6; trial++) {
      Map<String, Long> counts = new HashMap<>();
      FrequentItems[] parts = {new FrequentItems(0, 64), new FrequentItems(0, 64)};
      int events = 5000;
      for (int i = 0; i < events; i++) {
        boolean few = trial % 2 == 0 && random.nextInt(3) > 0;
        String value = few ? "f" + random.nextInt(5) : "v" + random.nextInt(1000);
        counts.merge(value, 1L, Long::sum);
        int part = random.nextInt(2);
        parts[part].add(RawEvent.object(0, 0, 0, value));
        if (random.nextInt(50) == 0) {
          parts[part] = (FrequentItems) Written.again(parts[part]);
        }
      }
      parts[0].merge(parts[1]);
      Map<String, Long> estimates = parts[0].estimates();
      double bound = 3.5 / 64 * events;
      assertThat((double) parts[0].error()).isLessThanOrEqualTo(bound);
      counts.forEach(
          (value, count) -> {
            long estimate = estimates.getOrDefault(value, 0L);
            assertThat(estimate).isLessThanOrEqualTo(count + parts[0].error());
            assertThat(estimates.containsKey(value) ? estimate : parts[0].error())
                .isGreaterThanOrEqualTo(count);
          });
    }
  }

  @Test
  void frequentItemsOfFewValuesAreExact() {
    FrequentItems items = new FrequentItems(0, 64);
    for (int i = 0; i < 48 * 10; i++) {
      items.add(RawEvent.object(0, 0, 0, i % 48 == 0 ? "" : "ı" + i % 48));
    }
    FrequentItems again = (FrequentItems) Written.again(items);
    assertThat(again.estimates()).hasSize(48).containsEntry("", 10L).containsEntry("ı7", 10L);
    assertThat(again.error()).isZero();
  }
}
