/** Scores of the past, and why a prediction is what it is. */
@NullMarked
package dev.millrace.cli.score;

import org.jspecify.annotations.NullMarked;
