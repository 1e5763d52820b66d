/** The commands a user types, and what all of them share: options, exit status, errors. */
@NullMarked
package dev.millrace.cli;

import org.jspecify.annotations.NullMarked;
