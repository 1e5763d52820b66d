package dev.millrace.pipeline.training;

import dev.millrace.core.row.AsOf;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The rows of one entity, and which of them an event sees.
 *
 * <p>Positions of an older epoch may be of a topic that was made anew, so they cover nothing; and
 * for a view on the events' own source rows of an older epoch end where the newest one begins.
 */
final class EntityLog implements AsOf.Rows {

  private static final long FOR_EVER = Long.MAX_VALUE;

  private final List<LogRow> rows;
  private final boolean own;
  private final long newestEpoch;

  /**
   * The log of an entity.
   *
   * @param unordered all its rows, in any order
   * @param own whether the view is on the source of the events
   */
  EntityLog(Iterable<LogRow> unordered, boolean own) {
    List<LogRow> sorted = new ArrayList<>();
    unordered.forEach(sorted::add);
    sorted.sort(LogRow.WRITTEN);
    long newest = Long.MIN_VALUE;
    for (LogRow row : sorted) {
      newest = Math.max(newest, row.epoch());
    }
    this.own = own;
    this.newestEpoch = newest;
    this.rows = own ? withoutOldAfterNew(sorted, newest) : sorted;
  }

  private static List<LogRow> withoutOldAfterNew(List<LogRow> sorted, long newest) {
    List<LogRow> kept = new ArrayList<>(sorted.size());
    boolean begun = false;
    for (LogRow row : sorted) {
      begun |= row.epoch() == newest;
      if (!begun || row.epoch() == newest) {
        kept.add(row);
      }
    }
    return kept;
  }

  /** The row that an event sees; null where there is none. */
  @Nullable LogRow find(SetRow event, Knowledge knowledge, long lifeMillis) {
    long time = event.timeMillis();
    int found = AsOf.lastUpTo(this, time);
    if (knowledge == Knowledge.SERVED) {
      found = knownBackwards(found, event.knownUntilMillis());
    }
    if (found >= 0
        && own
        && event.partition() != SetRow.NO_PARTITION
        && knowledge != Knowledge.CORRECTED
        && covers(found, event.partition(), event.offset())) {
      int first = AsOf.own(this, event.partition(), event.offset(), time, FOR_EVER);
      found =
          knowledge == Knowledge.SERVED ? knownForwards(first, event.knownUntilMillis()) : first;
    }
    return found < 0 || time - rows.get(found).timeMillis() > lifeMillis ? null : rows.get(found);
  }

  private int knownBackwards(int from, long untilMillis) {
    int row = from;
    while (row >= 0 && rows.get(row).knownAtMillis() > untilMillis) {
      row--;
    }
    return row;
  }

  /** There is one: a later row that was known in time has been found. */
  private int knownForwards(int from, long untilMillis) {
    int row = from;
    while (rows.get(row).knownAtMillis() > untilMillis) {
      row++;
    }
    return row;
  }

  @Override
  public int size() {
    return rows.size();
  }

  @Override
  public long timeMillis(int row) {
    return rows.get(row).timeMillis();
  }

  @Override
  public boolean covers(int row, int partition, long offset) {
    LogRow at = rows.get(row);
    return at.epoch() == newestEpoch && at.positions().covers(partition, offset);
  }
}
