package dev.millrace.core.feature;

import dev.millrace.core.definition.FeatureView;
import java.io.Serializable;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What a view's features are read from: which columns an event brings, which accumulators each
 * window needs (shared by all features that can read the same one), and how each feature reads
 * them.
 *
 * <p>Windows are ordered by length, that of all time last. A tile holds every accumulator that any
 * window but that of all time needs: nothing leaves a window of all time, so its accumulators take
 * each event once and want no tiles.
 */
public final class Aggregations implements Serializable {

  private static final long serialVersionUID = 1L;

  /** The length of a window that holds all time: that of features without {@code windows}. */
  public static final long ALL_TIME = Long.MAX_VALUE;

  /** How many values an accumulator of an exact view keeps beyond those needed. */
  static final int FURTHER = 64;

  private final List<Column> columns;
  private final int numberColumns;
  private final int features;
  private final long[] windowsMillis;

  /** By window. */
  private final List<Plan> plans;

  private final List<Recipe.Slot> tile;
  private final boolean exact;

  /**
   * One column that an event brings.
   *
   * @param field the source's field, or null where {@code condition} is set
   * @param condition CEL whose result is the number 1, 0 or NaN
   * @param number whether it is read as a double, NaN for null; else as an object
   */
  public record Column(@Nullable String field, @Nullable String condition, boolean number)
      implements Serializable {}

  /**
   * One window's accumulators and features.
   *
   * @param tileSlots where each accumulator's events are in a tile; none for the window of all time
   */
  record Plan(List<Recipe.Slot> slots, List<Reading> readings, int[] tileSlots)
      implements Serializable {}

  Aggregations(
      List<Column> columns,
      int features,
      long[] windowsMillis,
      List<Plan> plans,
      List<Recipe.Slot> tile,
      boolean exact) {
    this.columns = List.copyOf(columns);
    this.numberColumns = (int) columns.stream().filter(Column::number).count();
    this.features = features;
    this.windowsMillis = windowsMillis;
    this.plans = List.copyOf(plans);
    this.tile = List.copyOf(tile);
    this.exact = exact;
  }

  public static Aggregations of(FeatureView view) {
    return new AggregationPlan(view).make();
  }

  /** Number columns first, then object columns: the order of an event's values. */
  public List<Column> columns() {
    return columns;
  }

  public int numberColumns() {
    return numberColumns;
  }

  public int objectColumns() {
    return columns.size() - numberColumns;
  }

  /** The distinct window lengths, ascending; {@link #ALL_TIME} last where there is one. */
  public long[] windowsMillis() {
    return windowsMillis.clone();
  }

  /** Empty accumulators of one window. */
  public Accumulator[] empty(int window) {
    boolean leaves = exact && windowsMillis[window] != ALL_TIME;
    return empty(plans.get(window).slots, leaves ? FURTHER : 0);
  }

  /** Empty accumulators of a tile. */
  public Accumulator[] emptyTile() {
    return empty(tile, 0);
  }

  private static Accumulator[] empty(List<Recipe.Slot> slots, int further) {
    Accumulator[] accumulators = new Accumulator[slots.size()];
    for (int i = 0; i < accumulators.length; i++) {
      accumulators[i] = slots.get(i).empty(further);
    }
    return accumulators;
  }

  /** Merges those accumulators of a tile that the window needs into the window's. */
  public void mergeTile(int window, Accumulator[] into, Accumulator[] tileParts) {
    int[] tileSlots = plans.get(window).tileSlots;
    if (windowsMillis[window] == ALL_TIME) {
      throw new IllegalArgumentException(
          "Cannot merge a tile into the window of all time: it takes each event itself");
    }
    for (int i = 0; i < into.length; i++) {
      into[i].merge(tileParts[tileSlots[i]]);
    }
  }

  /** How many features the view has: the length of a row's values. */
  public int features() {
    return features;
  }

  /**
   * Puts the values of the window's features at T in their places.
   *
   * @param values one place a feature, in the view's order
   */
  public void read(
      int window, Accumulator[] accumulators, long atMillis, @Nullable Object[] values) {
    for (Reading reading : plans.get(window).readings) {
      values[reading.feature()] = reading.read(accumulators, atMillis);
    }
  }
}
