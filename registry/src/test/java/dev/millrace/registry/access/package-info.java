@NullMarked
package dev.millrace.registry.access;

import org.jspecify.annotations.NullMarked;
