/** Bringing a project into a stack: plan, apply, delete. */
@NullMarked
package dev.millrace.cli.apply;

import org.jspecify.annotations.NullMarked;
