package dev.millrace.core.feature;

import dev.millrace.core.definition.FeatureView;
import java.time.Duration;
import java.util.Arrays;

/**
 * What a view costs under a load. Nothing is estimated by formula: {@link EntityRows} itself runs
 * over the load in memory, what it keeps is measured as it would be written, and its reads and
 * writes are counted. State is looked at eight times after the longest window has filled, work from
 * then on.
 *
 * <p>The load comes in order and at its own pace, so refreshes take part of the work that events
 * would have to do where they are read faster. A late event costs more: it is put into an older
 * page or tile.
 *
 * @param entities that had an event
 * @param refused events beyond {@code max-events-per-key}
 * @param whole whether the load is as long as the longest window; else the state is a lower bound
 * @param state all bytes of an entity in the feature pipeline: the four that follow together
 * @param header what every event reads and writes: accumulators, the newest page, the open tiles
 * @param parts older pages of an exact view, closed tiles of a tiled one
 * @param ids of the events inside {@code dedup-window}
 * @param flink what Flink adds: keys, namespaces, the time stamp of the TTL, and the timer
 * @param partCount how many older pages or closed tiles there are
 * @param eventsHeld events in the longest window; 0 in tiled views
 * @param redis characters of an entity's key and hash in the online store
 * @param event the work of one
 * @param steps of an event: additions to accumulators, and in exact views removals from those that
 *     can, as many as the view needs whatever the load
 * @param refresh the work of one
 * @param refreshesPerKeyPerDay how many there are
 */
public record ViewCost(
    int entities,
    long events,
    long refused,
    boolean whole,
    Spread state,
    Spread header,
    Spread parts,
    Spread ids,
    Spread flink,
    Spread partCount,
    Spread eventsHeld,
    Spread redis,
    Work event,
    double steps,
    Work refresh,
    double refreshesPerKeyPerDay) {

  /** In each entry: a key group of two bytes, a void namespace, and the length of the key. */
  static final int ENTRY_BYTES = 4;

  /** In each entry of a map besides: its own key of eight bytes, and whether it is null. */
  static final int MAP_ENTRY_BYTES = 9;

  /** When a header was last written, for its TTL. */
  static final int TTL_BYTES = 8;

  /** When the timer goes off. */
  static final int TIMER_BYTES = 8;

  /** By entity and moment. */
  public record Spread(double mean, long p99, long max) {

    static final Spread NOTHING = new Spread(0, 0, 0);

    static Spread of(long[] values) {
      if (values.length == 0) {
        return NOTHING;
      }
      long[] sorted = values.clone();
      Arrays.sort(sorted);
      int p99 = (int) Math.ceil(0.99 * sorted.length) - 1;
      return new Spread(
          Arrays.stream(sorted).average().orElse(0), sorted[p99], sorted[sorted.length - 1]);
    }
  }

  /**
   * The mean of what one event or one refresh does.
   *
   * @param reads of state: the header, and older pages or closed tiles
   * @param merges of closed tiles into windows; 0 in exact views
   * @param writes of state, with what is removed
   * @param bytesWritten to state
   */
  public record Work(double reads, double merges, double writes, double bytesWritten) {}

  /**
   * The cost under the given load.
   *
   * @param dedupWindow of the view's source
   */
  public static ViewCost of(FeatureView view, Duration dedupWindow, EventLoad load) {
    return new CostRun(view, dedupWindow, load).run();
  }
}
