/** How far what is served has moved from what a version was trained on. */
@NullMarked
package dev.millrace.core.drift;

import org.jspecify.annotations.NullMarked;
