/** How others would do it, as well as their documentation says it can be done. */
@NullMarked
package dev.millrace.bench.peers;

import org.jspecify.annotations.NullMarked;
