package dev.millrace.core.feature;

import dev.millrace.core.definition.Feature;
import dev.millrace.core.definition.FeatureView;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/** Plans a view's {@link Aggregations}: which columns and accumulators its features share. */
final class AggregationPlan {

  static final int HISTOGRAM_VALUES = 1000;
  private static final int GROUPS_MOST = 1000;
  private static final int DISTINCT_DEFAULT = 1000;
  private static final int FREQUENT_DEFAULT = 64;

  private final FeatureView view;
  private final boolean exact;
  private final List<Aggregations.Column> numbers = new ArrayList<>();
  private final List<Aggregations.Column> objects = new ArrayList<>();

  /** The accumulators of one window or of a tile, each with how much it must hold. */
  private static final class Slots {
    final Map<Recipe, Integer> needs = new LinkedHashMap<>();

    int take(Recipe recipe, int needed) {
      Integer unusedNeed = needs.merge(recipe, needed, Math::max);
      return List.copyOf(needs.keySet()).indexOf(recipe);
    }
  }

  /** One feature's accumulators, before they have their places. */
  private record Wanted(Recipe recipe, int needed) {}

  AggregationPlan(FeatureView view) {
    this.view = view;
    this.exact = view.accuracy() == FeatureView.Accuracy.EXACT;
  }

  Aggregations make() {
    for (Feature feature : view.features()) {
      takeNumberColumns(feature);
    }
    Map<Long, Slots> windows = new TreeMap<>();
    // One set of parts for the groups of a column in all windows, so that tiles fit every window.
    Map<Integer, Slots> groups = new TreeMap<>();
    Map<Integer, Slots> groupsOfAllTime = new TreeMap<>();
    Map<Long, List<Reading>> readings = new TreeMap<>();
    for (int i = 0; i < view.features().size(); i++) {
      Feature feature = view.features().get(i);
      long window = windowMillis(feature);
      Slots slots = windows.computeIfAbsent(window, unusedWindow -> new Slots());
      Reading reading =
          plan(i, feature, slots, window == Aggregations.ALL_TIME ? groupsOfAllTime : groups);
      readings.computeIfAbsent(window, unusedWindow -> new ArrayList<>()).add(reading);
    }
    Slots tile = new Slots();
    windows.forEach(
        (window, slots) -> {
          if (window != Aggregations.ALL_TIME) {
            slots.needs.forEach(tile::take);
          }
        });
    List<Aggregations.Plan> plans = new ArrayList<>();
    windows.forEach(
        (window, slots) -> {
          boolean allTime = window == Aggregations.ALL_TIME;
          plans.add(
              new Aggregations.Plan(
                  slots(slots, allTime ? groupsOfAllTime : groups),
                  List.copyOf(readings.getOrDefault(window, List.of())),
                  allTime ? new int[0] : tileSlots(slots, tile)));
        });
    List<Aggregations.Column> columns = new ArrayList<>(numbers);
    columns.addAll(objects);
    return new Aggregations(
        columns,
        view.features().size(),
        windows.keySet().stream().mapToLong(Long::longValue).toArray(),
        plans,
        slots(tile, groups),
        exact);
  }

  private static long windowMillis(Feature feature) {
    Duration window = feature.window();
    return window == null ? Aggregations.ALL_TIME : window.toMillis();
  }

  private static int[] tileSlots(Slots window, Slots tile) {
    List<Recipe> places = List.copyOf(tile.needs.keySet());
    return window.needs.keySet().stream().mapToInt(places::indexOf).toArray();
  }

  private static List<Recipe.Slot> slots(Slots slots, Map<Integer, Slots> groups) {
    List<Recipe.Slot> made = new ArrayList<>();
    slots.needs.forEach(
        (recipe, needed) -> {
          Slots inner = groups.get(recipe.column());
          made.add(
              recipe.kind() == Recipe.Kind.GROUPS && inner != null
                  ? new Recipe.Slot(recipe, needed, slots(inner, Map.of()))
                  : new Recipe.Slot(recipe, needed));
        });
    return List.copyOf(made);
  }

