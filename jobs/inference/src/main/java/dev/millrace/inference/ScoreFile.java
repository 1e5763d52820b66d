package dev.millrace.inference;

import java.io.IOException;
import java.io.Serializable;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import org.apache.flink.streaming.api.operators.AbstractStreamOperator;
import org.apache.flink.streaming.api.operators.BoundedOneInput;
import org.apache.flink.streaming.api.operators.OneInputStreamOperator;
import org.apache.flink.streaming.runtime.streamrecord.StreamRecord;
import org.apache.flink.table.data.RowData;
import org.apache.iceberg.Schema;
import org.apache.iceberg.flink.FlinkSchemaUtil;
import org.apache.iceberg.flink.data.FlinkParquetWriters;
import org.apache.iceberg.io.FileAppender;
import org.apache.iceberg.parquet.Parquet;
import org.jspecify.annotations.Nullable;

/**
 * Writes all rows to one Parquet file, in no order. The file is there when it is complete, or not
 * at all.
 */
final class ScoreFile extends AbstractStreamOperator<Void>
    implements OneInputStreamOperator<RowData, Void>, BoundedOneInput {

  private static final long serialVersionUID = 1L;

  private final String out;
  private final Schema schema;

  private transient @Nullable FileAppender<RowData> rows;

  /**
   * A file.
   *
   * @param schema of the rows; {@link Serializable}
   */
  ScoreFile(String out, Schema schema) {
    this.out = out;
    this.schema = schema;
  }

  @Override
  public void open() throws Exception {
    super.open();
    Path file = Path.of(out).toAbsolutePath();
    if (file.getParent() != null) {
      Files.createDirectories(file.getParent());
    }
    rows =
        Parquet.write(org.apache.iceberg.Files.localOutput(part().toFile()))
            .schema(schema)
            .named("scores")
            .createWriterFunc(
                type -> FlinkParquetWriters.buildWriter(FlinkSchemaUtil.convert(schema), type))
            .set("write.parquet.compression-codec", "zstd")
            .overwrite()
            .build();
  }

  @Override
  public void processElement(StreamRecord<RowData> element) {
    FileAppender<RowData> open = rows;
    if (open == null) {
      throw new IllegalStateException("Cannot write to " + out + ": it is closed");
    }
    open.add(element.getValue());
  }

  @Override
  public void endInput() throws IOException {
    FileAppender<RowData> open = rows;
    if (open != null) {
      open.close();
      rows = null;
      Files.move(part(), Path.of(out), StandardCopyOption.REPLACE_EXISTING);
    }
  }

  private Path part() {
    Path file = Path.of(out).toAbsolutePath();
    return file.resolveSibling("." + file.getFileName() + ".part");
  }

  @Override
  public void close() throws Exception {
    FileAppender<RowData> open = rows;
    if (open != null) {
      rows = null;
      open.close();
      Files.deleteIfExists(part());
    }
    super.close();
  }
}
