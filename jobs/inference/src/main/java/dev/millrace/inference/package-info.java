/** The job that turns events into predictions. */
@NullMarked
package dev.millrace.inference;

import org.jspecify.annotations.NullMarked;
