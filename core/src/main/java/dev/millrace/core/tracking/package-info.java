/** Experiments, runs and logged models: what becomes of commands, and the state that follows. */
@NullMarked
package dev.millrace.core.tracking;

import org.jspecify.annotations.NullMarked;
