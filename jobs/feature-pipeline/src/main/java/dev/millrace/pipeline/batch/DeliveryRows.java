package dev.millrace.pipeline.batch;

import dev.millrace.streaming.DeadLetter;
import dev.millrace.streaming.Event;
import dev.millrace.streaming.EventRules;
import dev.millrace.streaming.Inbound;
import dev.millrace.streaming.SourcePlan;
import java.io.Closeable;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.Iterator;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The rows of one delivery as events and letters, each at the next position. A delivery that fits
 * into memory comes in the order of event time, whatever the order in its files is; a larger one
 * comes file by file. Either order follows from the files alone, so that after a restart the same
 * rows come at the same positions.
 */
final class DeliveryRows implements Closeable {

  /** How many rows are sorted by event time. */
  static final long SORTED_MOST = 200_000;

  private final SourcePlan plan;
  private final EventRules rules;
  private final Delivery delivery;
  private final Runnable unreadable;
  private final Iterator<DeliveredFile> files;

  private @Nullable FileRows file;
  private @Nullable Iterator<FileRows.Row> sorted;
  private long handedOn;

  private DeliveryRows(SourcePlan plan, Delivery delivery, Runnable unreadable) {
    this.plan = plan;
    this.rules = new EventRules(plan);
    this.delivery = delivery;
    this.unreadable = unreadable;
    this.files = delivery.files().iterator();
  }

  /**
   * Begins where the delivery was left.
   *
   * @param unreadable called for each file that cannot be read to its end
   */
  static DeliveryRows open(SourcePlan plan, Delivery delivery, Runnable unreadable)
      throws IOException {
    DeliveryRows rows = new DeliveryRows(plan, delivery, unreadable);
    if (delivery.rows() <= SORTED_MOST) {
      List<FileRows.Row> all = new ArrayList<>();
      for (FileRows.Row row = rows.fromFiles(); row != null; row = rows.fromFiles()) {
        all.add(row);
      }
      // Stable: rows of one time stay in the order of their files. Those without come first.
      all.sort(Comparator.comparingLong(r -> rows.rules.eventTimeMillis(r.values())));
      rows.sorted = all.iterator();
    }
    while (rows.handedOn < delivery.handedOn() && rows.row() != null) {
      rows.handedOn++;
    }
    return rows;
  }

  /** How many were handed on, those before a restart too. */
  long handedOn() {
    return handedOn;
  }

  /** Null at the end. */
  @Nullable Inbound next() throws IOException {
    FileRows.Row row = row();
    if (row == null) {
      return null;
    }
    long offset = delivery.firstOffset() + handedOn++;
    DeliveredFile from = row.file();
    if (row.problem() != null) {
      return letter(from, offset, DeadLetter.Reason.MALFORMED, row.problem());
    }
    EventRules.Broken broken =
        rules.broken(row.values(), from.timeMillis(), "the time of its file");
    if (broken != null) {
      return letter(from, offset, broken.reason(), row.where() + ": " + broken.message());
    }
    return new Inbound(
        new Event(
            0,
            offset,
            from.timeMillis(),
            rules.eventTimeMillis(row.values()),
            rules.id(row.values()),
            row.values(),
            null,
            null),
        null);
  }

  private FileRows.@Nullable Row row() throws IOException {
    Iterator<FileRows.Row> all = sorted;
    if (all != null) {
      return all.hasNext() ? all.next() : null;
    }
    return fromFiles();
  }

  private FileRows.@Nullable Row fromFiles() throws IOException {
    while (true) {
      FileRows open = file;
      if (open == null) {
        if (!files.hasNext()) {
          return null;
        }
        open = new FileRows(plan, files.next(), delivery.tableSchema());
        file = open;
      }
      FileRows.Row row = open.next();
      if (row != null) {
        if (row.endsFile()) {
          unreadable.run();
        }
        return row;
      }
      close();
      file = null;
    }
  }

  private Inbound letter(DeliveredFile from, long offset, String reason, String message) {
    return new Inbound(
        null,
        DeadLetter.withoutBytes(
            plan.name(),
            plan.topic(),
            0,
            offset,
            from.timeMillis(),
            reason,
            message,
            plan.stage()));
  }

  @Override
  public void close() throws IOException {
    FileRows open = file;
    if (open != null) {
      open.close();
    }
  }
}
