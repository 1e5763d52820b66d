package dev.millrace.pipeline.batch;

import dev.millrace.platform.Warehouse;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import org.apache.iceberg.DataFile;
import org.apache.iceberg.FileFormat;
import org.apache.iceberg.FileScanTask;
import org.apache.iceberg.SchemaParser;
import org.apache.iceberg.Snapshot;
import org.apache.iceberg.Table;
import org.apache.iceberg.catalog.TableIdentifier;
import org.apache.iceberg.io.CloseableIterable;
import org.apache.iceberg.jdbc.JdbcCatalog;

/**
 * A table of the stack's catalog: first all rows of its newest snapshot, from then on what further
 * snapshots append. Rows that a snapshot deletes or replaces are not taken back, and files that are
 * only joined into larger ones bring nothing new.
 */
record IcebergShelf(String catalogUrl, String warehouse, String table) implements Shelf {

  private static final Comparator<DataFile> ORDER =
      Comparator.comparingLong((DataFile f) -> number(f.dataSequenceNumber()))
          .thenComparing(DataFile::location);

  @Override
  public Found look(Seen seen) throws IOException {
    try (JdbcCatalog catalog = Warehouse.open(catalogUrl, warehouse)) {
      TableIdentifier name = TableIdentifier.parse(table);
      if (!catalog.tableExists(name)) {
        throw new IOException("Cannot read table " + table + ": the catalog does not have it");
      }
      Table found = catalog.loadTable(name);
      Snapshot newest = found.currentSnapshot();
      if (newest == null || newest.snapshotId() == seen.snapshot()) {
        return new Found(seen, List.of(), null);
      }
      List<DeliveredFile> files = new ArrayList<>();
      for (DataFile file : fresh(found, newest, seen)) {
        files.add(
            new DeliveredFile(
                file.location(),
                newest.timestampMillis(),
                file.format() == FileFormat.PARQUET ? file.recordCount() : 1,
                file.format() == FileFormat.PARQUET ? null : "it is " + file.format()));
      }
      return new Found(
          seen.ofSnapshot(newest.snapshotId()), files, SchemaParser.toJson(found.schema()));
    }
  }

  private List<DataFile> fresh(Table found, Snapshot newest, Seen seen) throws IOException {
    boolean first = seen.snapshot() == Seen.NO_SNAPSHOT;
    if (!first && found.snapshot(seen.snapshot()) == null) {
      throw new IOException(
          ("Cannot read what is new in table %s: snapshot %d, up to which it was read, has expired;"
                  + " keep snapshots for longer than `every` (history.expire.max-snapshot-age-ms),"
                  + " and start the job without its state to read the table again")
              .formatted(table, seen.snapshot()));
    }
    List<DataFile> files = new ArrayList<>();
    try (CloseableIterable<FileScanTask> tasks =
        first
            ? found.newScan().useSnapshot(newest.snapshotId()).planFiles()
            : found
                .newIncrementalAppendScan()
                .fromSnapshotExclusive(seen.snapshot())
                .toSnapshot(newest.snapshotId())
                .planFiles()) {
      tasks.forEach(task -> files.add(task.file()));
    }
    files.sort(ORDER);
    return files;
  }

  private static long number(@org.jspecify.annotations.Nullable Long sequence) {
    return sequence == null ? 0 : sequence;
  }
}
