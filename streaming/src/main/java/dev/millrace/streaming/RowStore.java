package dev.millrace.streaming;

import dev.millrace.core.row.FeatureRow;
import java.io.IOException;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** The online store as the row sink sees it. Used by one thread. */
public interface RowStore extends AutoCloseable {

  /**
   * Tries once to write rows, each guarded, and returns when the store has answered for all of them
   * or cannot.
   *
   * @throws IOException where the store refuses a row for a reason that does not pass
   */
  Attempt write(List<FeatureRow> rows) throws IOException;

  @Override
  void close();

  /**
   * What came of a try.
   *
   * @param left the rows that the store did not take, or did not answer for
   * @param reason why; null where it took all
   */
  record Attempt(List<FeatureRow> left, @Nullable String reason) {

    static final Attempt WHOLE = new Attempt(List.of(), null);

    boolean whole() {
      return left.isEmpty();
    }
  }
}
