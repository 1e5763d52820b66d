package dev.millrace.core.feature;

import org.jspecify.annotations.Nullable;

/**
 * An event as it arrives at its entity.
 *
 * @param values number columns first, as boxed doubles or null, then object columns
 */
public record Arrival(
    long timeMillis, int partition, long offset, @Nullable Object[] values, int numberColumns)
    implements EventView {

  @Override
  public double number(int column) {
    return values[column] instanceof Number number ? number.doubleValue() : Double.NaN;
  }

  @Override
  public @Nullable Object object(int column) {
    return values[numberColumns + column];
  }
}
