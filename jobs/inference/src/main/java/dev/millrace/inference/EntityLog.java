package dev.millrace.inference;

import dev.millrace.core.row.AsOf;
import dev.millrace.streaming.Event;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * All rows of one entity that a batch run has read, and which of them an event sees.
 *
 * <p>Positions of an older epoch may be of a topic that was made anew, so they cover nothing; and
 * for a view on the events' own source rows of an older epoch end where the newest one begins.
 */
final class EntityLog implements AsOf.Rows {

  private final List<LoggedRow> rows;
  private final boolean own;
  private final long lifeMillis;
  private final long newestEpoch;

  /**
   * The log of an entity.
   *
   * @param unordered all its rows, in any order
   * @param own whether the view is on the source of the events
   * @param lifeMillis how long after its T a row holds
   */
  EntityLog(List<LoggedRow> unordered, boolean own, long lifeMillis) {
    this.own = own;
    this.lifeMillis = lifeMillis;
    this.newestEpoch = unordered.stream().mapToLong(LoggedRow::epoch).max().orElse(Long.MIN_VALUE);
    this.rows = new ArrayList<>(unordered);
    rows.sort(LoggedRow.WRITTEN);
    if (own) {
      int begin = 0;
      while (begin < rows.size() && rows.get(begin).epoch() != newestEpoch) {
        begin++;
      }
      rows.subList(begin, rows.size()).removeIf(row -> row.epoch() != newestEpoch);
    }
  }

  /** The row that an event sees; null where there is none. */
  @Nullable ViewRow find(Event event) {
    long timeMillis = event.eventTimeMillis();
    int found =
        own
            ? AsOf.own(this, event.partition(), event.offset(), timeMillis, lifeMillis)
            : AsOf.other(this, timeMillis, lifeMillis);
    return found == AsOf.NONE ? null : rows.get(found).row();
  }

  /** Whether no row that is still to be written can change what an event sees. */
  boolean isDecided(Event event) {
    return !own || AsOf.isDecided(this, event.partition(), event.offset(), event.eventTimeMillis());
  }

  @Override
  public int size() {
    return rows.size();
  }

  @Override
  public long timeMillis(int row) {
    return rows.get(row).row().timeMillis();
  }

  @Override
  public boolean covers(int row, int partition, long offset) {
    LoggedRow at = rows.get(row);
    return at.epoch() == newestEpoch && at.row().positions().covers(partition, offset);
  }
}
