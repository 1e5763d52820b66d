/** Experiments, runs and logged models: decided in a journal, and MLflow's interface to them. */
@NullMarked
package dev.millrace.registry.tracking;

import org.jspecify.annotations.NullMarked;
