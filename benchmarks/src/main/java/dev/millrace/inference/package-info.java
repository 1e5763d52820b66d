/** What stands in the job's own package, because the view's operator is nobody's interface. */
@NullMarked
package dev.millrace.inference;

import org.jspecify.annotations.NullMarked;
