package dev.millrace.drift.audit;

import dev.millrace.platform.ArchivedValues;
import java.io.Closeable;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.time.OffsetDateTime;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import org.apache.avro.Schema;
import org.apache.iceberg.DataOperations;
import org.apache.iceberg.Snapshot;
import org.apache.iceberg.Table;
import org.apache.iceberg.data.IcebergGenerics;
import org.apache.iceberg.data.Record;
import org.apache.iceberg.exceptions.NoSuchTableException;
import org.apache.iceberg.expressions.Expression;
import org.apache.iceberg.expressions.Expressions;
import org.apache.iceberg.flink.TableLoader;
import org.apache.iceberg.io.CloseableIterable;
import org.apache.iceberg.types.Types;
import org.jspecify.annotations.Nullable;

/** The archive of one source: its events as they were read, with their verdicts. */
final class ArchivedEvents implements Closeable {

  static final String PARTITION = "_partition";
  static final String OFFSET = "_offset";
  static final String VERDICT = "_verdict";

  private static final long MICROS_PER_MILLI = 1000;

  private final TableLoader loader;
  private @Nullable Table table;
  private @Nullable Snapshot snapshot;

  ArchivedEvents(TableLoader loader) {
    this.loader = loader;
  }

  /**
   * One event.
   *
   * @param verdict {@code OK}, or {@code LATE} and the views it is late for
   * @param values by the position of the source's fields; null too for a field that was not asked
   *     for
   */
  record Archived(int partition, long offset, String verdict, @Nullable Object[] values) {}

  /** Looks at the newest snapshot; all reads are of it until the next look. */
  @Nullable Snapshot look() {
    Table known = table;
    if (known == null) {
      loader.open();
      try {
        known = loader.loadTable();
      } catch (NoSuchTableException e) {
        // The pipeline makes it with its first start.
        return null;
      }
      table = known;
    } else {
      known.refresh();
    }
    snapshot = known.currentSnapshot();
    return snapshot;
  }

  /** When the pipeline last added to the archive; the upkeep, which only moves rows, is no news. */
  long appendedAtMillis() {
    for (Snapshot at = snapshot; at != null; ) {
      if (DataOperations.APPEND.equals(at.operation())) {
        return at.timestampMillis();
      }
      Long parent = at.parentId();
      at = parent == null ? null : table().snapshot(parent);
    }
    return Long.MIN_VALUE;
  }

  /** Whether the archive holds the record of a partition and offset. */
  boolean has(int partition, long offset) {
    Expression here =
        Expressions.and(Expressions.equal(PARTITION, partition), Expressions.equal(OFFSET, offset));
    try (CloseableIterable<Record> records = scan(List.of(PARTITION, OFFSET), here)) {
      return records.iterator().hasNext();
    } catch (IOException e) {
      throw new UncheckedIOException("Cannot read table " + table().name(), e);
    }
  }

  /** The event time of a partition's first record; {@link Long#MAX_VALUE} where it has none. */
  long firstMillis(int partition, String timeField) {
    long first = Long.MAX_VALUE;
    long at = Long.MAX_VALUE;
    try (CloseableIterable<Record> records =
        scan(List.of(PARTITION, OFFSET, timeField), Expressions.equal(PARTITION, partition))) {
      for (Record record : records) {
        long offset = (Long) record.getField(OFFSET);
        if (offset < first && record.getField(timeField) instanceof OffsetDateTime time) {
          first = offset;
          at = time.toInstant().toEpochMilli();
        }
      }
    } catch (IOException e) {
      throw new UncheckedIOException("Cannot read table " + table().name(), e);
    }
    return at;
  }

  /**
   * The events that a filter may let pass: some that it would not may be among them.
   *
   * @return null where there are more than {@code most}
   */
  @Nullable List<Archived> read(Schema schema, List<String> fields, Expression filter, int most) {
    Set<String> columns = new LinkedHashSet<>(fields);
    columns.addAll(List.of(PARTITION, OFFSET, VERDICT));
    List<Archived> events = new ArrayList<>();
    try (CloseableIterable<Record> records = scan(columns, filter)) {
      for (Record record : records) {
        if (events.size() == most) {
          return null;
        }
        @Nullable Object[] values = new Object[schema.getFields().size()];
        for (String name : fields) {
          Schema.Field field = schema.getField(name);
          values[field.pos()] =
              ArchivedValues.decoded(
                  record.getField(name), ArchivedValues.withoutNull(field.schema()));
        }
        events.add(
            new Archived(
                (Integer) record.getField(PARTITION),
                (Long) record.getField(OFFSET),
                String.valueOf(record.getField(VERDICT)),
                values));
      }
    } catch (IOException e) {
      throw new UncheckedIOException("Cannot read table " + table().name(), e);
    }
    return events;
  }

  private CloseableIterable<Record> scan(Iterable<String> columns, Expression filter) {
    Snapshot at = snapshot;
    if (at == null) {
      return CloseableIterable.empty();
    }
    List<Types.NestedField> projected = new ArrayList<>();
    for (String column : columns) {
      Types.NestedField field = table().schema().findField(column);
      if (field == null) {
        throw new IllegalStateException(
            "Cannot read column %s of table %s: it has none; apply the project again"
                .formatted(column, table().name()));
      }
      projected.add(field);
    }
    return IcebergGenerics.read(table())
        .useSnapshot(at.snapshotId())
        .project(new org.apache.iceberg.Schema(projected))
        .where(filter)
        .build();
  }

  private Table table() {
    if (table == null) {
      throw new IllegalStateException("Cannot read an archive that nobody has looked at");
    }
    return table;
  }

  /** Events of a time in [first, last]; {@link Long#MIN_VALUE} has no first. */
  static Expression between(String timeField, long firstMillis, long lastMillis) {
    Expression until =
        Expressions.lessThanOrEqual(timeField, Math.multiplyExact(lastMillis, MICROS_PER_MILLI));
    return firstMillis == Long.MIN_VALUE
        ? until
        : Expressions.and(
            Expressions.greaterThanOrEqual(
                timeField, Math.multiplyExact(firstMillis, MICROS_PER_MILLI)),
            until);
  }

  @Override
  public void close() {
    try {
      loader.close();
    } catch (IOException e) {
      throw new UncheckedIOException("Cannot close the archive", e);
    }
  }
}
