package dev.millrace.core.row;

import org.jspecify.annotations.Nullable;

/**
 * One row of a view: a function of T and the source positions.
 *
 * @param entityKey the key values joined by {@code ~}
 * @param timeMillis T
 * @param refresh whether T comes from a refresh; such a row may reach Redis only after the
 *     checkpoint that contains it
 * @param logged whether the row belongs to the log (topic and Iceberg)
 * @param online whether the row belongs in Redis
 * @param values by feature, in the view's order: Long, Double, String, Boolean, List, Map (by its
 *     keys, ascending) or null
 */
public record FeatureRow(
    String entityKey,
    long timeMillis,
    Positions positions,
    long knownAtMillis,
    boolean refresh,
    boolean logged,
    boolean online,
    @Nullable Object[] values) {

  /** The same row, in Redis or not. */
  public FeatureRow withOnline(boolean inRedis) {
    return inRedis == online
        ? this
        : new FeatureRow(
            entityKey, timeMillis, positions, knownAtMillis, refresh, logged, inRedis, values);
  }
}
