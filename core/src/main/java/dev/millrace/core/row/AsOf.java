package dev.millrace.core.row;

/**
 * Which row of an entity an event sees: the rule that training and the stream share, so that both
 * give the same inputs for the same event.
 *
 * <p>The rows of an entity stand in the order in which they were written. In that order T never
 * falls, and each row covers at least the positions of the one before it. A repeat (equal T and
 * positions) may stand between them.
 *
 * <ul>
 *   <li><b>A view on the event's own source</b>: among the rows up to and including the first that
 *       covers the event, the last one with T ≤ event time; if none covers it, the last one with T
 *       ≤ event time of all. So an event sees itself and what was read before it, but of other
 *       events with its own time only those that were read before it; and an event out of order
 *       sees the row that stood at its time.
 *   <li><b>A view on another source</b>: the last one with T ≤ event time.
 * </ul>
 *
 * <p>In both cases a row whose T lies more than its life before the event is gone, as its key in
 * Redis would be.
 *
 * <p>Because T never falls and covering grows, both bounds are found by bisection, and a question
 * is answered for good ({@link #isDecided}) once a row covers the event or has T beyond it.
 */
public final class AsOf {

  /** No row: the event came before the first one, or the row's life is over. */
  public static final int NONE = -1;

  /** The rows of one entity, in the order in which they were written. */
  public interface Rows {
    int size();

    /** T of a row. */
    long timeMillis(int row);

    /** Whether a row's positions include the record. */
    boolean covers(int row, int partition, long offset);
  }

  /**
   * The row that an event of the view's own source sees, as far as the rows are known.
   *
   * @param lifeMillis how long after its T a row holds
   * @return its place among the rows, or {@link #NONE}
   */
  public static int own(Rows rows, int partition, long offset, long timeMillis, long lifeMillis) {
    int last = lastUpTo(rows, timeMillis);
    // The first that covers it, but not beyond the last with T ≤ event time; mostly it is near
    // that.
    int high = last;
    int step = 1;
    while (high > 0 && rows.covers(Math.max(0, high - step), partition, offset)) {
      high = Math.max(0, high - step);
      step *= 2;
    }
    int low = Math.max(0, high - step + 1);
    while (low < high) {
      int middle = (low + high) >>> 1;
      if (rows.covers(middle, partition, offset)) {
        high = middle;
      } else {
        low = middle + 1;
      }
    }
    return living(rows, high, timeMillis, lifeMillis);
  }

  /**
   * The row that an event sees of a view on another source, as far as the rows are known.
   *
   * @param lifeMillis how long after its T a row holds
   * @return its place among the rows, or {@link #NONE}
   */
  public static int other(Rows rows, long timeMillis, long lifeMillis) {
    return living(rows, lastUpTo(rows, timeMillis), timeMillis, lifeMillis);
  }

  /**
   * Whether no row that is still to come can change what {@link #own} answers. Where this is false,
   * the answer holds once it is known that no row with T ≤ event time comes any more.
   */
  public static boolean isDecided(Rows rows, int partition, long offset, long timeMillis) {
    int size = rows.size();
    return size > 0
        && (rows.timeMillis(size - 1) > timeMillis || rows.covers(size - 1, partition, offset));
  }

  /** Whether no row that is still to come can change what {@link #other} answers. */
  public static boolean isDecided(Rows rows, long timeMillis) {
    int size = rows.size();
    return size > 0 && rows.timeMillis(size - 1) > timeMillis;
  }

  /**
   * The last row with T ≤ time, or {@link #NONE}. For events that are not older than this, and that
   * no row before it covers, rows before it are never an answer.
   */
  public static int lastUpTo(Rows rows, long timeMillis) {
    int low = 0;
    int high = rows.size();
    while (low < high) {
      int middle = (low + high) >>> 1;
      if (rows.timeMillis(middle) <= timeMillis) {
        low = middle + 1;
      } else {
        high = middle;
      }
    }
    return low - 1;
  }

  private static int living(Rows rows, int row, long timeMillis, long lifeMillis) {
    return row >= 0 && timeMillis - rows.timeMillis(row) > lifeMillis ? NONE : row;
  }

  private AsOf() {}
}
