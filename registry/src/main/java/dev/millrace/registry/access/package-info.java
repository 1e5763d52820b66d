/** Who may do what: tokens, roles and projects. */
@NullMarked
package dev.millrace.registry.access;

import org.jspecify.annotations.NullMarked;
