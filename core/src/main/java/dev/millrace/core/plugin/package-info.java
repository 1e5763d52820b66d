/**
 * Aggregation functions of users: {@link dev.millrace.core.plugin.AggregationProvider} is what a
 * jar implements, {@link dev.millrace.core.plugin.Plugins} what is installed. {@code
 * docs/aggregations.md} says how.
 */
@NullMarked
package dev.millrace.core.plugin;

import org.jspecify.annotations.NullMarked;
