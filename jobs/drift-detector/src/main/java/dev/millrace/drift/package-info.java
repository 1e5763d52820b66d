/** The job that turns predictions and labels to drift and performance. */
@NullMarked
package dev.millrace.drift;

import org.jspecify.annotations.NullMarked;
