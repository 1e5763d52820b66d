package dev.millrace.core.feature;

import dev.millrace.core.definition.Feature;
import dev.millrace.core.definition.FeatureView;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * How far a view's values may be off.
 *
 * @param windows by length; empty in exact views, whose windows have exact ends
 * @param sketches the features that are read from sketches, or from users' functions with a bound
 */
public record ErrorBounds(List<OfWindow> windows, List<OfSketch> sketches) {

  /** Tiles of the three lengths that a window has, with those that are half in it. */
  private static final int TILES_MOST = 129 + 17 + 3;

  private static final double ITEMS_ERROR = 3.5;
  private static final int ITEMS_SIZE = 64;

  public ErrorBounds {
    windows = List.copyOf(windows);
    sketches = List.copyOf(sketches);
  }

  /**
   * One window of a tiled view.
   *
   * @param hop the window holds less than this too much at its old end
   * @param share the hop's share of the window, at most 1/64 for windows of 64 ms and more
   * @param tilesMost how many tiles there are at most
   */
  public record OfWindow(Duration length, Duration hop, double share, int tilesMost) {}

  /** One feature read from a sketch. */
  public record OfSketch(String feature, String bound) {}

  /** No window and no sketch. */
  public boolean none() {
    return windows.isEmpty() && sketches.isEmpty();
  }

  public static ErrorBounds of(FeatureView view) {
    boolean tiled = view.accuracy() == FeatureView.Accuracy.TILED;
    List<OfWindow> windows = new ArrayList<>();
    if (tiled) {
      Arrays.stream(ViewPlan.of(view).finiteWindowsMillis()).forEach(w -> windows.add(window(w)));
    }
    List<OfSketch> sketches = new ArrayList<>();
    for (Feature feature : view.features()) {
      String bound = bound(feature, tiled);
      if (bound != null) {
        sketches.add(new OfSketch(feature.name(), bound));
      }
    }
    return new ErrorBounds(windows, sketches);
  }

  private static OfWindow window(long lengthMillis) {
    long hopMillis = TiledWindows.hopMillis(lengthMillis);
    return new OfWindow(
        Duration.ofMillis(lengthMillis),
        Duration.ofMillis(hopMillis),
        (double) hopMillis / lengthMillis,
        TILES_MOST);
  }

  private static @Nullable String bound(Feature feature, boolean tiled) {
    return switch (feature.function()) {
      case APPROX_COUNT_DISTINCT -> "relative standard error 1.63 % (HLL, 4,096 registers)";
      case FREQUENT_ITEMS -> {
        Integer k = feature.options().k();
        yield String.format(
            Locale.ROOT,
            "each estimate at most %.2f %% of all events too high, never too low",
            100 * ITEMS_ERROR / mapSize(k == null ? ITEMS_SIZE : k));
      }
      case PERCENTILE ->
          tiled ? "rank off by at most 1.33 %, 99 % confidence (KLL, k = 200)" : null;
      case PLUGIN -> {
        Feature.Plugin plugin = feature.plugin();
        String error =
            plugin == null ? null : PluginAggregate.installed(plugin).error().orElse(null);
        yield error == null ? null : error + " (as the plugin states)";
      }
      default -> null;
    };
  }

  /** As the sketch rounds it. */
  private static int mapSize(int k) {
    return Math.max(8, Integer.highestOneBit(2 * k - 1));
  }
}
