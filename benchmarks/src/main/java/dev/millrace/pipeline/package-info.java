/** What stands in the job's own package, because the view's operator is nobody's interface. */
@NullMarked
package dev.millrace.pipeline;

import org.jspecify.annotations.NullMarked;
