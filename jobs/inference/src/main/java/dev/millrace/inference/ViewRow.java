package dev.millrace.inference;

import dev.millrace.core.row.Positions;
import org.jspecify.annotations.Nullable;

/**
 * A row of a view, as the online store or the features topic has it.
 *
 * @param allWindowsEmpty see {@link dev.millrace.core.model.WindowWitness}
 * @param values of the features in the order of {@link ViewRead#fields}, after its header: Doubles,
 *     true and false as 1 and 0, and texts
 */
record ViewRow(
    long timeMillis, Positions positions, boolean allWindowsEmpty, @Nullable Object[] values) {

  /** The value of a field of {@link ViewRead#fields}. */
  @Nullable Object value(int field) {
    return values[field - ViewRead.HEADER];
  }
}
