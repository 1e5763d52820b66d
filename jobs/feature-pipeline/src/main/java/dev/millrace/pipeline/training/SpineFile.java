package dev.millrace.pipeline.training;

import dev.millrace.core.row.EntityKeys;
import java.io.IOException;
import java.io.Serializable;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.apache.flink.api.common.functions.FlatMapFunction;
import org.apache.flink.util.Collector;
import org.apache.iceberg.shaded.org.apache.parquet.column.page.PageReadStore;
import org.apache.iceberg.shaded.org.apache.parquet.example.data.Group;
import org.apache.iceberg.shaded.org.apache.parquet.example.data.simple.convert.GroupRecordConverter;
import org.apache.iceberg.shaded.org.apache.parquet.hadoop.ParquetFileReader;
import org.apache.iceberg.shaded.org.apache.parquet.hadoop.metadata.BlockMetaData;
import org.apache.iceberg.shaded.org.apache.parquet.io.ColumnIOFactory;
import org.apache.iceberg.shaded.org.apache.parquet.io.LocalInputFile;
import org.apache.iceberg.shaded.org.apache.parquet.io.RecordReader;
import org.apache.iceberg.shaded.org.apache.parquet.schema.LogicalTypeAnnotation.TimestampLogicalTypeAnnotation;
import org.apache.iceberg.shaded.org.apache.parquet.schema.MessageType;
import org.apache.iceberg.shaded.org.apache.parquet.schema.Type;
import org.jspecify.annotations.Nullable;

/**
 * A spine: a Parquet file of keys and times. Each row group is read by whichever task takes its
 * number.
 *
 * @param schemaText of the file, as Parquet writes it
 * @param time the place of the column that says when each row is
 * @param millisUnit how many of the time's units are a millisecond, or, negative, how many
 *     milliseconds one is
 * @param groupRows how many rows each row group has
 */
record SpineFile(String file, String schemaText, int time, long millisUnit, List<Long> groupRows)
    implements Serializable {

  static final String TIME = "event_time";

  /** Reads what the file says about itself. */
  static SpineFile open(String file) throws IOException {
    try (ParquetFileReader reader = ParquetFileReader.open(new LocalInputFile(Path.of(file)))) {
      MessageType schema = reader.getFileMetaData().getSchema();
      for (Type column : schema.getFields()) {
        if (!column.isPrimitive() || column.isRepetition(Type.Repetition.REPEATED)) {
          throw new IOException(
              "Cannot read spine %s: column %s is nested; a spine has plain columns"
                  .formatted(file, column.getName()));
        }
      }
      if (!schema.containsField(TIME)
          || !(schema.getType(TIME).getLogicalTypeAnnotation()
              instanceof TimestampLogicalTypeAnnotation timestamp)) {
        throw new IOException(
            "Cannot read spine %s: it has no timestamp column %s; name the time of each row so"
                .formatted(file, TIME));
      }
      long unit =
          switch (timestamp.getUnit()) {
            case MILLIS -> 1;
            case MICROS -> 1000;
            case NANOS -> 1_000_000;
          };
      return new SpineFile(
          file,
          schema.toString(),
          schema.getFieldIndex(TIME),
          unit,
          reader.getRowGroups().stream().map(BlockMetaData::getRowCount).toList());
    }
  }

  MessageType schema() {
    return SetFile.parse(schemaText);
  }

  /** The places of an entity's keys. */
  List<Integer> keys(String view, List<String> keys) throws IOException {
    List<Integer> places = new ArrayList<>();
    for (String key : keys) {
      if (!schema().containsField(key)) {
        throw new IOException(
            "Cannot join spine %s with view %s: it has no column %s, which is a key of the view's entity"
                .formatted(file, view, key));
      }
      places.add(schema().getFieldIndex(key));
    }
    return places;
  }

  /**
   * From the number of a row group to its rows.
   *
   * @param keys for each join the places of its keys
   * @param width how many columns the set has
   */
  record Rows(SpineFile spine, List<List<Integer>> keys, int width, boolean served)
      implements FlatMapFunction<Long, SetRow>, Serializable {

    @Override
    public void flatMap(Long group, Collector<SetRow> out) throws IOException {
      int number = Math.toIntExact(group);
      long rowNumber = spine.groupRows.stream().limit(number).mapToLong(Long::longValue).sum();
      try (ParquetFileReader reader =
          ParquetFileReader.open(new LocalInputFile(Path.of(spine.file)))) {
        MessageType schema = reader.getFileMetaData().getSchema();
        PageReadStore pages = reader.readRowGroup(number);
        RecordReader<Group> records =
            new ColumnIOFactory()
                .getColumnIO(schema)
                .getRecordReader(pages, new GroupRecordConverter(schema));
        for (long i = 0; i < pages.getRowCount(); i++) {
          out.collect(row(records.read(), schema, rowNumber++));
        }
      }
    }

    private SetRow row(Group record, MessageType schema, long rowNumber) throws IOException {
      @Nullable Object[] values = new Object[width];
      for (int i = 0; i < schema.getFieldCount(); i++) {
        values[i] = SetFile.value(record, schema, i);
      }
      if (!(values[spine.time] instanceof Long time)) {
        throw new IOException(
            "Cannot read spine %s: row %d has no %s".formatted(spine.file, rowNumber, TIME));
      }
      long millis = Math.floorDiv(time, spine.millisUnit);
      @Nullable Object[] entities = new Object[keys.size()];
      for (int join = 0; join < entities.length; join++) {
        List<@Nullable Object> parts = new ArrayList<>();
        for (int place : keys.get(join)) {
          parts.add(values[place]);
        }
        entities[join] = EntityKeys.join(parts);
      }
      return new SetRow(
          "",
          millis,
          SetRow.NO_PARTITION,
          rowNumber,
          served ? millis : Long.MAX_VALUE,
          entities,
          values);
    }
  }
}
