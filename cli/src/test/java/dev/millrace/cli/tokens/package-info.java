@NullMarked
package dev.millrace.cli.tokens;

import org.jspecify.annotations.NullMarked;
