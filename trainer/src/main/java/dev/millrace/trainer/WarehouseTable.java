package dev.millrace.trainer;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.time.OffsetDateTime;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Locale;
import org.apache.iceberg.FileFormat;
import org.apache.iceberg.FileScanTask;
import org.apache.iceberg.Schema;
import org.apache.iceberg.Snapshot;
import org.apache.iceberg.Table;
import org.apache.iceberg.catalog.Catalog;
import org.apache.iceberg.catalog.TableIdentifier;
import org.apache.iceberg.data.Record;
import org.apache.iceberg.data.parquet.GenericParquetReaders;
import org.apache.iceberg.exceptions.NoSuchTableException;
import org.apache.iceberg.expressions.Expression;
import org.apache.iceberg.expressions.Expressions;
import org.apache.iceberg.io.CloseableIterable;
import org.apache.iceberg.parquet.Parquet;
import org.apache.iceberg.types.Types;
import org.jspecify.annotations.Nullable;

/** One table of the warehouse at one snapshot: all reads of a join see the same rows. */
final class WarehouseTable {

  private static final long MICROS_PER_MILLI = 1000;

  private final TableIdentifier name;
  private final Table table;
  private final @Nullable Snapshot snapshot;

  WarehouseTable(Catalog catalog, TableIdentifier name) {
    this.name = name;
    try {
      this.table = catalog.loadTable(name);
    } catch (NoSuchTableException e) {
      throw new TrainingException(
          "Cannot read table "
              + name
              + ": the warehouse has none; apply the project and wait for the pipeline's first"
              + " checkpoint",
          e);
    }
    this.snapshot = table.currentSnapshot();
  }

  String name() {
    return name.toString();
  }

  /** The snapshot's id; -1 where nothing was ever written. */
  long snapshotId() {
    return snapshot == null ? -1 : snapshot.snapshotId();
  }

  boolean has(String column) {
    return table.schema().findField(column) != null;
  }

  /** What a read takes: columns in the order they were asked for, each once. */
  final class Columns {
    private final Schema projection;

    Columns(Collection<String> wanted) {
      List<Types.NestedField> fields = new ArrayList<>();
      for (String column : wanted) {
        Types.NestedField field = table.schema().findField(column);
        if (field == null) {
          throw new TrainingException(
              "Cannot read column %s of table %s: it has none; apply the project again"
                  .formatted(column, name));
        }
        if (!fields.contains(field)) {
          fields.add(field);
        }
      }
      projection = new Schema(fields);
    }

    int position(String column) {
      return projection.columns().indexOf(projection.findField(column));
    }

    /**
     * Rows whose {@code time} is in (after, until], in the order of the files. One record is used
     * for all of them: take from it what is needed before the next.
     */
    CloseableIterable<Record> read(String time, long afterMillis, long untilMillis) {
      return read(time, afterMillis, untilMillis, Expressions.alwaysTrue());
    }

    /** The same, without files and parts of files that hold no row for {@code where}. */
    CloseableIterable<Record> read(
        String time, long afterMillis, long untilMillis, Expression where) {
      if (snapshot == null) {
        return CloseableIterable.empty();
      }
      int timeColumn = position(time);
      // Not IcebergGenerics: it wants Iceberg's ORC classes even where all files are Parquet.
      Expression filter = Expressions.and(between(time, afterMillis, untilMillis), where);
      CloseableIterable<FileScanTask> tasks = plan(snapshot, filter);
      CloseableIterable<Record> records =
          CloseableIterable.concat(CloseableIterable.transform(tasks, task -> file(task, filter)));
      return CloseableIterable.filter(
          CloseableIterable.combine(records, tasks),
          record -> {
            Object at = record.get(timeColumn);
            return at != null && millis(at) > afterMillis && millis(at) <= untilMillis;
          });
    }

    private CloseableIterable<Record> file(FileScanTask task, Expression filter) {
      if (task.file().format() != FileFormat.PARQUET || !task.deletes().isEmpty()) {
        throw new TrainingException(
            "Cannot read file %s of table %s: only Parquet files without deletes are read"
                .formatted(task.file().location(), name));
      }
      return Parquet.read(table.io().newInputFile(task.file().location()))
          .project(projection)
          .createReaderFunc(fileSchema -> GenericParquetReaders.buildReader(projection, fileSchema))
          .filter(filter)
          .reuseContainers()
          .build();
    }
  }

  /** The most rows that a read of (after, until] can give. */
  long rows(String time, long afterMillis, long untilMillis) {
    if (snapshot == null) {
      return 0;
    }
    long rows = 0;
    try (CloseableIterable<FileScanTask> tasks =
        plan(snapshot, between(time, afterMillis, untilMillis))) {
      for (FileScanTask task : tasks) {
        rows += task.file().recordCount();
      }
    } catch (IOException e) {
      throw new UncheckedIOException("Cannot plan a read of table " + name, e);
    }
    return rows;
  }

  /** Refuses, with its numbers, what would not fit the heap. */
  void requireRoom(String time, long afterMillis, long untilMillis, int bytesPerRow) {
    long rows = rows(time, afterMillis, untilMillis);
    long needed = rows * bytesPerRow;
    long allowed = Runtime.getRuntime().maxMemory() / 10 * 8;
    if (needed > allowed) {
      throw TrainingException.ofDefinition(
          String.format(
              Locale.ROOT,
              "Cannot join table %s: its %,d rows take about %,d MiB of memory, this JVM may use"
                  + " %,d; shorten training.window or give it more with MILLRACE_JAVA_OPTIONS=-Xmx…",
              name,
              rows,
              needed >> 20,
              allowed >> 20));
    }
  }

  private CloseableIterable<FileScanTask> plan(Snapshot at, Expression filter) {
    return table.newScan().useSnapshot(at.snapshotId()).filter(filter).planFiles();
  }

  static long millis(Object timestamp) {
    return ((OffsetDateTime) timestamp).toInstant().toEpochMilli();
  }

  private static Expression between(String time, long afterMillis, long untilMillis) {
    Expression until =
        untilMillis == Long.MAX_VALUE
            ? Expressions.alwaysTrue()
            : Expressions.lessThanOrEqual(time, micros(untilMillis));
    return afterMillis == Long.MIN_VALUE
        ? until
        : Expressions.and(Expressions.greaterThan(time, micros(afterMillis)), until);
  }

  private static long micros(long millis) {
    return Math.multiplyExact(millis, MICROS_PER_MILLI);
  }
}
