package dev.millrace.cli.events;

import java.io.Closeable;
import java.io.IOException;
import org.jspecify.annotations.Nullable;

/** Events one after the other. */
interface EventStream extends Closeable {

  /** The next event, or null at the end. */
  @Nullable PreparedEvent next() throws IOException;
}
