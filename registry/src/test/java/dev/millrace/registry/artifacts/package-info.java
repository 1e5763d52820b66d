@NullMarked
package dev.millrace.registry.artifacts;

import org.jspecify.annotations.NullMarked;
