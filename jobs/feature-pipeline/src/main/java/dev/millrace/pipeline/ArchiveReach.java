package dev.millrace.pipeline;

import dev.millrace.core.definition.FeatureView;
import dev.millrace.core.definition.Source;
import dev.millrace.core.feature.Aggregations;
import dev.millrace.platform.ArchiveBegin;
import dev.millrace.platform.WarmReach;
import dev.millrace.streaming.WarehouseTables;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import org.apache.iceberg.Table;
import org.apache.iceberg.data.IcebergGenerics;
import org.apache.iceberg.data.Record;
import org.apache.iceberg.expressions.Expression;
import org.apache.iceberg.expressions.Expressions;
import org.apache.iceberg.io.CloseableIterable;

/** How far an archive goes, and whether that is far enough for a view's windows. */
final class ArchiveReach {

  private static final String PARTITION = "_partition";
  private static final String OFFSET = "_offset";
  private static final long MICROS_PER_MILLI = 1_000;

  /** How far behind the newest event the partitions are looked for that are not idle. */
  private static final long RECENT_MILLIS = TimeUnit.DAYS.toMillis(1);

  private final Source source;
  private final WarehouseTables.Reading reading;
  private final Table table;

  ArchiveReach(Source source, WarehouseTables.Reading reading) {
    this.source = source;
    this.reading = reading;
    this.table = reading.table();
  }

  /**
   * What has to be read for rows from one time to another, in the order of reading.
   *
   * @param chain the view, and below it those whose rows it is computed from; the last one reads
   *     this source
   * @throws IllegalStateException where the archive lacks what their windows hold
   */
  ArchiveReplay.Span span(List<FeatureView> chain, long fromMillis, long toMillis) {
    FeatureView view = chain.get(0);
    OptionalLong newest = WarehouseTables.newestMillis(reading, source.eventTime());
    if (newest.isEmpty()) {
      throw new IllegalStateException(
          "Cannot compute view %s: the archive of its source %s holds no event; the feature pipeline writes it with its checkpoints"
              .formatted(view.name(), source.name()));
    }
    FeatureView reader = chain.get(chain.size() - 1);
    long lagMillis = source.maxOutOfOrderness().toMillis() + reader.allowedLateness().toMillis();
    long neededMillis = fromMillis;
    long afterMillis = fromMillis;
    for (FeatureView link : chain) {
      long windowMillis = WarmReach.windowMillis(link);
      long heldMillis =
          link.equals(reader)
              ? windowMillis + lagMillis + source.dedupWindow().toMillis()
              : windowMillis;
      boolean all = windowMillis == Aggregations.ALL_TIME || fromMillis == Long.MIN_VALUE;
      neededMillis =
          all || neededMillis == Long.MIN_VALUE ? Long.MIN_VALUE : neededMillis - heldMillis;
      // An entity's positions are as old as its row.
      afterMillis =
          all || afterMillis == Long.MIN_VALUE
              ? Long.MIN_VALUE
              : afterMillis - Math.max(heldMillis, link.ttl().toMillis());
    }
    require(view, fromMillis, neededMillis);
    return new ArchiveReplay.Span(
        afterMillis,
        toMillis >= newest.getAsLong() ? Long.MAX_VALUE : toMillis + lagMillis,
        Math.min(toMillis, watermarkMillis(newest.getAsLong())));
  }

  private void require(FeatureView view, long fromMillis, long neededMillis) {
    if (ArchiveBegin.isWhole(table)) {
      return;
    }
    Map<Integer, Long> firsts = new TreeMap<>();
    for (int partition : partitions()) {
      if (neededMillis == Long.MIN_VALUE || !hasEventUpTo(partition, neededMillis)) {
        first(partition).ifPresent(first -> firsts.put(partition, first));
      }
    }
    if (firsts.isEmpty()) {
      return;
    }
    long latest = firsts.values().stream().mapToLong(Long::longValue).max().getAsLong();
    if (neededMillis == Long.MIN_VALUE) {
      throw new IllegalStateException(
          "Cannot compute view %s: it is asked for from the beginning, or has a feature without a window; either needs every event since topic %s began, and the archive begins later (partitions %s, by %s)"
              .formatted(
                  view.name(), source.topic(), firsts.keySet(), Instant.ofEpochMilli(latest)));
    }
    throw new IllegalStateException(
        "Cannot compute view %s from %s: its windows need events since %s, and the archive of %s begins at %s (partitions %s); backfill from %s on, or shorten the windows"
            .formatted(
                view.name(),
                Instant.ofEpochMilli(fromMillis),
                Instant.ofEpochMilli(neededMillis),
                source.name(),
                Instant.ofEpochMilli(latest),
                firsts.keySet(),
                Instant.ofEpochMilli(latest + (fromMillis - neededMillis))));
  }

