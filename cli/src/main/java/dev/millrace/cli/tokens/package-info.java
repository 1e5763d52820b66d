/** Who may do what in the registry. */
@NullMarked
package dev.millrace.cli.tokens;

import org.jspecify.annotations.NullMarked;
