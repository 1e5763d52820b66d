/** A whole registry in a file, and back from it. */
@NullMarked
package dev.millrace.registry.transfer;

import org.jspecify.annotations.NullMarked;
