/** Training sets by point-in-time join, and the versions trained on them. */
@NullMarked
package dev.millrace.trainer;

import org.jspecify.annotations.NullMarked;
