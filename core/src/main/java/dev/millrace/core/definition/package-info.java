/** What a user writes in millrace.yaml, read into typed, immutable objects. */
@NullMarked
package dev.millrace.core.definition;

import org.jspecify.annotations.NullMarked;
