/** How a new version comes to serve everything: shadow, canary, probation, and the way back. */
@NullMarked
package dev.millrace.core.rollout;

import org.jspecify.annotations.NullMarked;
