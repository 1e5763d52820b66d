@NullMarked
package dev.millrace.cli.score;

import org.jspecify.annotations.NullMarked;
