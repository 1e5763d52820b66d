/** What all jobs share: the strict environment, sources, sinks and their records. */
@NullMarked
package dev.millrace.streaming;

import org.jspecify.annotations.NullMarked;
