/** Commands that look at what is there: predictions, dead letters, online rows. */
@NullMarked
package dev.millrace.cli.look;

import org.jspecify.annotations.NullMarked;
