@NullMarked
package dev.millrace.registry.journal;

import org.jspecify.annotations.NullMarked;
