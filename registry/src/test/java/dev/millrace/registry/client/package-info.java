@NullMarked
package dev.millrace.registry.client;

import org.jspecify.annotations.NullMarked;
