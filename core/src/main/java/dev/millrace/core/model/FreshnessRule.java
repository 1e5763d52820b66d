package dev.millrace.core.model;

import dev.millrace.core.row.Positions;
import java.io.Serializable;

/**
 * How fresh a view's row is for an event. The first that holds is the answer:
 *
 * <ol>
 *   <li>no row: MISSING;
 *   <li>the row's T is more than a minute beyond the event's time: AHEAD, also where the row
 *       includes the event, because then it includes later ones too;
 *   <li>the view is on the model's own source: INCLUDED where the row's positions cover the event,
 *       else STALE;
 *   <li>the view is on another source: INCLUDED where all its windows are empty, or T ≥ event time
 *       − max-out-of-orderness − 2·refresh − 1 minute; else STALE.
 * </ol>
 *
 * @param ownSource whether the view is on the source whose events the model scores
 * @param maxOutOfOrdernessMillis of the view's source
 * @param refreshMillis of the view
 */
public record FreshnessRule(boolean ownSource, long maxOutOfOrdernessMillis, long refreshMillis)
    implements Serializable {

  private static final long TOLERANCE_MILLIS = 60_000;

  /**
   * Judges a row that is there.
   *
   * @param allWindowsEmpty see {@link WindowWitness}
   * @param partition of the event, on the model's source
   * @param offset of the event
   */
  public Freshness judge(
      long rowTimeMillis,
      Positions rowPositions,
      boolean allWindowsEmpty,
      long eventTimeMillis,
      int partition,
      long offset) {
    if (rowTimeMillis > eventTimeMillis + TOLERANCE_MILLIS) {
      return Freshness.AHEAD;
    }
    if (ownSource) {
      return rowPositions.covers(partition, offset) ? Freshness.INCLUDED : Freshness.STALE;
    }
    boolean recent =
        rowTimeMillis
            >= eventTimeMillis - maxOutOfOrdernessMillis - 2 * refreshMillis - TOLERANCE_MILLIS;
    return allWindowsEmpty || recent ? Freshness.INCLUDED : Freshness.STALE;
  }
}
