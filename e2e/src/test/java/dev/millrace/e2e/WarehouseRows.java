package dev.millrace.e2e;

import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.platform.Target;
import dev.millrace.platform.Warehouse;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Path;
import java.util.function.Consumer;
import org.apache.avro.generic.GenericRecord;
import org.apache.iceberg.FileScanTask;
import org.apache.iceberg.Table;
import org.apache.iceberg.catalog.TableIdentifier;
import org.apache.iceberg.io.CloseableIterable;
import org.apache.iceberg.jdbc.JdbcCatalog;
import org.apache.parquet.avro.AvroParquetReader;
import org.apache.parquet.hadoop.ParquetReader;
import org.apache.parquet.io.LocalInputFile;

/** Rows of the warehouse's tables, read from their files by Parquet's own reader. */
final class WarehouseRows {

  /** Every row of a table, in no order. */
  static void each(Table table, Consumer<GenericRecord> each) throws IOException {
    try (CloseableIterable<FileScanTask> files = table.newScan().planFiles()) {
      for (FileScanTask file : files) {
        assertThat(file.deletes()).isEmpty();
        String location = file.file().location();
        Path path =
            location.startsWith("file:") ? Path.of(URI.create(location)) : Path.of(location);
        try (ParquetReader<GenericRecord> rows =
            AvroParquetReader.<GenericRecord>builder(new LocalInputFile(path)).build()) {
          for (GenericRecord row = rows.read(); row != null; row = rows.read()) {
            each.accept(row);
          }
        }
      }
    }
  }

  /** How many rows a table has. */
  static long total(Target target, TableIdentifier table) {
    try (JdbcCatalog catalog = Warehouse.open(target)) {
      Table loaded = catalog.loadTable(table);
      return loaded.currentSnapshot() == null
          ? 0
          : Long.parseLong(loaded.currentSnapshot().summary().getOrDefault("total-records", "0"));
    }
  }

  private WarehouseRows() {}
}
