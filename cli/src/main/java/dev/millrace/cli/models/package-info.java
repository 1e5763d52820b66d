/** Training and the registry by hand. */
@NullMarked
package dev.millrace.cli.models;

import org.jspecify.annotations.NullMarked;
