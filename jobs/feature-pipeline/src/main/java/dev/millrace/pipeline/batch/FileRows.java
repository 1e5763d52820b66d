package dev.millrace.pipeline.batch;

import dev.millrace.streaming.SourcePlan;
import java.io.Closeable;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.apache.iceberg.Schema;
import org.apache.iceberg.SchemaParser;
import org.apache.iceberg.data.Record;
import org.apache.iceberg.data.parquet.GenericParquetReaders;
import org.apache.iceberg.io.CloseableIterable;
import org.apache.iceberg.io.CloseableIterator;
import org.apache.iceberg.parquet.Parquet;
import org.apache.iceberg.parquet.ParquetSchemaUtil;
import org.apache.iceberg.shaded.org.apache.parquet.hadoop.ParquetFileReader;
import org.apache.iceberg.shaded.org.apache.parquet.io.LocalInputFile;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The rows of one file in its order. What is wrong with the file ends it with one row that says so:
 * a job does not fail, and fail again after each restart, because of one file.
 */
final class FileRows implements Closeable {

  private static final Logger LOG = LoggerFactory.getLogger(FileRows.class);

  /**
   * One row.
   *
   * @param values in the order of the source's schema
   * @param number in its file, from 0
   * @param problem why it is no event; null where it may be one
   * @param endsFile whether the problem is the file's
   */
  record Row(
      DeliveredFile file,
      @Nullable Object[] values,
      long number,
      @Nullable String problem,
      boolean endsFile) {

    String where() {
      return "row " + number + " of " + file.location();
    }
  }

  private final DeliveredFile file;
  private final ColumnValues columns;
  private final @Nullable Object[] noValues;

  private @Nullable CloseableIterable<Record> records;
  private @Nullable CloseableIterator<Record> at;
  private @Nullable Exception failed;
  private boolean ended;
  private long number;

  FileRows(SourcePlan plan, DeliveredFile file, @Nullable String tableSchema) {
    this.file = file;
    this.columns = new ColumnValues(plan);
    this.noValues = new Object[plan.schema().getFields().size()];
    String known = file.problem();
    try {
      if (known != null) {
        throw new IOException(known);
      }
      open(tableSchema);
    } catch (IOException | RuntimeException e) {
      failed = e;
    }
  }

  private void open(@Nullable String tableSchema) throws IOException {
    Schema all = tableSchema == null ? ownSchema() : SchemaParser.fromJson(tableSchema);
    List<String> names = new ArrayList<>();
    all.columns().forEach(c -> names.add(c.name()));
    Schema read = all.select(columns.present(names));
    columns.of(read);
    records =
        Parquet.read(ParquetShelf.file(file.location()))
            .project(read)
            .createReaderFunc(schema -> GenericParquetReaders.buildReader(read, schema))
            .build();
    at = records.iterator();
  }

  private Schema ownSchema() throws IOException {
    try (ParquetFileReader reader =
        ParquetFileReader.open(new LocalInputFile(Path.of(file.location())))) {
      return ParquetSchemaUtil.convert(reader.getFileMetaData().getSchema());
    }
  }

  /** Null at the end. */
  @Nullable Row next() {
    if (ended) {
      return null;
    }
    try {
      Exception before = failed;
      if (before != null) {
        return end(before);
      }
      CloseableIterator<Record> open = at;
      if (open == null || !open.hasNext()) {
        ended = true;
        return null;
      }
      Record record = open.next();
      long row = number++;
      try {
        return new Row(file, columns.values(record), row, null, false);
      } catch (ColumnValues.UnfitException e) {
        return new Row(
            file,
            noValues,
            row,
            "row " + row + " of " + file.location() + ": " + e.getMessage(),
            false);
      }
    } catch (RuntimeException e) {
      if (Thread.currentThread().isInterrupted()) {
        throw e;
      }
      return end(e);
    }
  }

  private Row end(Exception problem) {
    ended = true;
    String message =
        "cannot read "
            + file.location()
            + (number == 0 ? "" : " beyond row " + number)
            + ": "
            + problem.getMessage()
            + "; put it right under another name";
    LOG.error("{}", message, problem);
    return new Row(file, noValues, number, message, true);
  }

  @Override
  public void close() throws IOException {
    if (at != null) {
      at.close();
    }
    if (records != null) {
      records.close();
    }
  }
}
