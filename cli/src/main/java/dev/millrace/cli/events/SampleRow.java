package dev.millrace.cli.events;

import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * One row of a file as it stands there.
 *
 * @param line counted from 1; in a Parquet file the row's number
 * @param values by column; text where the file has nothing but text
 * @param fault why the row cannot be read; null where it can
 */
record SampleRow(long line, Map<String, @Nullable Object> values, @Nullable String fault) {

  static SampleRow broken(long line, String fault) {
    return new SampleRow(line, Map.of(), fault);
  }
}