  private Reading plan(int place, Feature feature, Slots window, Map<Integer, Slots> groups) {
    String by = feature.options().by();
    int group = -1;
    Slots slots = window;
    if (by != null) {
      int column = column(by, false);
      group = window.take(Recipe.of(Recipe.Kind.GROUPS, column, false), GROUPS_MOST);
      slots = groups.computeIfAbsent(column, unusedColumn -> new Slots());
    }
    List<Integer> places = new ArrayList<>();
    for (Wanted wanted : wanted(feature)) {
      places.add(slots.take(wanted.recipe, wanted.needed));
    }
    Double p = feature.options().p();
    return new Reading(
        place,
        feature.function(),
        innerType(feature),
        group,
        places,
        p == null ? 0 : p,
        k(feature),
        windowMillis(feature));
  }

  private static Feature.ValueType innerType(Feature feature) {
    return feature.options().by() == null ? feature.type() : feature.type().elementType();
  }

  private List<Wanted> wanted(Feature feature) {
    int k = k(feature);
    return switch (feature.function()) {
      case COUNT, RATE -> List.of(events(EventCount.EVERY));
      case COUNT_IF -> List.of(events(condition(feature)));
      case SUM, MEAN -> List.of(moments(numberColumn(feature), 1));
      case VARIANCE, VARIANCE_POP, STDDEV, STDDEV_POP -> List.of(moments(numberColumn(feature), 2));
      case SKEW -> List.of(moments(numberColumn(feature), 3));
      case KURTOSIS -> List.of(moments(numberColumn(feature), 4));
      case RATIO ->
          List.of(
              moments(numberColumn(feature), 1),
              moments(column(option(feature, "denominator", denominator(feature)), true), 1));
      case ZSCORE ->
          List.of(moments(numberColumn(feature), 2), order(Recipe.Kind.LAST, feature, 1));
      case MIN, BOTTOM_K -> List.of(number(Recipe.Kind.LEAST, feature, k));
      case MAX, TOP_K -> List.of(number(Recipe.Kind.GREATEST, feature, k));
      case PERCENTILE -> List.of(percentile(feature));
      case FIRST, FIRST_K -> List.of(order(Recipe.Kind.FIRST, feature, k));
      case LAST, LAST_K -> List.of(order(Recipe.Kind.LAST, feature, k));
      case DELTA ->
          List.of(order(Recipe.Kind.FIRST, feature, 1), order(Recipe.Kind.LAST, feature, 1));
      case TIME_SINCE_LAST -> List.of(lastEvent(feature));
      case LAST_DISTINCT_K -> List.of(order(Recipe.Kind.LAST_DISTINCT, feature, k));
      case COUNT_DISTINCT -> List.of(object(Recipe.Kind.VALUES, feature, k));
      case APPROX_COUNT_DISTINCT -> List.of(object(Recipe.Kind.DISTINCT, feature, 1));
      case HISTOGRAM -> List.of(histogram(feature));
      case FREQUENT_ITEMS -> {
        Wanted wanted = object(Recipe.Kind.FREQUENT, feature, 1);
        yield List.of(new Wanted(wanted.recipe.withSize(k), 1));
      }
      case DECAYED_SUM, DECAYED_MEAN -> List.of(decayed(feature));
      case PLUGIN -> List.of(plugin(feature));
    };
  }

  private static Wanted events(int column) {
    return new Wanted(Recipe.of(Recipe.Kind.EVENTS, column, true), 1);
  }

  private static Wanted moments(int column, int degree) {
    return new Wanted(Recipe.of(Recipe.Kind.MOMENTS, column, true), degree);
  }

  private Wanted number(Recipe.Kind kind, Feature feature, int needed) {
    return new Wanted(Recipe.of(kind, numberColumn(feature), true), needed);
  }

  private Wanted object(Recipe.Kind kind, Feature feature, int needed) {
    return new Wanted(Recipe.of(kind, column(columnOf(feature), false), false), needed);
  }

  private Wanted order(Recipe.Kind kind, Feature feature, int needed) {
    boolean number = readsNumbers(feature);
    return new Wanted(Recipe.of(kind, column(columnOf(feature), number), number), needed);
  }

  private Wanted percentile(Feature feature) {
    if (!exact) {
      Wanted wanted = number(Recipe.Kind.QUANTILES, feature, 1);
      return new Wanted(wanted.recipe.withSize(KllQuantiles.SIZE), 1);
    }
    Wanted wanted = number(Recipe.Kind.RANK, feature, 1);
    return new Wanted(wanted.recipe.withP(option(feature, "p", feature.options().p())), 1);
  }

