/** The registry: commands in, the state of every model, deployments out. */
@NullMarked
package dev.millrace.registry;

import org.jspecify.annotations.NullMarked;
