/** A model's life: commands, what becomes of them, and the state that they fold into. */
@NullMarked
package dev.millrace.core.lifecycle;

import org.jspecify.annotations.NullMarked;
