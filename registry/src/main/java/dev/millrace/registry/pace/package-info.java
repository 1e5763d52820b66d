/** Clients that send next to nothing. */
@NullMarked
package dev.millrace.registry.pace;

import org.jspecify.annotations.NullMarked;
