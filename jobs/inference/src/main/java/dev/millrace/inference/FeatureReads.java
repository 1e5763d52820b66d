package dev.millrace.inference;

import java.io.IOException;
import java.io.Serializable;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** The online store as scoring sees it. */
interface FeatureReads extends AutoCloseable {

  /** The fields wanted of one hash. */
  record Query(String key, List<String> fields) {}

  /**
   * Reads all hashes in one round trip.
   *
   * @return for each query the values in the order of its fields, as the store has them: text in
   *     UTF-8; null where there is none
   * @throws IOException where the store could not be asked, or not within the time there is
   */
  List<List<byte @Nullable []>> read(List<Query> queries) throws IOException;

  @Override
  void close();

  /** Opens the store where the task runs. */
  interface Factory extends Serializable {
    FeatureReads open();
  }
}
