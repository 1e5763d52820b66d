package dev.millrace.core.feature;

import dev.millrace.core.definition.Feature;
import java.math.BigDecimal;
import java.math.MathContext;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** Each feature as its definition says, from all events of its window, in exact decimals. */
final class NaiveAggregation {

  private static final MathContext DIGITS = new MathContext(60);

  static final Comparator<RawEvent> ORDER =
      Comparator.comparingLong(RawEvent::timeMillis)
          .thenComparingInt(RawEvent::partition)
          .thenComparingLong(RawEvent::offset);

  /** Of the events in the order of the definition. */
  static @Nullable Object value(Feature feature, List<RawEvent> unordered, long atMillis) {
    List<RawEvent> events = unordered.stream().sorted(ORDER).toList();
    String by = feature.options().by();
    if (by == null) {
      return one(feature, events, atMillis);
    }
    Map<String, List<RawEvent>> groups = new TreeMap<>();
    for (RawEvent event : events) {
      Object key = event.field(by);
      if (key != null) {
        groups.computeIfAbsent(text(key), k -> new ArrayList<>()).add(event);
      }
    }
    Map<String, Object> values = new TreeMap<>();
    groups.entrySet().stream()
        .limit(1000)
        .forEach(
            entry -> {
              Object value = one(feature, entry.getValue(), atMillis);
              if (value != null) {
                values.put(entry.getKey(), value);
              }
            });
    return values.isEmpty() ? null : values;
  }

  private static @Nullable Object one(Feature feature, List<RawEvent> events, long atMillis) {
    Feature.Options options = feature.options();
    String column = feature.column();
    switch (feature.function()) {
      case COUNT:
        return (long) events.size();
      case COUNT_IF:
        return events.stream()
            .filter(e -> e.field("x") instanceof Number n && n.doubleValue() > 0)
            .count();
      case RATE:
        return events.isEmpty()
            ? null
            : events.size() / (Objects.requireNonNull(feature.window()).toMillis() / 1000.0);
      case TIME_SINCE_LAST:
        List<RawEvent> seen =
            events.stream().filter(e -> column == null || e.field(column) != null).toList();
        return seen.isEmpty() ? null : atMillis - seen.get(seen.size() - 1).timeMillis();
      case RATIO:
        return ratio(numbers(column, events), numbers(options.denominator(), events));
      case DECAYED_SUM:
      case DECAYED_MEAN:
        return decayed(feature, events, atMillis);
      default:
        break;
    }
    if (values(column, events).isEmpty()) {
      return null;
    }
    return switch (feature.function()) {
      case SUM, MEAN, VARIANCE, VARIANCE_POP, STDDEV, STDDEV_POP, SKEW, KURTOSIS, ZSCORE ->
          moment(feature.function(), numbers(column, events));
      case MIN -> Collections.min(numbers(column, events));
      case MAX -> Collections.max(numbers(column, events));
      case TOP_K ->
          numbers(column, events).stream()
              .sorted(Comparator.reverseOrder())
              .limit(k(feature))
              .toList();
      case BOTTOM_K -> numbers(column, events).stream().sorted().limit(k(feature)).toList();
      case PERCENTILE -> percentile(Objects.requireNonNull(options.p()), numbers(column, events));
      case FIRST -> values(column, events).get(0);
      case LAST -> reversed(values(column, events)).get(0);
      case FIRST_K -> values(column, events).stream().limit(k(feature)).toList();
      case LAST_K -> reversed(values(column, events)).stream().limit(k(feature)).toList();
      case LAST_DISTINCT_K ->
          new LinkedHashSet<>(unsigned(reversed(values(column, events))))
              .stream().limit(k(feature)).toList();
      case DELTA -> {
        List<Double> all = numbers(column, events);
        yield all.get(all.size() - 1) - all.get(0);
      }
      case COUNT_DISTINCT ->
          Math.min(
              options.k() == null ? 1000 : k(feature),
              unsigned(values(column, events)).stream().distinct().count());
      case APPROX_COUNT_DISTINCT -> unsigned(values(column, events)).stream().distinct().count();
      case HISTOGRAM ->
          options.edges().isEmpty()
              ? counts(values(column, events))
              : binned(options.edges(), numbers(column, events));
      case FREQUENT_ITEMS -> counts(values(column, events));
      default -> throw new IllegalArgumentException(feature.toString());
    };
  }

  private static int k(Feature feature) {
    return Objects.requireNonNull(feature.options().k());
  }

  private static List<Object> values(@Nullable String column, List<RawEvent> events) {
    List<Object> values = new ArrayList<>();
    for (RawEvent event : events) {
      Object value = event.field(column);
      if (value != null) {
        values.add(value);
      }
    }
    return values;
  }

  static List<Double> numbers(@Nullable String column, List<RawEvent> events) {
    return values(column, events).stream().map(v -> ((Number) v).doubleValue()).toList();
  }

  private static <T> List<T> reversed(List<T> values) {
    List<T> reversed = new ArrayList<>(values);
    Collections.reverse(reversed);
    return reversed;
  }

  private static List<Object> unsigned(List<Object> values) {
    Function<Object, Object> one = v -> v instanceof Double d && d == 0 ? (Object) 0.0 : v;
    return values.stream().map(one).toList();
  }

