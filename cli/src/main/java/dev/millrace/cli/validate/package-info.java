/** Checking a project without starting or changing anything. */
@NullMarked
package dev.millrace.cli.validate;

import org.jspecify.annotations.NullMarked;
