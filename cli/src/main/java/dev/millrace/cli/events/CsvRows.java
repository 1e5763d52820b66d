package dev.millrace.cli.events;

import dev.millrace.cli.UserMistake;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.Reader;
import java.io.UncheckedIOException;
import java.util.HashMap;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import org.apache.commons.csv.CSVFormat;
import org.apache.commons.csv.CSVParser;
import org.apache.commons.csv.CSVRecord;
import org.jspecify.annotations.Nullable;

/** CSV with a header line; an empty cell is null. */
final class CsvRows implements SampleReader {

  private static final int FAULTS_OF_LINE_MAX = 1_000;
  private static final char BYTE_ORDER_MARK = '\uFEFF';

  private final CSVParser parser;
  private final Iterator<CSVRecord> records;
  private final List<String> header;
  private long faultLine;
  private int faultsOfLine;

  CsvRows(Reader text) throws IOException {
    try {
      parser =
          CSVFormat.RFC4180
              .builder()
              .setHeader()
              .setSkipHeaderRecord(true)
              .setTrim(true)
              .build()
              .parse(withoutMark(text));
    } catch (IllegalArgumentException e) {
      text.close();
      throw new UserMistake(
          "Cannot read the CSV's header: " + e.getMessage() + "; name each column once", e);
    }
    records = parser.iterator();
    header = parser.getHeaderNames();
  }

  @Override
  public @Nullable SampleRow next() {
    while (true) {
      try {
        if (!records.hasNext()) {
          return null;
        }
        CSVRecord cells = records.next();
        long line = parser.getCurrentLineNumber();
        // A stray quote spoils its whole line; what is left of it is no row of its own.
        if (line != faultLine) {
          return row(line, cells);
        }
      } catch (UncheckedIOException e) {
        long line = parser.getCurrentLineNumber();
        if (line > faultLine) {
          faultLine = line;
          faultsOfLine = 0;
          return SampleRow.broken(line, "it is no CSV: " + e.getMessage());
        }
        if (++faultsOfLine > FAULTS_OF_LINE_MAX) {
          throw e;
        }
      }
    }
  }

  private SampleRow row(long line, CSVRecord cells) {
    if (cells.size() != header.size()) {
      return SampleRow.broken(
          line, "it has " + cells.size() + " cells, the header " + header.size());
    }
    Map<String, @Nullable Object> values = new HashMap<>(header.size() * 2);
    for (int i = 0; i < header.size(); i++) {
      String cell = cells.get(i);
      values.put(header.get(i), cell.isEmpty() ? null : cell);
    }
    return new SampleRow(line, values, null);
  }

  @Override
  public void close() throws IOException {
    parser.close();
  }

  private static Reader withoutMark(Reader text) throws IOException {
    BufferedReader buffered = new BufferedReader(text, 1 << 16);
    buffered.mark(1);
    if (buffered.read() != BYTE_ORDER_MARK) {
      buffered.reset();
    }
    return buffered;
  }
}
