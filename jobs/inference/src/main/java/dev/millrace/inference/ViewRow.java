package dev.millrace.inference;

import dev.millrace.core.row.Positions;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A row as read from the online store.
 *
 * @param values in the order of the view's fields, as text
 */
record ViewRow(long timeMillis, Positions positions, List<@Nullable String> values) {}
