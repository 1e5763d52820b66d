package dev.millrace.cli.events;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Instant;
import java.time.LocalDate;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apache.avro.LogicalType;
import org.apache.avro.Schema;
import org.apache.avro.generic.GenericData;
import org.apache.avro.generic.GenericRecord;
import org.apache.parquet.avro.AvroParquetReader;
import org.apache.parquet.conf.PlainParquetConfiguration;
import org.apache.parquet.hadoop.ParquetReader;
import org.apache.parquet.io.LocalInputFile;
import org.jspecify.annotations.Nullable;

/** A Parquet file; its times become instants, whatever their unit there. */
final class ParquetRows implements SampleReader {

  private static final long MICROS = 1_000_000;
  private static final long NANOS = 1_000_000_000;

  private final ParquetReader<GenericRecord> reader;
  private long row;

  ParquetRows(Path file) throws IOException {
    try {
      reader =
          AvroParquetReader.<GenericRecord>builder(
                  new LocalInputFile(file),
                  new PlainParquetConfiguration(Map.of("parquet.avro.readInt96AsFixed", "true")))
              .withDataModel(new GenericData())
              .build();
    } catch (RuntimeException e) {
      throw new IOException("Cannot read " + file + " as Parquet: " + e.getMessage(), e);
    }
  }

  @Override
  public @Nullable SampleRow next() throws IOException {
    GenericRecord read;
    try {
      read = reader.read();
    } catch (RuntimeException e) {
      throw new IOException("Cannot read Parquet row " + (row + 1) + ": " + e.getMessage(), e);
    }
    if (read == null) {
      return null;
    }
    row++;
    List<Schema.Field> fields = read.getSchema().getFields();
    Map<String, @Nullable Object> values = new HashMap<>(fields.size() * 2);
    for (Schema.Field field : fields) {
      Object value = read.get(field.pos());
      values.put(field.name(), value instanceof Number n ? time(field.schema(), n) : value);
    }
    return new SampleRow(row, values, null);
  }

  private static Object time(Schema schema, Number value) {
    LogicalType logical = AvroValue.present(schema).getLogicalType();
    if (logical == null) {
      return value;
    }
    long number = value.longValue();
    return switch (logical.getName()) {
      case "date" -> LocalDate.ofEpochDay(number);
      case "timestamp-millis", "local-timestamp-millis" -> Instant.ofEpochMilli(number);
      case "timestamp-micros", "local-timestamp-micros" -> instant(number, MICROS);
      case "timestamp-nanos", "local-timestamp-nanos" -> instant(number, NANOS);
      default -> value;
    };
  }

  private static Instant instant(long value, long perSecond) {
    return Instant.ofEpochSecond(
        Math.floorDiv(value, perSecond), Math.floorMod(value, perSecond) * (NANOS / perSecond));
  }

  @Override
  public void close() throws IOException {
    reader.close();
  }
}