  private Wanted lastEvent(Feature feature) {
    String field = feature.column();
    if (field == null) {
      return new Wanted(Recipe.of(Recipe.Kind.LAST, TimeBand.NO_COLUMN, false), 1);
    }
    // Only its being there counts, so a column that is read as numbers anyway will do.
    boolean number = numbers.contains(new Aggregations.Column(field, null, true));
    return new Wanted(Recipe.of(Recipe.Kind.LAST, column(field, number), number), 1);
  }

  private Wanted histogram(Feature feature) {
    List<Double> edges = feature.options().edges();
    if (edges.isEmpty()) {
      return object(Recipe.Kind.VALUES, feature, HISTOGRAM_VALUES);
    }
    Wanted wanted = number(Recipe.Kind.BINS, feature, 1);
    return new Wanted(wanted.recipe.withEdges(edges), 1);
  }

  private Wanted decayed(Feature feature) {
    Wanted wanted = number(Recipe.Kind.DECAYED, feature, 1);
    Duration halfLife = option(feature, "half-life", feature.options().halfLife());
    return new Wanted(wanted.recipe.withHalfLifeMillis(halfLife.toMillis()), 1);
  }

  private Wanted plugin(Feature feature) {
    boolean number = readsNumbers(feature);
    String field = feature.column();
    int column = field == null ? PluginAggregate.NO_COLUMN : column(field, number);
    return new Wanted(Recipe.of(option(feature, "plugin", feature.plugin()), column, number), 1);
  }

  private static int k(Feature feature) {
    Integer k = feature.options().k();
    return switch (feature.function()) {
      case FIRST_K, LAST_K, LAST_DISTINCT_K, TOP_K, BOTTOM_K -> option(feature, "k", k);
      case COUNT_DISTINCT -> k == null ? DISTINCT_DEFAULT : k;
      case FREQUENT_ITEMS -> k == null ? FREQUENT_DEFAULT : k;
      default -> 1;
    };
  }

  /** Whether its column is read as doubles, which hold every float, double and int, not a long. */
  private static boolean readsNumbers(Feature feature) {
    Feature.ValueType type = innerType(feature);
    return switch (feature.function()) {
      case FIRST, LAST -> type.equals(Feature.ValueType.DOUBLE);
      case FIRST_K, LAST_K, LAST_DISTINCT_K -> Feature.ValueType.DOUBLE.equals(type.element());
      case HISTOGRAM -> !feature.options().edges().isEmpty();
      case PLUGIN ->
          PluginAggregate.installed(option(feature, "plugin", feature.plugin())).takesDoubles();
      default -> feature.function().needsNumbers();
    };
  }

  /** Before the others, so that {@link #lastEvent} sees them. */
  private void takeNumberColumns(Feature feature) {
    if (feature.column() != null && readsNumbers(feature)) {
      int unusedColumn = numberColumn(feature);
    }
    if (feature.function() == Feature.Function.COUNT_IF) {
      int unusedColumn = condition(feature);
    }
    String denominator = denominator(feature);
    if (denominator != null) {
      int unusedColumn = column(denominator, true);
    }
  }

  private static @Nullable String denominator(Feature feature) {
    return feature.options().denominator();
  }

  private int condition(Feature feature) {
    String when = option(feature, "when", feature.options().when());
    return indexIn(numbers, new Aggregations.Column(null, when, true));
  }

  private int numberColumn(Feature feature) {
    return column(columnOf(feature), true);
  }

  private static String columnOf(Feature feature) {
    return option(feature, "column", feature.column());
  }

  private int column(String field, boolean number) {
    return indexIn(number ? numbers : objects, new Aggregations.Column(field, null, number));
  }

  private static int indexIn(List<Aggregations.Column> columns, Aggregations.Column column) {
    int at = columns.indexOf(column);
    if (at < 0) {
      columns.add(column);
      at = columns.size() - 1;
    }
    return at;
  }

  private static <T> T option(Feature feature, String name, @Nullable T value) {
    if (value == null) {
      throw new IllegalArgumentException(
          "Cannot plan feature "
              + feature.name()
              + ": "
              + feature.function()
              + " without "
              + name
              + "; give it in the definition");
    }
    return value;
  }
}
