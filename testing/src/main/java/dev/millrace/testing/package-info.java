/** Generators and fakes; test scope only. */
@NullMarked
package dev.millrace.testing;

import org.jspecify.annotations.NullMarked;
