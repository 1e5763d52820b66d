package dev.millrace.e2e;

import java.math.BigDecimal;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/** The features of the project {@code market}, by plain loops over all there was. */
final class NaiveMarket {

  static final Map<String, List<String>> FEATURES =
      Map.of(
          "customer_means", List.of("count_1h", "amount_geometric_mean_1h"),
          "basket_hours", List.of("count_1h", "amount_sum_1h"),
          "shop_baskets", List.of("count_2h", "amount_sum_1h_max_2h"),
          "shop_deliveries", List.of("count_7d", "weight_sum_7d"));

  private static final long HOUR = 3_600_000;
  private static final double RELATIVE_ERROR_MAX = 1e-9;

  /** A purchase as the broker took it. */
  record Purchase(
      int partition,
      long offset,
      String id,
      long time,
      String customer,
      String shop,
      double amount) {}

  /** A row of a file; its position is its index. */
  record Delivery(String id, long time, String shop, double weight) {}

  /** A row of {@code basket_hours} as an event of {@code shop_baskets}. */
  private record BasketRow(long time, int partition, long offset, long count, double sum) {}

  private final Map<String, List<Purchase>> byCustomer = new HashMap<>();
  private final Map<String, List<Purchase>> byBasket = new HashMap<>();
  private final Map<String, NavigableMap<Long, BasketRow>> byShop = new HashMap<>();
  private final List<Delivery> deliveries;

  NaiveMarket(List<Purchase> purchases, List<Delivery> deliveries) {
    this.deliveries = deliveries;
    for (Purchase p : purchases) {
      byCustomer.computeIfAbsent(p.customer, k -> new ArrayList<>()).add(p);
      byBasket.computeIfAbsent(p.customer + "~" + p.shop, k -> new ArrayList<>()).add(p);
    }
    Map<String, List<BasketRow>> rows = new HashMap<>();
    byBasket.forEach(
        (basket, of) -> {
          for (Purchase p : of) {
            long time =
                of.stream()
                    .filter(o -> o.offset <= p.offset)
                    .mapToLong(Purchase::time)
                    .max()
                    .orElseThrow();
            List<Purchase> window = window(of, time, p.partition + ":" + p.offset);
            if (window.size() > 1) {
              rows.computeIfAbsent(p.shop, k -> new ArrayList<>())
                  .add(new BasketRow(time, p.partition, p.offset, window.size(), sum(window)));
            }
          }
        });
    rows.forEach((shop, of) -> byShop.put(shop, placed(of)));
  }

  /** By T, partition and offset, each at the position that its place in this order gives. */
  private static NavigableMap<Long, BasketRow> placed(List<BasketRow> rows) {
    rows.sort(
        Comparator.comparingLong(BasketRow::time)
            .thenComparingInt(BasketRow::partition)
            .thenComparingLong(BasketRow::offset));
    TreeMap<Long, BasketRow> placed = new TreeMap<>();
    long last = -1;
    for (BasketRow row : rows) {
      last = Math.max(last + 1, row.time * 1000);
      placed.put(last, row);
    }
    return placed;
  }

  static String entity(String view) {
    return view.startsWith("customer") ? "customer" : view.startsWith("basket") ? "basket" : "shop";
  }

  /** The keys of a view's entities. */
  Set<String> keys(String view) {
    return switch (view) {
      case "customer_means" -> byCustomer.keySet();
      case "basket_hours" -> byBasket.keySet();
      case "shop_baskets" -> byShop.keySet();
      default -> {
        Set<String> shops = new TreeSet<>();
        deliveries.forEach(d -> shops.add(d.shop));
        yield shops;
      }
    };
  }

  /** The positions of an entity's rows that an event up to a time caused. */
  List<String> sources(String view, String key, long untilMillis) {
    List<String> sources = new ArrayList<>();
    switch (view) {
      case "customer_means", "basket_hours" ->
          of(view, key).stream()
              .filter(p -> p.time <= untilMillis)
              .forEach(p -> sources.add(p.partition + ":" + p.offset));
      case "shop_baskets" ->
          byShop
              .getOrDefault(key, new TreeMap<>())
              .forEach(
                  (place, row) -> {
                    if (row.time <= untilMillis) {
                      sources.add("0:" + place);
                    }
                  });
      default -> {
        for (int i = 0; i < deliveries.size(); i++) {
          if (deliveries.get(i).shop.equals(key)) {
            sources.add("0:" + i);
          }
        }
      }
    }
    return sources;
  }

  /** What a row of (T, positions) holds, in the order of the view's features. */
  List<@Nullable Double> values(String view, String key, long time, String source) {
    switch (view) {
      case "customer_means":
        List<Purchase> ofCustomer = window(of(view, key), time, source);
        return pair(ofCustomer.size(), mean(ofCustomer));
      case "basket_hours":
        List<Purchase> ofBasket = window(of(view, key), time, source);
        return pair(ofBasket.size(), ofBasket.isEmpty() ? null : (Double) sum(ofBasket));
      case "shop_baskets":
        List<Double> sums = new ArrayList<>();
        byShop.getOrDefault(key, new TreeMap<>()).headMap(offset(source), true).values().stream()
            .filter(r -> r.time > time - 2 * HOUR && r.time <= time)
            .forEach(r -> sums.add(r.sum));
        return pair(sums.size(), sums.stream().max(Comparator.naturalOrder()).orElse(null));
      default:
        BigDecimal weight = BigDecimal.ZERO;
        long count = 0;
        for (int i = 0; i <= offset(source); i++) {
          Delivery d = deliveries.get(i);
          if (d.shop.equals(key) && d.time > time - 7 * 24 * HOUR && d.time <= time) {
            weight = weight.add(new BigDecimal(d.weight));
            count++;
          }
        }
        return pair((double) count, count == 0 ? null : (Double) weight.doubleValue());
    }
  }

  private List<Purchase> of(String view, String key) {
    return (view.equals("customer_means") ? byCustomer : byBasket).getOrDefault(key, List.of());
  }

  /** A customer's records have one key, so they are in one partition. */
  private static List<Purchase> window(List<Purchase> of, long time, String source) {
    long offset = offset(source);
    return of.stream()
        .filter(p -> source.startsWith(p.partition + ":") && p.offset <= offset)
        .filter(p -> p.time > time - HOUR && p.time <= time)
        .toList();
  }

  private static long offset(String source) {
    return Long.parseLong(source.substring(source.indexOf(':') + 1));
  }

  private static double sum(List<Purchase> of) {
    BigDecimal sum = BigDecimal.ZERO;
    for (Purchase p : of) {
      sum = sum.add(new BigDecimal(p.amount));
    }
    return sum.doubleValue();
  }

  private static @Nullable Double mean(List<Purchase> of) {
    double product = 1;
    for (Purchase p : of) {
      product *= p.amount;
    }
    return of.isEmpty() ? null : (Double) Math.pow(product, 1.0 / of.size());
  }

  private static List<@Nullable Double> pair(double first, @Nullable Double second) {
    return Arrays.asList(first, second);
  }

  /** Equal, but for the last digits of the mean, which the two compute by other ways. */
  static boolean same(List<@Nullable Double> one, List<@Nullable Double> other) {
    for (int i = 0; i < one.size(); i++) {
      Double a = one.get(i);
      Double b = other.get(i);
      boolean same =
          (a == null || b == null)
              ? a == null && b == null
              : Math.abs(a - b) <= RELATIVE_ERROR_MAX * Math.max(Math.abs(a), Math.abs(b));
      if (!same) {
        return false;
      }
    }
    return one.size() == other.size();
  }
}
