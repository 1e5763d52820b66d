package dev.millrace.core.feature;

import dev.millrace.core.definition.Entity;
import dev.millrace.core.definition.Feature;
import dev.millrace.core.definition.Feature.Function;
import dev.millrace.core.definition.Feature.Options;
import dev.millrace.core.definition.Feature.ValueType;
import dev.millrace.core.definition.FeatureView;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/** Views with every aggregation over fields x and y (double), n (long), s (text) and b (truth). */
final class AllFeatures {

  static final Duration REFRESH = Duration.ofMinutes(5);
  static final List<Duration> WINDOWS = List.of(Duration.ofMinutes(15), Duration.ofMinutes(60));

  private final List<Feature> features = new ArrayList<>();

  /** Every function over both windows, those that may also without one, and all of them by s. */
  static List<Feature> all() {
    AllFeatures all = new AllFeatures();
    List<@Nullable Duration> windows = new ArrayList<>(WINDOWS);
    windows.add(null);
    for (Duration window : windows) {
      for (String by : new @Nullable String[] {null, "s"}) {
        all.add(window, by);
      }
    }
    return all.features;
  }

  private void add(@Nullable Duration window, @Nullable String by) {
    if (window != null) {
      windowed(window, by);
    }
    for (Function f : List.of(Function.FIRST, Function.LAST)) {
      add(f, "x", window, ValueType.DOUBLE, options(by, null, null));
      add(f, "n", window, ValueType.LONG, options(by, null, null));
      add(f, "s", window, ValueType.STRING, options(by, null, null));
      add(f, "b", window, ValueType.BOOLEAN, options(by, null, null));
    }
    for (Function f : List.of(Function.FIRST_K, Function.LAST_K, Function.LAST_DISTINCT_K)) {
      add(f, "x", window, ValueType.listOf(ValueType.DOUBLE), options(by, null, 5));
      add(f, "s", window, ValueType.listOf(ValueType.STRING), options(by, null, 3));
    }
    add(Function.TIME_SINCE_LAST, null, window, ValueType.LONG, options(by, null, null));
    add(Function.TIME_SINCE_LAST, "x", window, ValueType.LONG, options(by, null, null));
    for (Function f : List.of(Function.DECAYED_SUM, Function.DECAYED_MEAN)) {
      Options half = new Options(null, by, null, null, null, Duration.ofMinutes(7), List.of());
      add(f, "x", window, ValueType.DOUBLE, half);
    }
  }

  private void windowed(Duration window, @Nullable String by) {
    add(Function.COUNT, null, window, ValueType.LONG, options(by, null, null));
    add(Function.RATE, null, window, ValueType.DOUBLE, options(by, null, null));
    add(
        Function.COUNT_IF,
        null,
        window,
        ValueType.LONG,
        new Options(NaiveFeatures.CONDITION, by, null, null, null, null, List.of()));
    for (Function f : Function.values()) {
      switch (f) {
        case SUM,
            MEAN,
            MIN,
            MAX,
            VARIANCE,
            VARIANCE_POP,
            STDDEV,
            STDDEV_POP,
            SKEW,
            KURTOSIS,
            DELTA,
            ZSCORE ->
            add(f, "x", window, ValueType.DOUBLE, options(by, null, null));
        case TOP_K, BOTTOM_K ->
            add(f, "x", window, ValueType.listOf(ValueType.DOUBLE), options(by, null, 4));
        case COUNT_DISTINCT, APPROX_COUNT_DISTINCT -> {
          add(f, "s", window, ValueType.LONG, options(by, null, null));
          add(f, "n", window, ValueType.LONG, options(by, null, null));
        }
        case FREQUENT_ITEMS ->
            add(f, "s", window, ValueType.mapOf(ValueType.LONG), options(by, null, 64));
        default -> {}
      }
    }
    for (double p : new double[] {0, 0.5, 0.9, 1}) {
      add(Function.PERCENTILE, "x", window, ValueType.DOUBLE, options(by, p, null));
    }
    add(Function.HISTOGRAM, "n", window, ValueType.mapOf(ValueType.LONG), options(by, null, null));
    add(
        Function.HISTOGRAM,
        "x",
        window,
        ValueType.listOf(ValueType.LONG),
        new Options(null, by, null, null, null, null, List.of(-10.0, 0.0, 25.0)));
    plugin("log_sum", "x", window, by, ValueType.DOUBLE);
    plugin("spread", "x", window, by, ValueType.listOf(ValueType.DOUBLE));
    plugin("mean_age", null, window, by, ValueType.DOUBLE);
    plugin("longest", "s", window, by, ValueType.STRING);
    add(
        Function.RATIO,
        "x",
        window,
        ValueType.DOUBLE,
        new Options(null, by, "y", null, null, null, List.of()));
  }

  private static Options options(@Nullable String by, @Nullable Double p, @Nullable Integer k) {
    return new Options(null, by, null, p, k, null, List.of());
  }

  private void add(
      Function function,
      @Nullable String column,
      @Nullable Duration window,
      ValueType type,
      Options options) {
    String name =
        String.format(
            Locale.ROOT,
            "%s_%s%s_%s_%d",
            column,
            function.name().toLowerCase(Locale.ROOT),
            options.by() == null ? "" : "_by",
            window == null ? "all" : window.toMinutes(),
            features.size());
    ValueType whole = options.by() == null ? type : ValueType.mapOf(type);
    features.add(new Feature(name, function, column, window, whole, options));
  }

  private void plugin(
      String plugin,
      @Nullable String column,
      Duration window,
      @Nullable String by,
      ValueType type) {
    features.add(
        new Feature(
            plugin + "_" + features.size(),
            Function.PLUGIN,
            column,
            window,
            by == null ? type : ValueType.mapOf(type),
            options(by, null, null),
            new Feature.Plugin(plugin, 1)));
  }

  static FeatureView view(FeatureView.Accuracy accuracy, List<Feature> features) {
    return view(accuracy, features, FeatureView.MAX_EVENTS_PER_KEY);
  }

  static FeatureView view(
      FeatureView.Accuracy accuracy, List<Feature> features, int maxEventsPerKey) {
    return new FeatureView(
        "v",
        new Entity("e", List.of("k")),
        "s",
        List.of("k"),
        null,
        accuracy,
        REFRESH,
        Duration.ZERO,
        Duration.ofDays(7),
        features,
        maxEventsPerKey,
        FeatureView.RedisOptions.DEFAULT,
        "0123456789ab");
  }
}
