package dev.millrace.cli.events;

import java.io.IOException;
import java.util.List;

/** A file of events that can be held in memory as a whole. */
interface EventFile {

  /** The time of the file's first event; {@code Long.MAX_VALUE} where it has none. */
  long firstTimeMillis() throws IOException;

  /** Every event of the file, in its order. */
  Loaded load() throws IOException;

  /** What error messages call it. */
  @Override
  String toString();

  record Loaded(List<PreparedEvent> events, List<BadRow> badRows) {}
}
