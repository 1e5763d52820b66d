package dev.millrace.core.feature;

import dev.millrace.core.definition.Feature;
import dev.millrace.core.definition.FeatureView;
import java.io.Serializable;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.Comparator;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A row's values folded anew from its events: what the windows that are kept up to date event by
 * event must be equal to. It keeps no pages, no tiles and nothing from one row to the next.
 *
 * <p>Cost: O(n log n) for n events, and one step of each accumulator for each event and window.
 */
public final class RowFold implements Serializable {

  private static final long serialVersionUID = 1L;

  private static final Comparator<EventView> ORDER =
      Comparator.comparingLong(EventView::timeMillis)
          .thenComparingInt(EventView::partition)
          .thenComparingLong(EventView::offset);

  private final Aggregations aggregations;
  private final boolean tiled;
  private final BitSet estimates;

  private RowFold(Aggregations aggregations, boolean tiled, BitSet estimates) {
    this.aggregations = aggregations;
    this.tiled = tiled;
    this.estimates = estimates;
  }

  public static RowFold of(FeatureView view) {
    boolean tiled = view.accuracy() == FeatureView.Accuracy.TILED;
    BitSet estimates = new BitSet();
    List<Feature> features = view.features();
    for (int i = 0; i < features.size(); i++) {
      Feature.Function function = features.get(i).function();
      // The one sketch whose bits depend on how its parts were merged, and the estimates of items,
      // which no model takes.
      if ((tiled && function == Feature.Function.PERCENTILE)
          || function == Feature.Function.FREQUENT_ITEMS) {
        estimates.set(i);
      }
    }
    return new RowFold(Aggregations.of(view), tiled, estimates);
  }

  public Aggregations aggregations() {
    return aggregations;
  }

  /** Whether a feature's bits do not follow from the events alone. */
  public boolean isEstimate(int feature) {
    return estimates.get(feature);
  }

  /** Whether some feature is of all time. */
  public boolean hasAllTime() {
    return Arrays.stream(aggregations.windowsMillis()).anyMatch(w -> w == Aggregations.ALL_TIME);
  }

  /**
   * The time of the first event that a row at T can be made of; {@link Long#MIN_VALUE} where some
   * feature is of all time.
   */
  public long firstMillis(long atMillis) {
    return Arrays.stream(aggregations.windowsMillis())
        .map(w -> firstMillis(w, atMillis))
        .min()
        .orElse(atMillis);
  }

  /** The longest window that has a length; 0 where there is none. */
  public long longestMillis() {
    return Arrays.stream(aggregations.windowsMillis())
        .filter(w -> w != Aggregations.ALL_TIME)
        .max()
        .orElse(0);
  }

  private long firstMillis(long lengthMillis, long atMillis) {
    if (lengthMillis == Aggregations.ALL_TIME) {
      return Long.MIN_VALUE;
    }
    long first = atMillis - lengthMillis + 1;
    long hopMillis = tiled ? TiledWindows.hopMillis(lengthMillis) : 1;
    return Math.floorDiv(first, hopMillis) * hopMillis;
  }

  /**
   * The values of the row.
   *
   * @param events those that count, in any order, of any time
   * @param atMillis T
   * @return by feature, in the view's order
   */
  public @Nullable Object[] values(List<? extends EventView> events, long atMillis) {
    List<EventView> ordered = new ArrayList<>(events);
    ordered.sort(ORDER);
    @Nullable Object[] values = new Object[aggregations.features()];
    long[] lengths = aggregations.windowsMillis();
    for (int window = 0; window < lengths.length; window++) {
      Accumulator[] accumulators = aggregations.empty(window);
      for (Accumulator accumulator : accumulators) {
        accumulator.beginFold();
      }
      long fromMillis = firstMillis(lengths[window], atMillis);
      for (EventView event : ordered) {
        if (event.timeMillis() >= fromMillis && event.timeMillis() <= atMillis) {
          for (Accumulator accumulator : accumulators) {
            accumulator.add(event);
          }
        }
      }
      for (Accumulator accumulator : accumulators) {
        accumulator.endFold();
      }
      aggregations.read(window, accumulators, atMillis, values);
    }
    return values;
  }
}
