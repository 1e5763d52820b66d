package dev.millrace.cli.events;

import dev.millrace.cli.UserMistake;
import java.io.BufferedInputStream;
import java.io.Closeable;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.Reader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import java.util.zip.GZIPInputStream;
import org.jspecify.annotations.Nullable;

/** The rows of one file, in its order. */
interface SampleReader extends Closeable {

  /** The next row, or null at the end. */
  @Nullable SampleRow next() throws IOException;

  /** Opens a CSV, JSON-lines or Parquet file; which of them, its name says. */
  static SampleReader open(Path file) throws IOException {
    if (!Files.isRegularFile(file)) {
      throw new UserMistake("Cannot read " + file + ": there is no such file; correct its name");
    }
    String name = String.valueOf(file.getFileName()).toLowerCase(Locale.ROOT);
    String plain = name.endsWith(".gz") ? name.substring(0, name.length() - 3) : name;
    String ending = plain.substring(plain.lastIndexOf('.') + 1);
    return switch (ending) {
      case "csv" -> new CsvRows(text(file, name));
      case "jsonl", "ndjson", "json" -> new JsonLines(text(file, name));
      case "parquet" -> new ParquetRows(file);
      default ->
          throw new UserMistake(
              "Cannot read "
                  + file
                  + ": its name ends with none of .csv, .jsonl, .ndjson, .json, .parquet"
                  + " (text may be packed: .csv.gz); rename it");
    };
  }

  private static Reader text(Path file, String name) throws IOException {
    InputStream in = Files.newInputStream(file);
    try {
      InputStream unpacked =
          name.endsWith(".gz") ? new GZIPInputStream(in, 1 << 16) : new BufferedInputStream(in);
      return new InputStreamReader(unpacked, StandardCharsets.UTF_8);
    } catch (IOException e) {
      in.close();
      throw new IOException("Cannot read " + file + ": " + e.getMessage() + "; is it packed?", e);
    }
  }
}
