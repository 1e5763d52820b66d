package dev.millrace.cli.demo;

import dev.millrace.platform.Target;
import dev.millrace.platform.Warehouse;
import java.util.Map;
import org.apache.iceberg.Snapshot;
import org.apache.iceberg.Table;
import org.apache.iceberg.catalog.TableIdentifier;
import org.apache.iceberg.jdbc.JdbcCatalog;

/** How many rows a warehouse's tables have, as their newest snapshots say: no data are read. */
final class TableTotals implements AutoCloseable {

  private static final String ROWS = "total-records";
  private static final String CHECKPOINT = "flink.max-committed-checkpoint-id";

  private final JdbcCatalog catalog;

  TableTotals(Target target) {
    this.catalog = Warehouse.open(target);
  }

  /**
   * A table's newest snapshot.
   *
   * @param checkpoint the newest checkpoint of the job whose rows are in it; -1 for none
   */
  record Total(long rows, long checkpoint) {}

  Total of(TableIdentifier name) {
    if (!catalog.tableExists(name)) {
      return new Total(0, -1);
    }
    Table table = catalog.loadTable(name);
    Snapshot snapshot = table.currentSnapshot();
    if (snapshot == null) {
      return new Total(0, -1);
    }
    Map<String, String> summary = snapshot.summary();
    return new Total(
        Long.parseLong(summary.getOrDefault(ROWS, "0")),
        Long.parseLong(summary.getOrDefault(CHECKPOINT, "-1")));
  }

  @Override
  public void close() {
    catalog.close();
  }
}
