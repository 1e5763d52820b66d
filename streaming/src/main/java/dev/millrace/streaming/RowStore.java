package dev.millrace.streaming;

import dev.millrace.core.row.FeatureRow;
import java.io.IOException;
import java.util.Map;

/** The online store as the row sink sees it. */
public interface RowStore extends AutoCloseable {

  /**
   * Writes rows by key, each guarded, and returns when the store has answered for all of them.
   *
   * @throws IOException where the store refused a row for another reason than the guard, or did not
   *     answer for so long that the task should be restarted
   */
  void write(RedisGuard guard, Map<String, FeatureRow> rows) throws IOException;

  @Override
  void close();
}
