/** The job that turns events into feature rows. */
@NullMarked
package dev.millrace.pipeline;

import org.jspecify.annotations.NullMarked;
