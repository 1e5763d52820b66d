package dev.millrace.trainer;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.apache.parquet.column.page.PageReadStore;
import org.apache.parquet.example.data.Group;
import org.apache.parquet.example.data.simple.convert.GroupRecordConverter;
import org.apache.parquet.hadoop.ParquetFileReader;
import org.apache.parquet.io.ColumnIOFactory;
import org.apache.parquet.io.LocalInputFile;
import org.apache.parquet.io.RecordReader;
import org.apache.parquet.schema.MessageType;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TrainingSetFileTest {

  private static final TrainingSet SET =
      new TrainingSet(
          "flights",
          "delay_risk",
          new TrainingSet.Bounds(0, 10_000, 10_000),
          List.of("origin_delays:count_1h", "hour"),
          new String[] {"17", "4"},
          new long[] {1_000, 2_000},
          new double[][] {{3, Double.NaN}, {0.1, 23}},
          new double[] {0, 1},
          new TrainingSet.Origin(Map.of(), Map.of(), 2, 0, 0, 0));

  @Test
  void columnsKeepTheirNamesAndRowsTheirOrder(@TempDir Path dir) throws Exception {
    Path file = dir.resolve("new").resolve("set.parquet");
    TrainingSetFile.write(SET, file);
    try (ParquetFileReader reader = ParquetFileReader.open(new LocalInputFile(file))) {
      MessageType schema = reader.getFooter().getFileMetaData().getSchema();
      assertThat(schema.getFields())
          .extracting(f -> f.getName())
          .containsExactly("event_id", "event_time", "origin_delays:count_1h", "hour", "label");
      PageReadStore pages = reader.readNextRowGroup();
      assertThat(pages.getRowCount()).isEqualTo(2);
      RecordReader<Group> rows =
          new ColumnIOFactory()
              .getColumnIO(schema)
              .getRecordReader(pages, new GroupRecordConverter(schema));
      Group first = rows.read();
      assertThat(first.getString("event_id", 0)).isEqualTo("17");
      assertThat(first.getLong("event_time", 0)).isEqualTo(1_000_000);
      assertThat(first.getDouble("origin_delays:count_1h", 0)).isEqualTo(3);
      assertThat(first.getDouble("hour", 0)).isEqualTo(0.1);
      Group second = rows.read();
      assertThat(second.getDouble("origin_delays:count_1h", 0)).isNaN();
      assertThat(second.getDouble("label", 0)).isEqualTo(1);
    }
    Path again = dir.resolve("again.parquet");
    TrainingSetFile.write(SET, again);
    assertThat(Files.mismatch(file, again)).isEqualTo(-1);
    TrainingSetFile.write(SET, file);
    assertThat(Files.mismatch(file, again)).isEqualTo(-1);
  }
}
