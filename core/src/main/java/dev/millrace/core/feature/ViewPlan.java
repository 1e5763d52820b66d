package dev.millrace.core.feature;

import dev.millrace.core.definition.Feature;
import dev.millrace.core.definition.FeatureView;
import java.io.Serializable;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * A view made ready to compute: which columns an event brings, and how each feature reads them.
 *
 * <p>Every value is computed from the buffer in the order (event time, partition, offset), so a row
 * has the same bits whatever the order its events arrived in. The cost of a row is linear in the
 * events of its windows.
 */
public final class ViewPlan implements Serializable {

  private static final long serialVersionUID = 1L;

  private final List<String> numberColumns;
  private final List<String> objectColumns;
  private final List<Computed> features;
  private final long[] windowsMillis;
  private final long longestMillis;
  private final long refreshMillis;
  private final int latestCount;

  /**
   * One feature.
   *
   * @param number index among the number columns, or -1
   * @param object index among the object columns, or -1
   * @param latest index among the values without a window, or -1
   */
  private record Computed(
      Feature.Function function,
      Feature.ValueType type,
      int number,
      int object,
      int latest,
      long windowMillis)
      implements Serializable {}

  private ViewPlan(
      List<String> numberColumns,
      List<String> objectColumns,
      List<Computed> features,
      long[] windowsMillis,
      long refreshMillis,
      int latestCount) {
    this.numberColumns = numberColumns;
    this.objectColumns = objectColumns;
    this.features = features;
    this.windowsMillis = windowsMillis;
    this.refreshMillis = refreshMillis;
    this.latestCount = latestCount;
    long longest = 0;
    for (long window : windowsMillis) {
      longest = Math.max(longest, window);
    }
    this.longestMillis = longest;
  }

  public static ViewPlan of(FeatureView view) {
    List<String> numbers = new ArrayList<>();
    List<String> objects = new ArrayList<>();
    List<Computed> features = new ArrayList<>();
    Set<Long> windows = new LinkedHashSet<>();
    int latest = 0;
    for (Feature feature : view.features()) {
      // A double holds every float, double and int exactly, and not every long: those stay objects.
      boolean number =
          feature.function().needsNumbers()
              || (feature.function() == Feature.Function.LAST
                  && feature.type() == Feature.ValueType.DOUBLE);
      String column = feature.column();
      long windowMillis = feature.window() == null ? 0 : feature.window().toMillis();
      if (windowMillis > 0) {
        windows.add(windowMillis);
      }
      features.add(
          new Computed(
              feature.function(),
              feature.type(),
              column != null && number ? indexOf(numbers, column) : -1,
              column != null && !number ? indexOf(objects, column) : -1,
              windowMillis == 0 ? latest++ : -1,
              windowMillis));
    }
    return new ViewPlan(
        List.copyOf(numbers),
        List.copyOf(objects),
        List.copyOf(features),
        windows.stream().mapToLong(Long::longValue).toArray(),
        view.refresh().toMillis(),
        latest);
  }

  private static int indexOf(List<String> columns, String column) {
    int at = columns.indexOf(column);
    if (at < 0) {
      columns.add(column);
      at = columns.size() - 1;
    }
    return at;
  }

  /** The fields that an event brings, numbers first: the order of {@link EventBuffer#add}. */
  public List<String> columns() {
    List<String> columns = new ArrayList<>(numberColumns);
    columns.addAll(objectColumns);
    return columns;
  }

  public EntityState newState() {
    EntityState.Latest[] latest = new EntityState.Latest[latestCount];
    for (int i = 0; i < latestCount; i++) {
      latest[i] = new EntityState.Latest();
    }
    return new EntityState(new EventBuffer(numberColumns.size(), objectColumns.size()), latest);
  }

  long refreshMillis() {
    return refreshMillis;
  }

  long longestMillis() {
    return longestMillis;
  }

  /** Takes an accepted event into the state; the row is not computed here. */
  void take(
      EntityState state, long timeMillis, int partition, long offset, @Nullable Object[] values) {
    for (Computed feature : features) {
      if (feature.latest >= 0) {
        Object value =
            values[feature.number >= 0 ? feature.number : numberColumns.size() + feature.object];
        if (value != null) {
          state.latest[feature.latest].offer(timeMillis, partition, offset, value);
        }
      }
    }
    if (timeMillis > state.timeMillis - longestMillis && longestMillis > 0) {
      state.buffer.add(timeMillis, partition, offset, values);
    }
  }

