package dev.millrace.core.feature;

import dev.millrace.core.definition.Feature;
import dev.millrace.core.definition.Feature.Options;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * Every aggregation as its definition says it, by plain loops over a list of events. Nothing here
 * is shared with what is tested; sketches are answered exactly.
 */
final class NaiveFeatures {

  /** An event with its fields by name. */
  record Seen(
      long time, int partition, long offset, String id, Map<String, @Nullable Object> fields) {
    @Nullable Double number(String field) {
      Object value = fields.get(field);
      return value instanceof Number n ? (Double) n.doubleValue() : null;
    }
  }

  static final Comparator<Seen> ORDER =
      Comparator.comparingLong(Seen::time)
          .thenComparingInt(Seen::partition)
          .thenComparingLong(Seen::offset);

  /** The condition of every {@code count_if} in these tests. */
  static final String CONDITION = "x > 0.0";

  private static boolean holds(Seen e) {
    Double x = e.number("x");
    return x != null && x > 0;
  }

  /**
   * @param window the events of the window in order
   */
  static @Nullable Object value(Feature feature, List<Seen> window, long atMillis) {
    String by = feature.options().by();
    if (by == null) {
      return one(feature, feature.options(), window, atMillis);
    }
    Map<String, List<Seen>> groups = new TreeMap<>();
    for (Seen e : window) {
      Object key = e.fields.get(by);
      if (key != null) {
        groups.computeIfAbsent(key.toString(), k -> new ArrayList<>()).add(e);
      }
    }
    Map<String, Object> values = new TreeMap<>();
    groups.forEach(
        (key, events) -> {
          Object value = one(feature, feature.options(), events, atMillis);
          if (value != null) {
            values.put(key, value);
          }
        });
    return values.isEmpty() ? null : values;
  }

  private static @Nullable Object one(
      Feature feature, Options options, List<Seen> window, long atMillis) {
    String column = feature.column();
    List<Double> x = column == null ? List.of() : numbers(window, column);
    List<Object> present = column == null ? List.of() : objects(window, column);
    int k = options.k() == null ? 1 : options.k();
    return switch (feature.function()) {
      case COUNT -> (long) window.size();
      case COUNT_IF -> window.stream().filter(NaiveFeatures::holds).count();
      case SUM -> x.isEmpty() ? null : sum(x);
      case MEAN -> x.isEmpty() ? null : sum(x) / x.size();
      case MIN -> x.isEmpty() ? null : Collections.min(x);
      case MAX -> x.isEmpty() ? null : Collections.max(x);
      case VARIANCE -> x.size() < 2 ? null : central(x, 2) / (x.size() - 1);
      case VARIANCE_POP -> x.isEmpty() ? null : central(x, 2) / x.size();
      case STDDEV -> x.size() < 2 ? null : Math.sqrt(central(x, 2) / (x.size() - 1));
      case STDDEV_POP -> x.isEmpty() ? null : Math.sqrt(central(x, 2) / x.size());
      case SKEW -> shape(x, 3);
      case KURTOSIS -> {
        Double fourth = shape(x, 4);
        yield fourth == null ? null : fourth - 3;
      }
      case FIRST -> present.isEmpty() ? null : present.get(0);
      case LAST -> present.isEmpty() ? null : present.get(present.size() - 1);
      case FIRST_K -> present.isEmpty() ? null : present.subList(0, Math.min(k, present.size()));
      case LAST_K -> present.isEmpty() ? null : firstOf(reversed(present), k);
      case LAST_DISTINCT_K -> present.isEmpty() ? null : firstOf(distinct(reversed(present)), k);
      case TOP_K -> x.isEmpty() ? null : firstOf(sorted(x, Comparator.reverseOrder()), k);
      case BOTTOM_K -> x.isEmpty() ? null : firstOf(sorted(x, Comparator.naturalOrder()), k);
      case COUNT_DISTINCT ->
          present.isEmpty()
              ? null
              : Math.min(options.k() == null ? 1000L : k, distinct(present).size());
      case APPROX_COUNT_DISTINCT ->
          present.isEmpty() ? null : (Object) (long) distinct(present).size();
      case PERCENTILE -> percentile(x, Objects.requireNonNull(options.p()));
      case HISTOGRAM -> histogram(options.edges(), x, present);
      case FREQUENT_ITEMS -> present.isEmpty() ? null : counts(present);
      case RATIO -> {
        List<Double> below = numbers(window, Objects.requireNonNull(options.denominator()));
        yield x.isEmpty() || below.isEmpty() || sum(below) == 0 ? null : sum(x) / sum(below);
      }
      case DECAYED_SUM -> x.isEmpty() ? null : decayed(feature, window, atMillis, false);
      case DECAYED_MEAN ->
          x.isEmpty()
              ? null
              : decayed(feature, window, atMillis, false)
                  / decayed(feature, window, atMillis, true);
      case TIME_SINCE_LAST -> {
        Seen last = null;
        for (Seen e : window) {
          last = column == null || e.fields.get(column) != null ? e : last;
        }
        yield last == null ? null : atMillis - last.time;
      }
      case RATE ->
          window.isEmpty()
              ? null
              : window.size() / (Objects.requireNonNull(feature.window()).toMillis() / 1000.0);
      case DELTA -> x.isEmpty() ? null : x.get(x.size() - 1) - x.get(0);
      case ZSCORE -> {
        double deviation = x.size() < 2 ? 0 : Math.sqrt(central(x, 2) / (x.size() - 1));
        yield deviation == 0 || constant(x)
            ? null
            : (x.get(x.size() - 1) - sum(x) / x.size()) / deviation;
      }
      case PLUGIN -> given(feature, x, present, window, atMillis);
    };
  }

