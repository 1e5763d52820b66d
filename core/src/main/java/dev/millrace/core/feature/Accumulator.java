package dev.millrace.core.feature;

import java.io.DataOutput;
import java.io.IOException;

/**
 * The partial aggregate of a set of events: of a window, or of a tile. Mutable; one owner.
 *
 * <p>What is read from it depends on the set alone, never on the order in which events were added,
 * removed or merged, except inside the published error of a sketch.
 *
 * <p>Three kinds, told apart by {@link #removes()} and {@link #stale()}:
 *
 * <ul>
 *   <li>removing and never stale: counts, exact sums, histograms;
 *   <li>removing and sometimes stale: those that remember only some of the events (the least
 *       sixty-four of a minimum); once too many of these are gone the owner folds the window's
 *       events anew, which is rare;
 *   <li>not removing: sketches and sets, which the owner merges from parts.
 * </ul>
 */
public interface Accumulator {

  void add(EventView event);

  /** Whether {@link #remove} is possible. */
  boolean removes();

  /**
   * Takes out an event that was added before. Events leave a window oldest first; accumulators that
   * rely on it say so.
   */
  default void remove(EventView event) {
    throw new UnsupportedOperationException(
        "Cannot remove an event from a " + getClass().getSimpleName());
  }

  /** Whether the value is lost until the owner has folded the window's events anew. */
  default boolean stale() {
    return false;
  }

  /**
   * Begins a fold of the events that this stands for: empties it, and it takes events until {@link
   * #endFold} without going stale.
   */
  void beginFold();

  /**
   * Whether a fold that gives the events oldest first may leave out those that are still to come,
   * for this holds all that it can and knows how many there are.
   */
  default boolean foldIsFull() {
    return false;
  }

  /** Ends a fold: what is not needed to go on is let go. */
  default void endFold() {}

  /** Adds the events of another accumulator of the same kind; the other stays as it is. */
  void merge(Accumulator other);

  /** Whether it holds no event. */
  boolean isEmpty();

  Accumulator copy();

  /** Writes itself with a tag in front, so that {@link Accumulators#read} needs no definition. */
  void write(DataOutput out) throws IOException;
}
