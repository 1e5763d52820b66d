package dev.millrace.pipeline.batch;

import java.io.IOException;
import java.io.Serializable;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Where the batches of a source are put by those who make them. */
interface Shelf extends Serializable {

  /**
   * Looks for what is new.
   *
   * @throws IOException where it cannot be looked at, or what was seen is no longer there
   */
  Found look(Seen seen) throws IOException;

  /**
   * What was found.
   *
   * @param now what is seen from now on, without the new files' positions
   * @param files the new ones, in the order in which they are read
   */
  record Found(Seen now, List<DeliveredFile> files, @Nullable String tableSchema) {}
}
