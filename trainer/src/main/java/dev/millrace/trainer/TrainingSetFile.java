package dev.millrace.trainer;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Set;
import org.apache.parquet.conf.PlainParquetConfiguration;
import org.apache.parquet.example.data.Group;
import org.apache.parquet.example.data.simple.SimpleGroupFactory;
import org.apache.parquet.hadoop.ParquetWriter;
import org.apache.parquet.hadoop.example.ExampleParquetWriter;
import org.apache.parquet.hadoop.metadata.CompressionCodecName;
import org.apache.parquet.io.LocalOutputFile;
import org.apache.parquet.schema.LogicalTypeAnnotation;
import org.apache.parquet.schema.LogicalTypeAnnotation.TimeUnit;
import org.apache.parquet.schema.MessageType;
import org.apache.parquet.schema.PrimitiveType.PrimitiveTypeName;
import org.apache.parquet.schema.Types;

/**
 * A training set as a Parquet file: {@code event_id}, {@code event_time}, the inputs by name,
 * {@code label}; rows by (event time, event id).
 *
 * <p>It is written with Parquet's own writer: Iceberg's renames a column such as {@code
 * origin_delays:count_1h}.
 */
public final class TrainingSetFile {

  private static final Set<String> OWN = Set.of("event_id", "event_time", "label");
  private static final long MICROS_PER_MILLI = 1000;

  /** Writes the whole file or none: the name appears when it is complete. */
  public static void write(TrainingSet set, Path file) throws IOException {
    Path absolute = file.toAbsolutePath();
    Path folder = absolute.getParent();
    if (folder != null) {
      Files.createDirectories(folder);
    }
    Path temporary = absolute.resolveSibling("." + absolute.getFileName() + ".part");
    Files.deleteIfExists(temporary);
    MessageType schema = schema(set);
    SimpleGroupFactory groups = new SimpleGroupFactory(schema);
    try (ParquetWriter<Group> writer =
        ExampleParquetWriter.builder(new LocalOutputFile(temporary))
            .withConf(new PlainParquetConfiguration())
            .withType(schema)
            .withCompressionCodec(CompressionCodecName.ZSTD)
            .build()) {
      for (int i = 0; i < set.size(); i++) {
        Group row = groups.newGroup();
        row.add(0, set.eventIds()[i]);
        row.add(1, set.timesMillis()[i] * MICROS_PER_MILLI);
        for (int c = 0; c < set.columns().length; c++) {
          row.add(2 + c, set.columns()[c][i]);
        }
        row.add(2 + set.columns().length, set.labels()[i]);
        writer.write(row);
      }
    }
    Files.move(temporary, absolute, StandardCopyOption.REPLACE_EXISTING);
  }

  private static MessageType schema(TrainingSet set) {
    Types.MessageTypeBuilder schema = Types.buildMessage();
    schema
        .required(PrimitiveTypeName.BINARY)
        .as(LogicalTypeAnnotation.stringType())
        .named("event_id");
    schema
        .required(PrimitiveTypeName.INT64)
        .as(LogicalTypeAnnotation.timestampType(true, TimeUnit.MICROS))
        .named("event_time");
    for (String input : set.inputs()) {
      if (OWN.contains(input)) {
        throw TrainingException.ofDefinition(
            "Cannot write the training set of %s: input %s has the name of another column; rename it"
                .formatted(set.model(), input));
      }
      schema.required(PrimitiveTypeName.DOUBLE).named(input);
    }
    schema.required(PrimitiveTypeName.DOUBLE).named("label");
    return schema.named("training_set");
  }

  private TrainingSetFile() {}
}
