/** Training sets: the point-in-time join as a batch job, through data larger than memory. */
@NullMarked
package dev.millrace.pipeline.training;

import org.jspecify.annotations.NullMarked;
