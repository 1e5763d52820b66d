/** Files of events played into a project's sources. */
@NullMarked
package dev.millrace.cli.events;

import org.jspecify.annotations.NullMarked;
