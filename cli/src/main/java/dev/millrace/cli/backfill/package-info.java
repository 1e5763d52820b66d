/** History computed again from the archive. */
@NullMarked
package dev.millrace.cli.backfill;

import org.jspecify.annotations.NullMarked;
