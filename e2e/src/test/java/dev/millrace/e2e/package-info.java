/** The whole, as a user starts it. */
@NullMarked
package dev.millrace.e2e;

import org.jspecify.annotations.NullMarked;
