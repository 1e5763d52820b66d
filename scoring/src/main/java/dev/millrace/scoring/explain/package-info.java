/** Why a score is what it is: what each input adds to it. Off the hot path. */
@NullMarked
package dev.millrace.scoring.explain;

import org.jspecify.annotations.NullMarked;
