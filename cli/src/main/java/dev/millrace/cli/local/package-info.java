/**
 * The local stack: real broker, registry, store and cluster as processes of this machine, with
 * something that watches over them.
 */
@NullMarked
package dev.millrace.cli.local;

import org.jspecify.annotations.NullMarked;
