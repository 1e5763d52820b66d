package dev.millrace.core.definition;

import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;

/** The names of aggregations: those that run, and those that are known and do not run yet. */
final class Functions {

  private static final List<String> BUILT =
      Stream.of(Feature.Function.values()).map(f -> f.name().toLowerCase(Locale.ROOT)).toList();

  private static final List<String> PLANNED =
      List.of("variance", "variance_pop", "stddev_pop", "percentile", "first", "last_k");

  static final List<String> ALL = Stream.concat(BUILT.stream(), PLANNED.stream()).toList();

  private static final Set<String> NUMERIC =
      Set.of(
          "sum",
          "mean",
          "min",
          "max",
          "stddev",
          "variance",
          "variance_pop",
          "stddev_pop",
          "percentile");

  private static final Set<String> WINDOW_OPTIONAL = Set.of("last", "first", "last_k");

  private Functions() {}

  static Optional<Feature.Function> built(String name) {
    return BUILT.contains(name)
        ? Optional.of(Feature.Function.valueOf(name.toUpperCase(Locale.ROOT)))
        : Optional.empty();
  }

  static boolean needsNumbers(String name) {
    return NUMERIC.contains(name);
  }

  static boolean needsWindow(String name) {
    return !WINDOW_OPTIONAL.contains(name);
  }
}
