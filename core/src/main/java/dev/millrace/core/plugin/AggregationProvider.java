package dev.millrace.core.plugin;

import java.io.DataInput;
import java.io.DataOutput;
import java.io.IOException;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * An aggregation function of a user. A jar names its class in {@code
 * META-INF/services/dev.millrace.core.plugin.AggregationProvider}; it has a public constructor
 * without parameters and may be called from several threads at once, for different partial
 * aggregates.
 *
 * <p>What {@link #result} gives may depend on which values were added and on nothing else: not on
 * the order in which they were added, taken out and merged, nor on a clock or a random number. Else
 * what was served differs from what is computed again. A sum of doubles depends on its order;
 * {@link dev.millrace.core.feature.ExactSum} does not. A function that is right but for a bound
 * states it in {@link #error}.
 *
 * <p>Nulls never get here, and the result of no value is null, without a call. What is thrown fails
 * the job with the function's name: a value left out in silence would be a wrong feature.
 *
 * @param <A> a partial aggregate: what is known of some values. It is mutable, and has to be
 *     bounded in size, because it is kept for every window or tile of every entity.
 */
public interface AggregationProvider<A> {

  /** As definitions name it: lower-case letters, digits and _, and no built-in function's name. */
  String name();

  /**
   * From 1 on. It goes up whenever a result or the form of {@link #write} changes, for it is part
   * of the definition id of every view with this function: a changed function is a changed view.
   */
  int version();

  /** The kinds of columns it takes; none where it takes no column and counts events. */
  Set<ColumnKind> columns();

  ResultType type();

  /** How far a result may be off, for people; empty where it is exact. */
  Optional<String> error();

  /**
   * Whether {@link #remove} can take a value out again, exactly. Where it cannot, an exact view
   * keeps the function twice for each window, and adds anew what is left when values leave.
   */
  boolean removes();

  /** Of no value. */
  A create();

  /**
   * @param value of the class that {@link ColumnKind} says; {@code true} where it takes no column
   * @param timeMillis the event's time
   */
  void add(A aggregate, Object value, long timeMillis);

  /** Takes out what was added before. */
  default void remove(A aggregate, Object value, long timeMillis) {
    throw new UnsupportedOperationException("removes() says that it cannot remove");
  }

  /** Adds the values of another aggregate, which stays as it is. */
  void merge(A aggregate, A other);

  /**
   * The value at a row's time. Null, infinite and NaN are null.
   *
   * @param atMillis T; events may be up to the window's length older, of a tiled view 1/64 of it
   *     more
   */
  @Nullable Object result(A aggregate, long atMillis, long windowMillis);

  /** Into checkpoints, savepoints and tiles. */
  void write(A aggregate, DataOutput out) throws IOException;

  /** All that {@link #write} of this version wrote. */
  A read(DataInput in) throws IOException;
}
