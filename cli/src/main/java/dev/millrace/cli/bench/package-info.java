/** {@code bench}: measures in a JVM of its own, and shows the figures. */
@NullMarked
package dev.millrace.cli.bench;

import org.jspecify.annotations.NullMarked;
