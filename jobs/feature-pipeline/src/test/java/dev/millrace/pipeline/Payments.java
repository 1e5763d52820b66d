package dev.millrace.pipeline;

import dev.millrace.streaming.Event;
import dev.millrace.streaming.Inbound;
import java.math.BigDecimal;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * A seeded stream of payments out of four partitions: out of order, some late, some sent again,
 * some without a card; and what the definitions say of it, by plain loops over all of it.
 */
final class Payments {

  static final long MINUTE = 60_000;
  static final long HOUR = 60 * MINUTE;
  static final int PARTITIONS = 4;
  static final long OUT_OF_ORDER = 10 * MINUTE;
  private static final long DEDUP = 5 * MINUTE;

  /** A payment as it was produced. */
  record Payment(
      int partition,
      long offset,
      String id,
      long time,
      @Nullable String card,
      String shop,
      double amount) {}

  /** In the order of arrival. */
  final List<Payment> all = new ArrayList<>();

  /** The stream's watermark after each, as Flink has it. */
  final long[] watermarks;

  /**
   * A stream.
   *
   * @param quietFrom from here on card c0 has no payment
   */
  Payments(Random random, long startMillis, int count, int quietFrom) {
    long[] offsets = new long[PARTITIONS];
    long time = startMillis;
    for (int i = 0; i < count; i++) {
      time += 1 + random.nextInt((int) (5 * MINUTE));
      if (i > 20 && i != quietFrom && random.nextInt(10) == 0) {
        Payment again = all.get(i - 1 - random.nextInt(15));
        if (i < quietFrom || !"c0".equals(again.card)) {
          all.add(
              new Payment(
                  again.partition,
                  offsets[again.partition]++,
                  again.id,
                  again.time,
                  again.card,
                  again.shop,
                  again.amount));
          continue;
        }
      }
      int partition = random.nextInt(PARTITIONS);
      int card = i < quietFrom ? random.nextInt(10) : 1 + random.nextInt(9);
      all.add(
          new Payment(
              partition,
              offsets[partition]++,
              "p" + i,
              random.nextInt(5) == 0 ? time - random.nextInt((int) (60 * MINUTE)) : time,
              i < quietFrom - 1 && random.nextInt(50) == 0 ? null : "c" + card,
              "s" + random.nextInt(6),
              (random.nextInt(1100) - 100) / 10.0));
    }
    watermarks = new long[count];
    Map<Integer, Long> largest = new HashMap<>();
    for (int i = 0; i < count; i++) {
      largest.merge(all.get(i).partition, all.get(i).time, Math::max);
      watermarks[i] =
          largest.size() < PARTITIONS
              ? Long.MIN_VALUE
              : largest.values().stream().mapToLong(Long::longValue).min().orElseThrow()
                  - OUT_OF_ORDER
                  - 1;
    }
  }

  Inbound inbound(int index) {
    Payment p = all.get(index);
    Object[] values = {p.id, p.time, p.card, p.shop, p.amount};
    return new Inbound(
        new Event(p.partition, p.offset, p.time, p.time, p.id, values, null, null), null);
  }

  /** Which of them a view takes, by its filter and its lateness; repeated ones among them. */
  Map<String, List<Payment>> accepted(Predicate<Payment> filter, long latenessMillis) {
    Map<Integer, Long> largest = new HashMap<>();
    Map<String, List<Payment>> accepted = new HashMap<>();
    for (Payment p : all) {
      long before = largest.getOrDefault(p.partition, Long.MIN_VALUE / 2);
      largest.merge(p.partition, p.time, Math::max);
      if (p.card != null && filter.test(p) && before - p.time <= OUT_OF_ORDER + latenessMillis) {
        accepted.computeIfAbsent(p.card, c -> new ArrayList<>()).add(p);
      }
    }
    return accepted;
  }

  /**
   * What a row includes: the payments up to its positions and T, none twice, by event time.
   *
   * @param positions as the log writes them
   */
  static List<Payment> included(List<Payment> accepted, String positions, long t) {
    Map<Integer, Long> upTo = new HashMap<>();
    for (String place : positions.split(",", -1)) {
      String[] parts = place.split(":", -1);
      upTo.put(Integer.valueOf(parts[0]), Long.valueOf(parts[1]));
    }
    Map<String, Long> seen = new HashMap<>();
    List<Payment> included = new ArrayList<>();
    for (Payment p : accepted) {
      Long before = seen.get(p.id);
      if (before == null || Math.abs(before - p.time) > DEDUP) {
        seen.put(p.id, p.time);
        if (p.offset <= upTo.getOrDefault(p.partition, -1L) && p.time <= t) {
          included.add(p);
        }
      }
    }
    included.sort(
        Comparator.comparingLong(Payment::time)
            .thenComparingInt(Payment::partition)
            .thenComparingLong(Payment::offset));
    return included;
  }

  static List<Payment> window(List<Payment> included, long t, long length) {
    return included.stream().filter(p -> p.time > t - length).toList();
  }

  /**
   * A tiled view's window begins at a multiple of the highest power of two not above 1/64 of it.
   */
  static List<Payment> tiledWindow(List<Payment> included, long t, long length) {
    long hop = Long.highestOneBit(length / 64);
    return included.stream()
        .filter(p -> Math.floorDiv(p.time, hop) >= Math.floorDiv(t - length + 1, hop))
        .toList();
  }

  static String sum(List<Payment> of) {
    return of.isEmpty() ? "null" : String.valueOf(exactSum(of).doubleValue());
  }

  static String mean(List<Payment> of) {
    return of.isEmpty() ? "null" : String.valueOf(exactSum(of).doubleValue() / of.size());
  }

  private static BigDecimal exactSum(List<Payment> of) {
    BigDecimal sum = BigDecimal.ZERO;
    for (Payment p : of) {
      sum = sum.add(new BigDecimal(p.amount));
    }
    return sum;
  }

  static String max(List<Payment> of) {
    return of.isEmpty()
        ? "null"
        : String.valueOf(of.stream().mapToDouble(Payment::amount).max().orElseThrow());
  }

  static String lastShops(List<Payment> of, int k) {
    List<String> last = new ArrayList<>();
    for (int i = of.size() - 1; i >= 0 && last.size() < k; i--) {
      last.add(of.get(i).shop);
    }
    return last.isEmpty() ? "null" : String.valueOf(last);
  }
}
