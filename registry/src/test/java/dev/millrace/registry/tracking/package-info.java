@NullMarked
package dev.millrace.registry.tracking;

import org.jspecify.annotations.NullMarked;
