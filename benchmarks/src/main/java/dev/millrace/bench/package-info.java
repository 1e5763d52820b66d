/** The figures that issues ask for: whole loops, each with its ceiling or its peer beside it. */
@NullMarked
package dev.millrace.bench;

import org.jspecify.annotations.NullMarked;
