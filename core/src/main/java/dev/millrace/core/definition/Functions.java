package dev.millrace.core.definition;

import static dev.millrace.core.definition.Feature.Function;

import java.util.Arrays;
import java.util.EnumMap;
import java.util.EnumSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;

/** What each function takes. */
final class Functions {

  /** Of the built-in ones. */
  static final List<String> NAMES =
      Arrays.stream(Function.values())
          .filter(f -> f != Function.PLUGIN)
          .map(Functions::written)
          .toList();

  /** What the column of a function has to be. */
  enum Column {
    NONE,
    OPTIONAL,
    PLAIN,
    NUMBERS
  }

  /** A key of an aggregation that only some functions have. */
  enum Option {
    WHEN("when"),
    DENOMINATOR("denominator"),
    P("p"),
    K("k"),
    HALF_LIFE("half-life"),
    EDGES("edges");

    final String key;

    Option(String key) {
      this.key = key;
    }

    /** The functions that have it, for messages. */
    String takers() {
      List<String> names =
          Arrays.stream(Function.values())
              .filter(f -> Functions.takes(f, this))
              .map(Functions::written)
              .toList();
      if (names.size() == 1) {
        return "only " + names.get(0) + " takes " + key;
      }
      int last = names.size() - 1;
      return "only "
          + names.subList(0, last).stream().collect(Collectors.joining(", "))
          + " and "
          + names.get(last)
          + " take "
          + key;
    }
  }

  /**
   * The bounds of {@code k}.
   *
   * @param otherwise what it is where it is left out; 0 where it may not be
   */
  record Size(int least, int most, int otherwise) {}

  private static final Size LIST = new Size(1, 1_000, 0);
  private static final Map<Function, Size> SIZES =
      new EnumMap<>(
          Map.of(
              Function.FIRST_K, LIST,
              Function.LAST_K, LIST,
              Function.LAST_DISTINCT_K, LIST,
              Function.TOP_K, LIST,
              Function.BOTTOM_K, LIST,
              Function.COUNT_DISTINCT, new Size(1, 100_000, 1_000),
              Function.FREQUENT_ITEMS, new Size(8, 4_096, 64)));

  private static final Set<Function> WINDOW_OPTIONAL =
      EnumSet.of(
          Function.FIRST,
          Function.LAST,
          Function.FIRST_K,
          Function.LAST_K,
          Function.LAST_DISTINCT_K,
          Function.TIME_SINCE_LAST,
          Function.DECAYED_SUM,
          Function.DECAYED_MEAN);

  private Functions() {}

  static Function named(String name) {
    return Function.valueOf(name.toUpperCase(Locale.ROOT));
  }

  static String written(Function function) {
    return lower(function);
  }

  static String lower(Enum<?> constant) {
    return constant.name().toLowerCase(Locale.ROOT);
  }

  static Column column(Function function) {
    return switch (function) {
      case PLUGIN -> throw new IllegalArgumentException("a plugin says itself what it takes");
      case COUNT, COUNT_IF, RATE -> Column.NONE;
      case TIME_SINCE_LAST -> Column.OPTIONAL;
      default -> function.needsNumbers() ? Column.NUMBERS : Column.PLAIN;
    };
  }

  static boolean needsWindow(Function function) {
    return !WINDOW_OPTIONAL.contains(function);
  }

  static boolean takes(Function function, Option option) {
    return switch (option) {
      case WHEN -> function == Function.COUNT_IF;
      case DENOMINATOR -> function == Function.RATIO;
      case P -> function == Function.PERCENTILE;
      case K -> SIZES.containsKey(function);
      case HALF_LIFE -> function == Function.DECAYED_SUM || function == Function.DECAYED_MEAN;
      case EDGES -> function == Function.HISTOGRAM;
    };
  }

  /** The bounds of {@code k} for a function that takes it. */
  static Size size(Function function) {
    return SIZES.getOrDefault(function, new Size(1, 100_000, 0));
  }
}