  /** The values of every feature at T, over the events that are in the state. */
  @Nullable Object[] evaluate(EntityState state, long atMillis) {
    @Nullable Object[] values = new Object[features.size()];
    int to = state.buffer.firstAfter(atMillis);
    for (int f = 0; f < values.length; f++) {
      Computed feature = features.get(f);
      values[f] =
          feature.latest >= 0
              ? typed(feature, state.latest[feature.latest].value)
              : windowed(
                  feature,
                  state.buffer,
                  state.buffer.firstAfter(atMillis - feature.windowMillis),
                  to);
    }
    return values;
  }

  /**
   * The earliest time after T at which an event leaves a window; {@link Long#MAX_VALUE} if none.
   */
  long nextExitMillis(EntityState state, long atMillis) {
    long next = Long.MAX_VALUE;
    for (long window : windowsMillis) {
      int first = state.buffer.firstAfter(atMillis - window);
      if (first < state.buffer.size()) {
        next = Math.min(next, state.buffer.timeMillis(first) + window);
      }
    }
    return next;
  }

  private static @Nullable Object windowed(Computed feature, EventBuffer buffer, int from, int to) {
    return switch (feature.function) {
      case COUNT -> (long) (to - from);
      case LAST -> last(feature, buffer, from, to);
      case SUM -> sum(buffer, feature.number, from, to);
      case MEAN -> {
        Double sum = sum(buffer, feature.number, from, to);
        yield sum == null ? null : sum / count(buffer, feature.number, from, to);
      }
      case MIN -> extreme(buffer, feature.number, from, to, -1);
      case MAX -> extreme(buffer, feature.number, from, to, 1);
      case STDDEV -> stddev(buffer, feature.number, from, to);
      case APPROX_COUNT_DISTINCT -> distinct(buffer, feature.object, from, to);
    };
  }

  private static @Nullable Object last(Computed feature, EventBuffer buffer, int from, int to) {
    for (int i = to - 1; i >= from; i--) {
      if (feature.number >= 0) {
        double value = buffer.number(feature.number, i);
        if (!Double.isNaN(value)) {
          return value;
        }
      } else {
        Object value = buffer.object(feature.object, i);
        if (value != null) {
          return typed(feature, value);
        }
      }
    }
    return null;
  }

  private static int count(EventBuffer buffer, int column, int from, int to) {
    int count = 0;
    for (int i = from; i < to; i++) {
      if (!Double.isNaN(buffer.number(column, i))) {
        count++;
      }
    }
    return count;
  }

  private static @Nullable Double sum(EventBuffer buffer, int column, int from, int to) {
    double sum = 0;
    int count = 0;
    for (int i = from; i < to; i++) {
      double value = buffer.number(column, i);
      if (!Double.isNaN(value)) {
        sum += value;
        count++;
      }
    }
    return count == 0 ? null : sum;
  }

  private static @Nullable Double extreme(
      EventBuffer buffer, int column, int from, int to, int sign) {
    double extreme = Double.NaN;
    for (int i = from; i < to; i++) {
      double value = buffer.number(column, i);
      if (!Double.isNaN(value)
          && (Double.isNaN(extreme) || Double.compare(value, extreme) * sign > 0)) {
        extreme = value;
      }
    }
    return Double.isNaN(extreme) ? null : extreme;
  }

  /** The sample's standard deviation by two passes; null below two values. */
  private static @Nullable Double stddev(EventBuffer buffer, int column, int from, int to) {
    Double sum = sum(buffer, column, from, to);
    int count = sum == null ? 0 : count(buffer, column, from, to);
    if (sum == null || count < 2) {
      return null;
    }
    double mean = sum / count;
    double squares = 0;
    for (int i = from; i < to; i++) {
      double value = buffer.number(column, i);
      if (!Double.isNaN(value)) {
        squares += (value - mean) * (value - mean);
      }
    }
    return Math.sqrt(squares / (count - 1));
  }

  /**
   * How many values there are, each counted once. The window's events are all at hand, so the count
   * is exact, which is within any bound of an approximation.
   */
  private static @Nullable Long distinct(EventBuffer buffer, int column, int from, int to) {
    Set<Object> values = new HashSet<>();
    for (int i = from; i < to; i++) {
      Object value = buffer.object(column, i);
      if (value != null) {
        values.add(one(value));
      }
    }
    return values.isEmpty() ? null : (long) values.size();
  }

  /** Zero has two signs and is one value. */
  private static Object one(Object value) {
    if (value instanceof Double number && number == 0) {
      return 0.0;
    }
    return value instanceof Float number && number == 0 ? (Object) 0.0f : value;
  }

  private static @Nullable Object typed(Computed feature, @Nullable Object value) {
    if (value == null) {
      return null;
    }
    return switch (feature.type) {
      case LONG -> ((Number) value).longValue();
      case DOUBLE -> ((Number) value).doubleValue();
      case STRING -> String.valueOf(value);
      case BOOLEAN -> value;
    };
  }
}