  /** The functions on the class path of the tests. */
  private static @Nullable Object given(
      Feature feature, List<Double> x, List<Object> present, List<Seen> window, long atMillis) {
    return switch (Objects.requireNonNull(feature.plugin()).name()) {
      case "log_sum" -> {
        List<Double> above = x.stream().filter(v -> v > 0).toList();
        yield above.isEmpty() ? null : sum(above.stream().map(Math::log).toList());
      }
      case "spread" ->
          x.isEmpty() ? null : List.of(Collections.max(x) - Collections.min(x), Collections.min(x));
      case "mean_age" -> {
        double length = Objects.requireNonNull(feature.window()).toMillis();
        List<Double> ages = window.stream().map(e -> (double) (atMillis - e.time)).toList();
        yield window.isEmpty() ? null : sum(ages) / ages.size() / length;
      }
      case "longest" ->
          present.stream()
              .map(Object::toString)
              .min(
                  Comparator.comparing(String::length)
                      .reversed()
                      .thenComparing(Comparator.naturalOrder()))
              .orElse(null);
      default -> throw new IllegalArgumentException("no oracle for " + feature);
    };
  }

  private static List<Double> numbers(List<Seen> window, String column) {
    return window.stream().map(e -> e.number(column)).filter(Objects::nonNull).toList();
  }

  private static List<Object> objects(List<Seen> window, String column) {
    return window.stream().map(e -> e.fields.get(column)).filter(Objects::nonNull).toList();
  }

  /** Zero has two signs and is one value. */
  private static List<Object> distinct(List<Object> values) {
    LinkedHashSet<Object> distinct = new LinkedHashSet<>();
    values.forEach(v -> distinct.add(v instanceof Double d && d == 0 ? (Object) 0.0 : v));
    return new ArrayList<>(distinct);
  }

  private static double sum(List<Double> x) {
    double sum = 0;
    double lost = 0;
    for (double value : x) {
      double next = sum + value;
      lost += Math.abs(sum) >= Math.abs(value) ? (sum - next) + value : (value - next) + sum;
      sum = next;
    }
    return sum + lost;
  }

  private static double central(List<Double> x, int power) {
    double mean = sum(x) / x.size();
    return sum(x.stream().map(v -> Math.pow(v - mean, power)).toList());
  }

  private static boolean constant(List<Double> x) {
    return x.isEmpty() || Collections.max(x).doubleValue() == Collections.min(x).doubleValue();
  }

  private static @Nullable Double shape(List<Double> x, int power) {
    if (x.size() < 2 || constant(x)) {
      return null;
    }
    double n = x.size();
    return central(x, power) / n / Math.pow(central(x, 2) / n, power / 2.0);
  }

  private static @Nullable Double percentile(List<Double> x, double p) {
    if (x.isEmpty()) {
      return null;
    }
    int rank = (int) Math.max(1, Math.ceil(p * x.size() - 1e-9));
    return sorted(x, Comparator.naturalOrder()).get(rank - 1);
  }

  private static @Nullable Object histogram(
      List<Double> edges, List<Double> x, List<Object> present) {
    if (edges.isEmpty()) {
      return present.isEmpty() ? null : counts(present);
    }
    if (x.isEmpty()) {
      return null;
    }
    List<Object> counts = new ArrayList<>();
    for (int bin = 0; bin <= edges.size(); bin++) {
      double from = bin == 0 ? Double.NEGATIVE_INFINITY : edges.get(bin - 1);
      double to = bin == edges.size() ? Double.POSITIVE_INFINITY : edges.get(bin);
      counts.add(x.stream().filter(v -> v >= from && v < to).count());
    }
    return counts;
  }

  private static Map<String, Object> counts(List<Object> present) {
    Map<String, Object> counts = new TreeMap<>();
    for (Object value : present) {
      counts.merge(value.toString(), 1L, (a, b) -> (Long) a + (Long) b);
    }
    return counts;
  }

  private static double decayed(Feature feature, List<Seen> window, long atMillis, boolean weight) {
    double half = Objects.requireNonNull(feature.options().halfLife()).toMillis();
    List<Double> terms = new ArrayList<>();
    for (Seen e : window) {
      Double x = e.number(Objects.requireNonNull(feature.column()));
      if (x != null) {
        terms.add((weight ? 1 : x) * Math.pow(2, -(atMillis - e.time) / half));
      }
    }
    return sum(terms);
  }

  private static <T> List<T> sorted(List<T> values, Comparator<? super T> order) {
    return values.stream().sorted(order).toList();
  }

  private static <T> List<T> reversed(List<T> values) {
    List<T> reversed = new ArrayList<>(values);
    Collections.reverse(reversed);
    return reversed;
  }

  private static <T> List<T> firstOf(List<T> values, int k) {
    return values.subList(0, Math.min(k, values.size()));
  }

  private NaiveFeatures() {}
}
