@NullMarked
package dev.millrace.cli.explain;

import org.jspecify.annotations.NullMarked;