  /**
   * Refuses where the archive lacks events that a job has read.
   *
   * @param lastOffsets by partition, the last event that the job took; {@link Long#MAX_VALUE} where
   *     that is all there is
   */
  void requireThrough(String view, Map<Integer, Long> lastOffsets) {
    new TreeMap<>(lastOffsets)
        .forEach(
            (partition, last) -> {
              if (last != Long.MAX_VALUE
                  && !hasEvent(partition, Expressions.greaterThanOrEqual(OFFSET, last))) {
                throw new IllegalStateException(
                    "Cannot warm view %s: the pipeline has read partition %d of topic %s up to offset %d, and the archive of %s does not hold it yet; start the pipeline, wait for a checkpoint and apply again"
                        .formatted(view, partition, source.topic(), last, source.name()));
              }
            });
  }

  /**
   * From which T on the log may have rows of a view that joins a running job.
   *
   * @param watermarkMillis of the job
   * @throws IllegalStateException where the archive does not reach back far enough
   */
  long warmBeginMillis(FeatureView view, long watermarkMillis) {
    return ArchiveBegin.isWhole(table)
        ? Long.MIN_VALUE
        : WarmReach.beginMillis(view, source, firsts(), watermarkMillis);
  }

  private Map<Integer, Long> firsts() {
    Map<Integer, Long> firsts = new TreeMap<>();
    try (CloseableIterable<Record> rows = read(Expressions.alwaysTrue())) {
      for (Record row : rows) {
        firsts.merge((Integer) row.getField(PARTITION), millis(row), Math::min);
      }
    } catch (IOException e) {
      throw failed(e);
    }
    return firsts;
  }

  private int[] partitions() {
    OptionalLong last = WarehouseTables.largest(reading, PARTITION);
    return IntStream.rangeClosed(0, (int) last.orElse(-1)).toArray();
  }

  private boolean hasEventUpTo(int partition, long untilMillis) {
    return hasEvent(
        partition, Expressions.lessThanOrEqual(source.eventTime(), untilMillis * MICROS_PER_MILLI));
  }

  private boolean hasEvent(int partition, Expression filter) {
    try (CloseableIterable<Record> rows =
        read(Expressions.and(Expressions.equal(PARTITION, partition), filter))) {
      return rows.iterator().hasNext();
    } catch (IOException e) {
      throw failed(e);
    }
  }

  private OptionalLong first(int partition) {
    long first = Long.MAX_VALUE;
    try (CloseableIterable<Record> rows = read(Expressions.equal(PARTITION, partition))) {
      for (Record row : rows) {
        first = Math.min(first, millis(row));
      }
    } catch (IOException e) {
      throw failed(e);
    }
    return first == Long.MAX_VALUE ? OptionalLong.empty() : OptionalLong.of(first);
  }

  /** What the stream's watermark was, at least, once it had read all of this. */
  private long watermarkMillis(long newestMillis) {
    Map<Integer, Long> largest = new HashMap<>();
    try (CloseableIterable<Record> rows =
        read(
            Expressions.greaterThanOrEqual(
                source.eventTime(), (newestMillis - RECENT_MILLIS) * MICROS_PER_MILLI))) {
      for (Record row : rows) {
        largest.merge((Integer) row.getField(PARTITION), millis(row), Math::max);
      }
    } catch (IOException e) {
      throw failed(e);
    }
    return largest.values().stream().mapToLong(Long::longValue).min().orElse(newestMillis)
        - source.maxOutOfOrderness().toMillis()
        - 1;
  }

  private long millis(Record row) {
    return ((OffsetDateTime) row.getField(source.eventTime())).toInstant().toEpochMilli();
  }

  private CloseableIterable<Record> read(Expression filter) {
    var scan = IcebergGenerics.read(table).select(PARTITION, source.eventTime()).where(filter);
    var snapshot = reading.snapshot();
    return (snapshot == null ? scan : scan.useSnapshot(snapshot.snapshotId())).build();
  }

  private UncheckedIOException failed(IOException e) {
    return new UncheckedIOException("Cannot read the archive of source " + source.name(), e);
  }
}
