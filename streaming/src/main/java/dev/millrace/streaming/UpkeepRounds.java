package dev.millrace.streaming;

import java.io.Closeable;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.HashMap;
import java.util.Map;
import org.apache.flink.metrics.Counter;
import org.apache.flink.metrics.MetricGroup;
import org.apache.iceberg.Snapshot;
import org.apache.iceberg.Table;
import org.apache.iceberg.catalog.Catalog;
import org.apache.iceberg.catalog.Namespace;
import org.apache.iceberg.catalog.TableIdentifier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Round after round over all tables of a project; one that did not change is passed by. */
final class UpkeepRounds implements Closeable {

  private static final Logger LOG = LoggerFactory.getLogger(UpkeepRounds.class);

  private final Catalog catalog;
  private final Namespace project;
  private final TableUpkeep upkeep;
  private final Map<TableIdentifier, Long> left = new HashMap<>();

  private final Counter rounds;
  private final Counter unchanged;
  private final Counter filesJoined;
  private final Counter filesWritten;
  private final Counter snapshotsExpired;
  private final Counter failures;

  /** Rounds over the tables of a project; closes the catalog in the end. */
  UpkeepRounds(Catalog catalog, Namespace project, TableUpkeep upkeep, MetricGroup metrics) {
    this.catalog = catalog;
    this.project = project;
    this.upkeep = upkeep;
    this.rounds = metrics.counter("rounds");
    this.unchanged = metrics.counter("tablesUnchanged");
    this.filesJoined = metrics.counter("filesJoined");
    this.filesWritten = metrics.counter("filesWritten");
    this.snapshotsExpired = metrics.counter("snapshotsExpired");
    this.failures = metrics.counter("failures");
  }

  /** Looks at each table once; never throws. */
  void round() {
    try {
      for (TableIdentifier name : catalog.listTables(project)) {
        if (Thread.currentThread().isInterrupted()) {
          return;
        }
        tidy(name);
      }
      rounds.inc();
    } catch (RuntimeException e) {
      failed("list the tables of " + project, e);
    }
  }

  private void tidy(TableIdentifier name) {
    try {
      Table table = catalog.loadTable(name);
      if (snapshotId(table).equals(left.get(name))) {
        unchanged.inc();
        return;
      }
      TableUpkeep.Round done = upkeep.tidy(table);
      left.put(name, snapshotId(table));
      filesJoined.inc(done.filesJoined());
      filesWritten.inc(done.filesWritten());
      snapshotsExpired.inc(done.snapshotsExpired());
      if (!done.didNothing()) {
        LOG.info(
            "Table {}: {} files joined into {}, {} snapshots expired",
            name,
            done.filesJoined(),
            done.filesWritten(),
            done.snapshotsExpired());
      }
    } catch (IOException | RuntimeException e) {
      failed("tidy table " + name, e);
    }
  }

  private void failed(String what, Exception e) {
    if (Thread.currentThread().isInterrupted()) {
      LOG.info("Stopped before it could {}: the job ends", what);
      return;
    }
    failures.inc();
    LOG.warn("Cannot {}: {}; tried again in the next round", what, e.getMessage(), e);
  }

  private static Long snapshotId(Table table) {
    Snapshot snapshot = table.currentSnapshot();
    return snapshot == null ? -1L : snapshot.snapshotId();
  }

  @Override
  public void close() {
    if (catalog instanceof Closeable open) {
      try {
        open.close();
      } catch (IOException e) {
        throw new UncheckedIOException("Cannot close the catalog", e);
      }
    }
  }
}
