import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.Locale;
import java.util.Map;
import org.apache.avro.LogicalTypes;
import org.apache.avro.Schema;
import org.apache.avro.SchemaBuilder;
import org.apache.avro.generic.GenericData;
import org.apache.avro.generic.GenericRecord;
import org.apache.parquet.avro.AvroParquetReader;
import org.apache.parquet.avro.AvroParquetWriter;
import org.apache.parquet.column.ParquetProperties.WriterVersion;
import org.apache.parquet.conf.ParquetConfiguration;
import org.apache.parquet.conf.PlainParquetConfiguration;
import org.apache.parquet.hadoop.ParquetReader;
import org.apache.parquet.hadoop.ParquetWriter;
import org.apache.parquet.hadoop.metadata.CompressionCodecName;
import org.apache.parquet.io.LocalInputFile;
import org.apache.parquet.io.LocalOutputFile;

/**
 * Makes data/flights-week-NN.parquet from flights-3m.parquet: one file a week, rows in the source's
 * order, the same bytes at every run. See README.md beside it for how to start it.
 *
 * <p>The columns are chosen so that each costs little: the id and the time grow from row to row and
 * are stored as differences, airports and distances as indexes into a dictionary. The time of
 * arrival follows from the other columns, so it is not stored but computed where the files are
 * played ({@code sample} in schemas/arrival.avsc).
 */
public final class MakeFlights {
  private static final Instant START = Instant.parse("2001-01-01T00:00:00Z");
  private static final long WEEK_MILLIS = 7L * 24 * 60 * 60 * 1000;
  private static final int WEEKS = 26;
  private static final int DELAY_LEAST = -60;

  private static final Schema ROW =
      SchemaBuilder.record("Flight")
          .fields()
          .requiredLong("flight_id")
          .name("departed_at")
          .type(LogicalTypes.timestampMillis().addToSchema(Schema.create(Schema.Type.LONG)))
          .noDefault()
          .requiredString("origin")
          .requiredString("destination")
          .requiredInt("distance")
          .requiredInt("delay")
          .endRecord();

  public static void main(String[] args) throws IOException {
    if (args.length != 2) {
      System.err.println("usage: MakeFlights FLIGHTS_3M_PARQUET OUT_FOLDER");
      System.exit(2);
    }
    Path out = Path.of(args[1]);
    Files.createDirectories(out);
    long row = 0;
    long dropped = 0;
    int week = 0;
    ParquetWriter<GenericRecord> writer = null;
    try (ParquetReader<GenericRecord> reader =
        AvroParquetReader.<GenericRecord>builder(
                new LocalInputFile(Path.of(args[0])), new PlainParquetConfiguration())
            .withDataModel(new GenericData())
            .build()) {
      for (GenericRecord from = reader.read(); from != null; from = reader.read(), row++) {
        int delay = ((Number) from.get("delay")).intValue();
        if (delay < DELAY_LEAST) {
          dropped++;
          continue;
        }
        long departedMillis = Math.floorDiv((Long) from.get("date"), 1000L);
        int at = (int) ((departedMillis - START.toEpochMilli()) / WEEK_MILLIS) + 1;
        if (at < week || at > WEEKS) {
          throw new IOException("Cannot place row " + row + ": week " + at + " after " + week);
        }
        if (at > week) {
          if (writer != null) {
            writer.close();
          }
          week = at;
          writer = open(out.resolve(String.format(Locale.ROOT, "flights-week-%02d.parquet", at)));
        }
        GenericRecord to = new GenericData.Record(ROW);
        to.put("flight_id", row);
        to.put("departed_at", departedMillis);
        to.put("origin", String.valueOf(from.get("origin")));
        to.put("destination", String.valueOf(from.get("destination")));
        to.put("distance", ((Number) from.get("distance")).intValue());
        to.put("delay", delay);
        writer.write(to);
      }
    }
    if (writer != null) {
      writer.close();
    }
    System.out.printf(
        Locale.ROOT,
        "%d rows read, %d dropped (delay below %d), %d written to %d files%n",
        row,
        dropped,
        DELAY_LEAST,
        row - dropped,
        week);
  }

  private static ParquetWriter<GenericRecord> open(Path file) throws IOException {
    Files.deleteIfExists(file);
    ParquetConfiguration conf =
        new PlainParquetConfiguration(Map.of("parquet.compression.codec.zstd.level", "22"));
    return AvroParquetWriter.<GenericRecord>builder(new LocalOutputFile(file))
        .withConf(conf)
        .withSchema(ROW)
        .withWriterVersion(WriterVersion.PARQUET_2_0)
        .withCompressionCodec(CompressionCodecName.ZSTD)
        .withPageSize(16 << 20)
        .withPageRowCountLimit(1 << 30)
        .withDictionaryPageSize(16 << 20)
        .withDictionaryEncoding(true)
        .withDictionaryEncoding("flight_id", false)
        .withDictionaryEncoding("departed_at", false)
        .build();
  }
}
