package dev.millrace.e2e;

import java.io.IOException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.Consumer;
import org.apache.parquet.column.page.PageReadStore;
import org.apache.parquet.example.data.Group;
import org.apache.parquet.example.data.simple.convert.GroupRecordConverter;
import org.apache.parquet.hadoop.ParquetFileReader;
import org.apache.parquet.io.ColumnIOFactory;
import org.apache.parquet.io.LocalInputFile;
import org.apache.parquet.io.RecordReader;
import org.apache.parquet.schema.MessageType;
import org.jspecify.annotations.Nullable;

/** The rows of a training set's file, whose columns have names that Avro would not take. */
final class SetRows {

  /** Each row as text by column; null where there is no value. */
  static void each(Path file, Consumer<Map<String, @Nullable String>> each) throws IOException {
    try (ParquetFileReader reader = ParquetFileReader.open(new LocalInputFile(file))) {
      MessageType schema = reader.getFileMetaData().getSchema();
      PageReadStore pages = reader.readNextRowGroup();
      while (pages != null) {
        RecordReader<Group> records =
            new ColumnIOFactory()
                .getColumnIO(schema)
                .getRecordReader(pages, new GroupRecordConverter(schema));
        for (long i = 0; i < pages.getRowCount(); i++) {
          Group record = records.read();
          Map<String, @Nullable String> row = new LinkedHashMap<>();
          for (int column = 0; column < schema.getFieldCount(); column++) {
            row.put(
                schema.getFieldName(column),
                record.getFieldRepetitionCount(column) == 0
                    ? null
                    : record.getValueToString(column, 0));
          }
          each.accept(row);
        }
        pages = reader.readNextRowGroup();
      }
    }
  }

  private SetRows() {}
}
