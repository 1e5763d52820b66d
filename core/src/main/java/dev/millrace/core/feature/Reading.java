package dev.millrace.core.feature;

import dev.millrace.core.definition.Feature;
import java.io.Serializable;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * How one feature is read from its window's accumulators.
 *
 * @param feature its place in the row
 * @param type of its value, or of each group's where it has groups
 * @param group the accumulator that holds the groups; -1 where it has none
 * @param slots the accumulators it is read from: of the window, or of each group
 * @param k how many values a list has
 */
record Reading(
    int feature,
    Feature.Function function,
    Feature.ValueType type,
    int group,
    List<Integer> slots,
    double p,
    int k,
    long windowMillis)
    implements Serializable {

  @Nullable Object read(Accumulator[] accumulators, long atMillis) {
    return group < 0
        ? value(accumulators, atMillis)
        : ((Grouped) accumulators[group]).read(parts -> value(parts, atMillis));
  }

  private @Nullable Object value(Accumulator[] parts, long atMillis) {
    return typed(type, raw(parts, atMillis));
  }

  private @Nullable Object raw(Accumulator[] parts, long atMillis) {
    Accumulator one = parts[slots.get(0)];
    return switch (function) {
      case COUNT, COUNT_IF -> ((EventCount) one).count();
      case RATE -> one.isEmpty() ? null : ((EventCount) one).count() * 1000.0 / windowMillis;
      case SUM -> ((Moments) one).sum();
      case MEAN -> ((Moments) one).mean();
      case VARIANCE -> ((Moments) one).variance(false);
      case VARIANCE_POP -> ((Moments) one).variance(true);
      case STDDEV -> ((Moments) one).deviation(false);
      case STDDEV_POP -> ((Moments) one).deviation(true);
      case SKEW -> ((Moments) one).skew();
      case KURTOSIS -> ((Moments) one).kurtosis();
      case RATIO -> ((Moments) one).ratioTo((Moments) parts[slots.get(1)]);
      case ZSCORE -> score((Moments) one, (TimeBand) parts[slots.get(1)]);
      case MIN, MAX, TOP_K, BOTTOM_K, PERCENTILE -> ordered(one);
      case FIRST, LAST -> nth((TimeBand) one, 0);
      case FIRST_K, LAST_K -> values((TimeBand) one);
      case DELTA -> delta((TimeBand) one, (TimeBand) parts[slots.get(1)]);
      case TIME_SINCE_LAST -> one.isEmpty() ? null : atMillis - ((TimeBand) one).timeMillis(0);
      case LAST_DISTINCT_K -> one.isEmpty() ? null : ((LastDistinct) one).values(k);
      case COUNT_DISTINCT ->
          one.isEmpty() ? null : (long) Math.min(k, ((ValueCounts) one).distinct());
      case APPROX_COUNT_DISTINCT -> one.isEmpty() ? null : ((HllCount) one).estimate();
      case HISTOGRAM -> histogram(one);
      case FREQUENT_ITEMS -> one.isEmpty() ? null : ((FrequentItems) one).estimates();
      case DECAYED_SUM -> ((DecayedSum) one).sum(atMillis);
      case DECAYED_MEAN -> ((DecayedSum) one).mean();
      case PLUGIN -> ((PluginAggregate<?>) one).result(atMillis, windowMillis);
    };
  }

  private static @Nullable Double score(Moments moments, TimeBand last) {
    Object value = nth(last, 0);
    return value == null ? null : moments.standardScore((double) value);
  }

  private @Nullable Object ordered(Accumulator one) {
    if (one.isEmpty()) {
      return null;
    }
    if (function == Feature.Function.PERCENTILE) {
      return one instanceof ValueBand band ? band.atRank() : ((KllQuantiles) one).quantile(p);
    }
    double[] found = ((ValueBand) one).needed(k);
    if (function == Feature.Function.MIN || function == Feature.Function.MAX) {
      return found[0];
    }
    List<Object> list = new ArrayList<>(found.length);
    for (double value : found) {
      list.add(value);
    }
    return list;
  }

  private static @Nullable Object nth(TimeBand band, int index) {
    return index < band.size() ? band.value(index) : null;
  }

  private @Nullable Object values(TimeBand band) {
    List<Object> list = new ArrayList<>();
    for (int i = 0; i < band.size() && i < k; i++) {
      list.add(band.value(i));
    }
    return list.isEmpty() ? null : list;
  }

  private static @Nullable Double delta(TimeBand first, TimeBand last) {
    Object from = nth(first, 0);
    Object to = nth(last, 0);
    if (from == null || to == null) {
      return null;
    }
    double delta = (double) to - (double) from;
    return Double.isFinite(delta) ? (Double) delta : null;
  }

  private static @Nullable Object histogram(Accumulator one) {
    if (one.isEmpty()) {
      return null;
    }
    if (one instanceof Bins bins) {
      List<Object> counts = new ArrayList<>();
      for (long count : bins.counts()) {
        counts.add(count);
      }
      return counts;
    }
    SortedMap<String, Object> counts = new TreeMap<>();
    int left = AggregationPlan.HISTOGRAM_VALUES;
    for (Map.Entry<Object, Long> entry : ((ValueCounts) one).counts().entrySet()) {
      if (left-- == 0) {
        break;
      }
      Object unusedBefore = counts.put(PlainValues.text(entry.getKey()), entry.getValue());
    }
    return counts;
  }

  private static @Nullable Object typed(Feature.ValueType type, @Nullable Object value) {
    if (value == null) {
      return null;
    }
    return switch (type.kind()) {
      case LONG -> ((Number) value).longValue();
      case DOUBLE -> ((Number) value).doubleValue();
      case STRING -> PlainValues.text(value);
      case BOOLEAN, MAP -> value;
      case LIST -> {
        List<Object> list = new ArrayList<>();
        for (Object element : (List<?>) value) {
          Object converted = typed(type.elementType(), element);
          if (converted != null) {
            list.add(converted);
          }
        }
        yield List.copyOf(list);
      }
    };
  }
}
