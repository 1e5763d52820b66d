package dev.millrace.core.feature;

import dev.millrace.core.definition.FeatureView;
import dev.millrace.core.feature.EntityState.Window;
import java.io.Serializable;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * A view made ready to compute: what its features are read from, and what bounds its state.
 *
 * <p>A row has the same bits whatever the order its events arrived in.
 */
public final class ViewPlan implements Serializable {

  private static final long serialVersionUID = 1L;

  private final Aggregations aggregations;
  private final FeatureView.Accuracy accuracy;
  private final long refreshMillis;
  private final int eventsMost;

  private ViewPlan(FeatureView view) {
    this.aggregations = Aggregations.of(view);
    this.accuracy = view.accuracy();
    this.refreshMillis = view.refresh().toMillis();
    this.eventsMost = view.maxEventsPerKey();
  }

  public static ViewPlan of(FeatureView view) {
    return new ViewPlan(view);
  }

  public Aggregations aggregations() {
    return aggregations;
  }

  /** The lengths of the windows that have one, ascending. */
  long[] finiteWindowsMillis() {
    return Arrays.stream(aggregations.windowsMillis())
        .filter(w -> w != Aggregations.ALL_TIME)
        .toArray();
  }

  long refreshMillis() {
    return refreshMillis;
  }

  /** How many events an entity of an exact view may have in its longest window. */
  int eventsMost() {
    return eventsMost;
  }

  EntityWindows windows() {
    return switch (accuracy) {
      case EXACT -> new ExactWindows(this);
      case TILED -> new TiledWindows(this);
    };
  }

  /** A window that nothing leaves. */
  static Window allTime(Aggregations aggregations, int window) {
    Accumulator[] accumulators = aggregations.empty(window);
    return new Window(accumulators, new @Nullable Accumulator[accumulators.length]);
  }
}
