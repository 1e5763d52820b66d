package dev.millrace.core.feature;

import dev.millrace.core.definition.Entity;
import dev.millrace.core.definition.Feature;
import dev.millrace.core.definition.Feature.Function;
import dev.millrace.core.definition.Feature.ValueType;
import dev.millrace.core.definition.FeatureView;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * A view that has every function, over numbers x and y, a text s, a whole number n and a flag b.
 */
final class WholeView {

  private final List<Feature> features = new ArrayList<>();
  private final @Nullable Duration window;

  private WholeView(@Nullable Duration window) {
    this.window = window;
  }

  static FeatureView view(FeatureView.Accuracy accuracy, Duration... windows) {
    List<Feature> features = new ArrayList<>();
    for (Duration window : windows) {
      features.addAll(new WholeView(window).windowed());
    }
    features.addAll(new WholeView(null).ofAllTime());
    return view(accuracy, features);
  }

  static FeatureView view(FeatureView.Accuracy accuracy, List<Feature> features) {
    return new FeatureView(
        "v",
        new Entity("e", List.of("k")),
        "s",
        List.of("k"),
        null,
        accuracy,
        Duration.ofMinutes(1),
        Duration.ZERO,
        Duration.ofDays(7),
        features,
        "0123456789ab");
  }

  private List<Feature> windowed() {
    for (Function function :
        List.of(
            Function.SUM,
            Function.MEAN,
            Function.VARIANCE,
            Function.VARIANCE_POP,
            Function.STDDEV,
            Function.STDDEV_POP,
            Function.SKEW,
            Function.KURTOSIS,
            Function.MIN,
            Function.MAX,
            Function.DELTA,
            Function.ZSCORE)) {
      add(function, "x", ValueType.DOUBLE, options());
    }
    add(Function.COUNT, null, ValueType.LONG, options());
    add(Function.RATE, null, ValueType.DOUBLE, options());
    add(Function.COUNT_IF, null, ValueType.LONG, when());
    add(
        Function.COUNT_IF,
        null,
        mapOf(ValueType.LONG),
        new Feature.Options(RawEvent.POSITIVE, "s", null, null, null, null, List.of()));
    add(Function.RATIO, "x", ValueType.DOUBLE, ratio());
    for (double p : new double[] {0, 0.07, 0.5, 0.9, 1}) {
      add(Function.PERCENTILE, "x", ValueType.DOUBLE, p(p));
    }
    add(Function.TOP_K, "x", listOf(ValueType.DOUBLE), k(3));
    add(Function.BOTTOM_K, "y", listOf(ValueType.DOUBLE), k(5));
    for (Function function : List.of(Function.FIRST, Function.FIRST_K, Function.LAST_DISTINCT_K)) {
      ordered(function);
    }
    add(Function.COUNT_DISTINCT, "s", ValueType.LONG, options());
    add(Function.COUNT_DISTINCT, "n", ValueType.LONG, k(4));
    add(Function.APPROX_COUNT_DISTINCT, "x", ValueType.LONG, options());
    add(Function.APPROX_COUNT_DISTINCT, "s", ValueType.LONG, options());
    add(Function.HISTOGRAM, "x", listOf(ValueType.LONG), edges(-1.0, 0.0, 0.5, 100.0));
    add(Function.HISTOGRAM, "n", mapOf(ValueType.LONG), options());
    add(Function.FREQUENT_ITEMS, "s", mapOf(ValueType.LONG), k(64));
    add(Function.MEAN, "x", mapOf(ValueType.DOUBLE), by("s"));
    add(Function.COUNT, null, mapOf(ValueType.LONG), by("s"));
    add(Function.COUNT, null, mapOf(ValueType.LONG), by("n"));
    add(Function.LAST, "s", mapOf(ValueType.STRING), by("b"));
    add(Function.APPROX_COUNT_DISTINCT, "n", mapOf(ValueType.LONG), by("s"));
    features.addAll(new WholeView(window).ofAllTime());
    return features;
  }

  private List<Feature> ofAllTime() {
    ordered(Function.LAST);
    ordered(Function.LAST_K);
    add(Function.LAST_DISTINCT_K, "s", listOf(ValueType.STRING), k(2));
    add(Function.FIRST, "n", ValueType.LONG, options());
    add(Function.TIME_SINCE_LAST, null, ValueType.LONG, options());
    add(Function.TIME_SINCE_LAST, "x", ValueType.LONG, options());
    add(Function.TIME_SINCE_LAST, "s", ValueType.LONG, options());
    for (Duration half : List.of(Duration.ofSeconds(90), Duration.ofDays(1))) {
      add(Function.DECAYED_SUM, "x", ValueType.DOUBLE, halfLife(half));
      add(Function.DECAYED_MEAN, "x", ValueType.DOUBLE, halfLife(half));
    }
    return features;
  }

  private void ordered(Function function) {
    boolean list = function != Function.FIRST && function != Function.LAST;
    Feature.Options options = list ? k(3) : options();
    add(function, "x", list ? listOf(ValueType.DOUBLE) : ValueType.DOUBLE, options);
    add(function, "s", list ? listOf(ValueType.STRING) : ValueType.STRING, options);
    add(function, "n", list ? listOf(ValueType.LONG) : ValueType.LONG, options);
    add(function, "b", list ? listOf(ValueType.BOOLEAN) : ValueType.BOOLEAN, options);
  }

  private void add(
      Function function, @Nullable String column, ValueType type, Feature.Options options) {
    String name =
        column + "_" + function.name().toLowerCase(Locale.ROOT) + "_" + window + "_" + options;
    features.add(new Feature(name, function, column, window, type, options));
  }

  private static ValueType listOf(ValueType element) {
    return ValueType.listOf(element);
  }

  private static ValueType mapOf(ValueType element) {
    return ValueType.mapOf(element);
  }

  static Feature.Options options() {
    return Feature.Options.NONE;
  }

  static Feature.Options when() {
    return new Feature.Options(RawEvent.POSITIVE, null, null, null, null, null, List.of());
  }

  static Feature.Options ratio() {
    return new Feature.Options(null, null, "y", null, null, null, List.of());
  }

  static Feature.Options p(double p) {
    return new Feature.Options(null, null, null, p, null, null, List.of());
  }

  static Feature.Options k(int k) {
    return new Feature.Options(null, null, null, null, k, null, List.of());
  }

  static Feature.Options by(String field) {
    return new Feature.Options(null, field, null, null, null, null, List.of());
  }

  static Feature.Options halfLife(Duration halfLife) {
    return new Feature.Options(null, null, null, null, null, halfLife, List.of());
  }

  static Feature.Options edges(Double... edges) {
    return new Feature.Options(null, null, null, null, null, null, List.of(edges));
  }
}