  static String text(Object value) {
    if (value instanceof Double d) {
      return new BigDecimal(d.toString()).stripTrailingZeros().toPlainString();
    }
    return value.toString();
  }

  private static Map<String, Long> counts(List<Object> values) {
    Map<String, Long> counts = new TreeMap<>();
    for (Object value : values) {
      counts.merge(text(value), 1L, Long::sum);
    }
    return counts;
  }

  private static List<Long> binned(List<Double> edges, List<Double> values) {
    List<Long> counts = new ArrayList<>(Collections.nCopies(edges.size() + 1, 0L));
    for (double value : values) {
      int bin = 0;
      for (double edge : edges) {
        if (value >= edge) {
          bin++;
        }
      }
      counts.set(bin, counts.get(bin) + 1);
    }
    return counts;
  }

  static double percentile(double p, List<Double> values) {
    List<Double> sorted = values.stream().sorted().toList();
    BigDecimal wanted = BigDecimal.valueOf(p).multiply(BigDecimal.valueOf(sorted.size()));
    for (int rank = 1; rank <= sorted.size(); rank++) {
      if (BigDecimal.valueOf(rank).compareTo(wanted) >= 0) {
        return sorted.get(rank - 1);
      }
    }
    throw new IllegalArgumentException("Cannot find rank " + p);
  }

  static BigDecimal sum(List<Double> values) {
    BigDecimal sum = BigDecimal.ZERO;
    for (double value : values) {
      sum = sum.add(new BigDecimal(value));
    }
    return sum;
  }

  private static @Nullable Double ratio(List<Double> above, List<Double> below) {
    if (above.isEmpty() || below.isEmpty() || sum(below).signum() == 0) {
      return null;
    }
    return sum(above).divide(sum(below), DIGITS).doubleValue();
  }

  /** Of at least one value; null where it is not defined. */
  static @Nullable Double moment(Feature.Function function, List<Double> values) {
    BigDecimal n = BigDecimal.valueOf(values.size());
    if (function == Feature.Function.SUM) {
      return sum(values).doubleValue();
    }
    BigDecimal mean = sum(values).divide(n, DIGITS);
    if (function == Feature.Function.MEAN) {
      return mean.doubleValue();
    }
    // A mean that is rounded would be off from values that are all one.
    BigDecimal squares = constant(values) ? BigDecimal.ZERO : central(values, mean, 2);
    switch (function) {
      case VARIANCE_POP:
        return squares.divide(n, DIGITS).doubleValue();
      case STDDEV_POP:
        return squares.divide(n, DIGITS).sqrt(DIGITS).doubleValue();
      case SKEW:
      case KURTOSIS:
        return shape(function, values, mean, squares);
      default:
        break;
    }
    if (values.size() < 2) {
      return null;
    }
    BigDecimal variance = squares.divide(BigDecimal.valueOf(values.size() - 1), DIGITS);
    if (function == Feature.Function.VARIANCE) {
      return variance.doubleValue();
    }
    BigDecimal deviation = variance.sqrt(DIGITS);
    if (function == Feature.Function.STDDEV) {
      return deviation.doubleValue();
    }
    if (constant(values)) {
      return null;
    }
    BigDecimal last = new BigDecimal(values.get(values.size() - 1));
    return last.subtract(mean).divide(deviation, DIGITS).doubleValue();
  }

  private static boolean constant(List<Double> values) {
    return values.stream().map(v -> v + 0.0).distinct().count() == 1;
  }

  private static @Nullable Double shape(
      Feature.Function function, List<Double> values, BigDecimal mean, BigDecimal squares) {
    if (constant(values)) {
      return null;
    }
    BigDecimal n = BigDecimal.valueOf(values.size());
    BigDecimal m2 = squares.divide(n, DIGITS);
    if (function == Feature.Function.SKEW) {
      BigDecimal m3 = central(values, mean, 3).divide(n, DIGITS);
      return m3.divide(m2.multiply(m2.sqrt(DIGITS)), DIGITS).doubleValue();
    }
    BigDecimal m4 = central(values, mean, 4).divide(n, DIGITS);
    return m4.divide(m2.multiply(m2), DIGITS).subtract(BigDecimal.valueOf(3)).doubleValue();
  }

  private static BigDecimal central(List<Double> values, BigDecimal mean, int power) {
    BigDecimal sum = BigDecimal.ZERO;
    for (double value : values) {
      sum = sum.add(new BigDecimal(value).subtract(mean).pow(power, DIGITS), DIGITS);
    }
    return sum;
  }

  private static @Nullable Double decayed(Feature feature, List<RawEvent> events, long atMillis) {
    double half = Objects.requireNonNull(feature.options().halfLife()).toMillis();
    double sum = 0;
    double weights = 0;
    int count = 0;
    for (RawEvent event : events) {
      if (event.field(feature.column()) instanceof Number number) {
        double weight = Math.pow(2, -(atMillis - event.timeMillis()) / half);
        sum += number.doubleValue() * weight;
        weights += weight;
        count++;
      }
    }
    if (count == 0) {
      return null;
    }
    return feature.function() == Feature.Function.DECAYED_SUM ? (Double) sum : sum / weights;
  }

  private NaiveAggregation() {}
}
