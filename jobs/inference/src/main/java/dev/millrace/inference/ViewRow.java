package dev.millrace.inference;

import dev.millrace.core.row.Positions;
import org.jspecify.annotations.Nullable;

/**
 * A row of a view, as the online store or the features topic has it.
 *
 * @param allWindowsEmpty see {@link dev.millrace.core.model.WindowWitness}
 * @param values of the features in the order of {@link ViewRead#fields}, after its header; true and
 *     false are 1 and 0
 */
record ViewRow(
    long timeMillis, Positions positions, boolean allWindowsEmpty, @Nullable Double[] values) {

  /** The value of a field of {@link ViewRead#fields}. */
  @Nullable Double value(int field) {
    return values[field - ViewRead.HEADER];
  }
}
