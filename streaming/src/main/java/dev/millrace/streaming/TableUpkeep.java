package dev.millrace.streaming;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.apache.flink.table.data.RowData;
import org.apache.flink.table.types.logical.RowType;
import org.apache.iceberg.BaseCombinedScanTask;
import org.apache.iceberg.FileFormat;
import org.apache.iceberg.SerializableTable;
import org.apache.iceberg.Snapshot;
import org.apache.iceberg.Table;
import org.apache.iceberg.actions.BinPackRewriteFilePlanner;
import org.apache.iceberg.actions.RewriteDataFilesCommitManager;
import org.apache.iceberg.actions.RewriteFileGroup;
import org.apache.iceberg.actions.SizeBasedFileRewritePlanner;
import org.apache.iceberg.expressions.Expressions;
import org.apache.iceberg.flink.FlinkSchemaUtil;
import org.apache.iceberg.flink.sink.RowDataTaskWriterFactory;
import org.apache.iceberg.flink.source.DataIterator;
import org.apache.iceberg.flink.source.RowDataFileScanTaskReader;
import org.apache.iceberg.io.CloseableIterable;
import org.apache.iceberg.io.TaskWriter;

/**
 * One round of upkeep of one table, with Iceberg's own means: its bin-packing planner says which
 * files are joined, its readers and writers move the rows, its commit manager swaps the files, and
 * its expiry forgets snapshots by the table's own properties.
 *
 * <p>Nothing is locked. Swapping files is one optimistic commit: rows that are appended meanwhile
 * stay, and where another round (of an attempt that is thought dead) took away one of the same
 * files, the commit is refused and the new files are deleted.
 */
final class TableUpkeep {

  /** A group is read and written in one piece, so it is also how much a stop can lose. */
  private static final long GROUP_BYTES_MAX = 256L << 20;

  private final UpkeepOptions options;

  TableUpkeep(UpkeepOptions options) {
    this.options = options;
  }

  /**
   * What a round did.
   *
   * @param filesJoined files that are gone
   * @param filesWritten files that took their place
   */
  record Round(int filesJoined, int filesWritten, int snapshotsExpired) {

    boolean didNothing() {
      return filesJoined == 0 && snapshotsExpired == 0;
    }
  }

  Round tidy(Table table) throws IOException {
    Set<RewriteFileGroup> joined = join(table);
    int expired = expire(table);
    int before = 0;
    int after = 0;
    for (RewriteFileGroup group : joined) {
      before += group.rewrittenFiles().size();
      after += group.addedFiles().size();
    }
    return new Round(before, after, expired);
  }

  private Set<RewriteFileGroup> join(Table table) throws IOException {
    Snapshot snapshot = table.currentSnapshot();
    if (snapshot == null) {
      return Set.of();
    }
    List<RewriteFileGroup> planned = plan(table, snapshot.snapshotId());
    RewriteDataFilesCommitManager commits =
        new RewriteDataFilesCommitManager(table, snapshot.snapshotId());
    Set<RewriteFileGroup> written = new HashSet<>();
    try {
      for (RewriteFileGroup group : planned) {
        write(table, group);
        written.add(group);
      }
    } catch (IOException | RuntimeException e) {
      written.forEach(commits::abortFileGroup);
      throw e;
    }
    if (!written.isEmpty()) {
      // Deletes the new files where the commit is refused.
      commits.commitOrClean(written);
    }
    return written;
  }

  /** The groups that fit the round; what does not fit waits for the next one. */
  private List<RewriteFileGroup> plan(Table table, long snapshotId) throws IOException {
    BinPackRewriteFilePlanner planner =
        new BinPackRewriteFilePlanner(table, Expressions.alwaysTrue(), snapshotId, true);
    planner.init(
        Map.of(
            SizeBasedFileRewritePlanner.MIN_INPUT_FILES,
            String.valueOf(options.minInputFiles()),
            SizeBasedFileRewritePlanner.MAX_FILE_GROUP_SIZE_BYTES,
            String.valueOf(GROUP_BYTES_MAX)));
    List<RewriteFileGroup> planned = new ArrayList<>();
    long bytes = 0;
    try (CloseableIterable<RewriteFileGroup> groups = planner.plan().groups()) {
      for (RewriteFileGroup group : groups) {
        if (bytes + group.inputFilesSizeInBytes() <= options.maxBytes()) {
          bytes += group.inputFilesSizeInBytes();
          planned.add(group);
        }
      }
    }
    return planned;
  }

  private static void write(Table table, RewriteFileGroup group) throws IOException {
    RowType rowType = FlinkSchemaUtil.convert(table.schema());
    Table copy = SerializableTable.copyOf(table);
    RowDataTaskWriterFactory writers =
        new RowDataTaskWriterFactory(
            () -> copy,
            rowType,
            group.maxOutputFileSize(),
            FileFormat.PARQUET,
            table.properties(),
            null,
            false,
            table.schema(),
            table.specs().get(group.outputSpecId()));
    writers.initialize(0, 0);
    RowDataFileScanTaskReader reader =
        new RowDataFileScanTaskReader(table.schema(), table.schema(), null, true, List.of());
    TaskWriter<RowData> writer = writers.create();
    try (DataIterator<RowData> rows =
        new DataIterator<>(
            reader,
            new BaseCombinedScanTask(group.fileScanTasks()),
            table.io(),
            table.encryption())) {
      while (rows.hasNext()) {
        if (Thread.currentThread().isInterrupted()) {
          throw new IOException("Cannot join files of table " + table.name() + ": interrupted");
        }
        writer.write(rows.next());
      }
      group.setOutputFiles(Set.of(writer.dataFiles()));
    } catch (IOException | RuntimeException e) {
      abort(writer, e);
      throw e;
    }
  }

  private static void abort(TaskWriter<RowData> writer, Exception cause) {
    try {
      writer.abort();
    } catch (IOException | UncheckedIOException e) {
      cause.addSuppressed(e);
    }
  }

  /** By the table's own properties; tagged snapshots and what they need stay. */
  private static int expire(Table table) {
    table.refresh();
    int before = snapshots(table);
    table.expireSnapshots().commit();
    table.refresh();
    // Of snapshots that came in between there are as many more.
    return Math.max(0, before - snapshots(table));
  }

  private static int snapshots(Table table) {
    int count = 0;
    for (Snapshot unused : table.snapshots()) {
      count++;
    }
    return count;
  }
}
