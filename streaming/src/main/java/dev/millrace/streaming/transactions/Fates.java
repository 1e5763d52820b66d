package dev.millrace.streaming.transactions;

import java.io.IOException;

/** Tells what became of a transaction. */
interface Fates {

  /** What a reader of committed records sees of a transaction. */
  enum Fate {
    /** Its records are there. */
    COMMITTED,
    /** Its records are in the log, and no reader of committed records gets them. */
    ABORTED,
    /** The marked record is not in the log any more, or the topic is another one. */
    GONE
  }

  /**
   * Looks for the marked record.
   *
   * @throws IOException when the answer cannot be had now and may be had later
   */
  Fate of(Mark mark) throws IOException;
}
