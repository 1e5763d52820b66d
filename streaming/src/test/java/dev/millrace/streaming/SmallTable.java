package dev.millrace.streaming;

import dev.millrace.platform.Target;
import dev.millrace.platform.Warehouse;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.apache.flink.table.data.GenericRowData;
import org.apache.flink.table.data.RowData;
import org.apache.flink.table.data.TimestampData;
import org.apache.iceberg.AppendFiles;
import org.apache.iceberg.DataFile;
import org.apache.iceberg.FileFormat;
import org.apache.iceberg.FileScanTask;
import org.apache.iceberg.Schema;
import org.apache.iceberg.SerializableTable;
import org.apache.iceberg.Table;
import org.apache.iceberg.catalog.TableIdentifier;
import org.apache.iceberg.data.IcebergGenerics;
import org.apache.iceberg.data.Record;
import org.apache.iceberg.flink.FlinkSchemaUtil;
import org.apache.iceberg.flink.sink.RowDataTaskWriterFactory;
import org.apache.iceberg.io.CloseableIterable;
import org.apache.iceberg.io.TaskWriter;
import org.apache.iceberg.types.Types;
import org.jspecify.annotations.Nullable;

/** A table of numbers and times. */
final class SmallTable {

  static final long DAY_MILLIS = 86_400_000;
  static final TableIdentifier NAME = TableIdentifier.of("small", "numbers");
  static final Schema SCHEMA =
      new Schema(
          Types.NestedField.required(1, "n", Types.LongType.get()),
          Types.NestedField.required(2, "at", Types.TimestampType.withZone()));

  static Target target(Path dir) {
    return new Target(
        "127.0.0.1:1",
        "http://127.0.0.1:1",
        "127.0.0.1:1",
        "http://127.0.0.1:1",
        null,
        dir.resolve("warehouse").toUri().toString(),
        "jdbc:sqlite:" + dir.resolve("catalog.db") + "?busy_timeout=30000",
        dir.resolve("artifacts").toUri().toString());
  }

  static RowData row(long n, long atMillis) {
    return GenericRowData.of(n, TimestampData.fromEpochMillis(atMillis));
  }

  /** One commit of one file a partition, as a sink makes it. */
  static void append(Table table, List<RowData> rows) throws IOException {
    Table copy = SerializableTable.copyOf(table);
    RowDataTaskWriterFactory writers =
        new RowDataTaskWriterFactory(
            () -> copy,
            FlinkSchemaUtil.convert(table.schema()),
            Long.MAX_VALUE,
            FileFormat.PARQUET,
            table.properties(),
            null,
            false,
            table.schema(),
            table.spec());
    writers.initialize(0, 0);
    try (TaskWriter<RowData> writer = writers.create()) {
      for (RowData row : rows) {
        writer.write(row);
      }
      AppendFiles append = table.newAppend();
      for (DataFile file : writer.dataFiles()) {
        append.appendFile(file);
      }
      append.commit();
    }
  }

  /** The numbers of a snapshot, ascending; of the newest where none is named. */
  static List<Long> numbers(Table table, @Nullable Long snapshotId) {
    List<Long> numbers = new ArrayList<>();
    var read = IcebergGenerics.read(table);
    if (snapshotId != null) {
      read.useSnapshot(snapshotId);
    }
    try (CloseableIterable<Record> records = read.build()) {
      for (Record record : records) {
        numbers.add((Long) record.get(0));
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    numbers.sort(null);
    return numbers;
  }

  static int files(Table table) throws IOException {
    int files = 0;
    try (CloseableIterable<FileScanTask> tasks = table.newScan().planFiles()) {
      for (FileScanTask unused : tasks) {
        files++;
      }
    }
    return files;
  }

  static Table table(Target target) {
    return Warehouse.ensure(Warehouse.open(target), NAME, SCHEMA, "at");
  }

  private SmallTable() {}
}
