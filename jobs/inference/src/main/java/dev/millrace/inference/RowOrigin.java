package dev.millrace.inference;

import dev.millrace.core.row.Positions;

/**
 * Which row of a view the inputs of a prediction were taken from.
 *
 * @param timeMillis T of the row
 * @param version {@code <epoch>-<id>} of the view's definition
 */
record RowOrigin(long timeMillis, Positions positions, String version) {}
