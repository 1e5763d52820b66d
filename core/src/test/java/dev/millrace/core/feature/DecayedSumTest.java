package dev.millrace.core.feature;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

class DecayedSumTest {

  private static final long HOUR = 3_600_000;
  private static final long START = 1_750_000_000_000L;

  @Test
  void halvesWithEachHalfLife() {
    DecayedSum sum = new DecayedSum(0, HOUR);
    assertThat(sum.sum(START)).isNull();
    assertThat(sum.mean()).isNull();
    sum.add(RawEvent.number(START, 0, 0, 8));
    assertThat(sum.sum(START)).isCloseTo(8, within(1e-14));
    assertThat(sum.sum(START + HOUR)).isCloseTo(4, within(1e-14));
    assertThat(sum.sum(START + 3 * HOUR)).isCloseTo(1, within(1e-14));
    assertThat(sum.sum(START + HOUR / 2)).isCloseTo(8 / Math.sqrt(2), within(1e-14));
    sum.add(RawEvent.number(START + HOUR, 0, 1, 2));
    assertThat(sum.sum(START + HOUR)).isCloseTo(6, within(1e-14));
    // 8 at weight 1/2 and 2 at weight 1, whenever one asks.
    assertThat(sum.mean()).isCloseTo(4, within(1e-14));
    assertThat(sum.sum(START + 5000 * HOUR)).isZero();
  }

  @Test
  void largeAndSmallNumbersHold() {
    DecayedSum sum = new DecayedSum(0, HOUR);
    sum.add(RawEvent.number(START, 0, 0, Double.MAX_VALUE));
    sum.add(RawEvent.number(START, 0, 1, Double.MAX_VALUE));
    assertThat(sum.sum(START)).isNull();
    assertThat(sum.sum(START + 2 * HOUR))
        .isCloseTo(Double.MAX_VALUE / 2, within(Double.MAX_VALUE * 1e-14));
    assertThat(sum.mean()).isCloseTo(Double.MAX_VALUE, within(Double.MAX_VALUE * 1e-14));
    DecayedSum tiny = new DecayedSum(0, HOUR);
    tiny.add(RawEvent.number(START + 1, 0, 0, 5e-310));
    assertThat(tiny.mean()).isCloseTo(5e-310, within(1e-323));
  }

  @Test
  void isThatOfPlainFloatingPointInAnyOrderWithTheSameBits() {
    Random random = new Random(9);
    for (int round = 0; round < 40; round++) {
      long spread = (long) (HOUR * Math.pow(10, random.nextInt(5) - 2));
      List<EventView> events = new ArrayList<>();
      for (int i = 0; i < 80; i++) {
        long time = START + (long) (random.nextDouble() * spread);
        events.add(RawEvent.number(time, 0, i, random.nextGaussian() * 1000));
      }
      long now = START + spread + random.nextInt(1000);
      double expected = 0;
      double scale = 0;
      for (EventView event : events) {
        double weight = Math.pow(2, -(now - event.timeMillis()) / (double) HOUR);
        expected += event.number(0) * weight;
        scale += Math.abs(event.number(0)) * weight;
      }
      byte[] first = null;
      for (int order = 0; order < 4; order++) {
        Collections.shuffle(events, random);
        DecayedSum sum = merged(events, random);
        assertThat(sum.sum(now)).isCloseTo(expected, within(1e-12 * scale));
        byte[] bytes = Written.bytes(sum);
        first = first == null ? bytes : first;
        assertThat(bytes).isEqualTo(first);
        assertThat(Written.bytes(Written.read(bytes))).isEqualTo(bytes);
      }
    }
  }

  private static DecayedSum merged(List<EventView> events, Random random) {
    DecayedSum[] parts = {new DecayedSum(0, HOUR), new DecayedSum(0, HOUR)};
    for (EventView event : events) {
      parts[random.nextInt(2)].add(event);
    }
    parts[0].merge(parts[1]);
    return parts[0];
  }

  @Test
  void whatLeavesOldestFirstLeavesNothingBehind() {
    Random random = new Random(10);
    DecayedSum sliding = new DecayedSum(0, HOUR / 50);
    List<EventView> inside = new ArrayList<>();
    long time = START;
    for (int i = 0; i < 3000; i++) {
      time += random.nextInt((int) HOUR / 20);
      EventView event = RawEvent.number(time, 0, i, random.nextGaussian());
      sliding.add(event);
      inside.add(event);
      while (inside.get(0).timeMillis() <= time - 2 * HOUR) {
        sliding.remove(inside.remove(0));
      }
      if (i % 50 == 0) {
        DecayedSum fresh = new DecayedSum(0, HOUR / 50);
        inside.forEach(fresh::add);
        assertThat(Written.bytes(sliding)).isEqualTo(Written.bytes(fresh));
      }
    }
  }
}
