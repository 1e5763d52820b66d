/** Topics of commands and events: read from their start, written to, and waited for. */
@NullMarked
package dev.millrace.registry.journal;

import org.jspecify.annotations.NullMarked;
