@NullMarked
package dev.millrace.scoring.explain;

import org.jspecify.annotations.NullMarked;
