/** Files of runs and versions, as MLflow's clients put and get them over HTTP. */
@NullMarked
package dev.millrace.registry.artifacts;

import org.jspecify.annotations.NullMarked;
