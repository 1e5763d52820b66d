/** The services around the jobs: their addresses, topics, definitions and the warehouse. */
@NullMarked
package dev.millrace.platform;

import org.jspecify.annotations.NullMarked;
