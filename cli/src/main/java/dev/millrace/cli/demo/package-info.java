/** The demo: the whole loop on this machine, with figures that it measured itself. */
@NullMarked
package dev.millrace.cli.demo;

import org.jspecify.annotations.NullMarked;
