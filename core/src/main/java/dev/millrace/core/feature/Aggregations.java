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
 * <p>Windows are ordered by length, those of all time last. A tile holds every accumulator that any
 * window needs.
 */
public final class Aggregations implements Serializable {

  private static final long serialVersionUID = 1L;

  /** The length of a window that holds all time: that of features without {@code windows}. */
  public static final long ALL_TIME = Long.MAX_VALUE;

  /**
   * One column that an event brings.
   *
   * @param field the source's field, or null where {@code condition} is set
   * @param condition CEL whose result is the number 1, 0 or NaN
   * @param number whether it is read as a double, NaN for null; else as an object
   */
  public record Column(@Nullable String field, @Nullable String condition, boolean number)
      implements Serializable {}

  public static Aggregations of(FeatureView view) {
    throw new UnsupportedOperationException("Cannot plan view " + view.name());
  }

  /** Number columns first, then object columns: the order of an event's values. */
  public List<Column> columns() {
    throw new UnsupportedOperationException();
  }

  public int numberColumns() {
    throw new UnsupportedOperationException();
  }

  public int objectColumns() {
    throw new UnsupportedOperationException();
  }

  /** The distinct window lengths, ascending; {@link #ALL_TIME} last where there is one. */
  public long[] windowsMillis() {
    throw new UnsupportedOperationException();
  }

  /** Empty accumulators of one window. */
  public Accumulator[] empty(int window) {
    throw new UnsupportedOperationException();
  }

  /** Empty accumulators of a tile. */
  public Accumulator[] emptyTile() {
    throw new UnsupportedOperationException();
  }

  /** Merges those accumulators of a tile that the window needs into the window's. */
  public void mergeTile(int window, Accumulator[] into, Accumulator[] tile) {
    throw new UnsupportedOperationException();
  }

  /** How many features the view has: the length of a row's values. */
  public int features() {
    throw new UnsupportedOperationException();
  }

  /**
   * Puts the values of the window's features at T in their places.
   *
   * @param values one place a feature, in the view's order
   */
  public void read(
      int window, Accumulator[] accumulators, long atMillis, @Nullable Object[] values) {
    throw new UnsupportedOperationException();
  }

  private Aggregations() {}
}
