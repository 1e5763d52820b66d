/** Search as MLflow's clients write it: filters, orders and what they are about. */
@NullMarked
package dev.millrace.registry.search;

import org.jspecify.annotations.NullMarked;
