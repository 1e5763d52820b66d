package dev.millrace.registry.transfer;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** An export on disk, looked at without a registry. */
public final class ExportFile {

  /**
   * Reads it to its last line, whose count and sha256 have to be those of what is before it.
   *
   * @return how many events it has
   * @throws BadExportException where it is no whole export
   */
  public static long events(Path file) throws IOException {
    try (ExportReader reader =
        new ExportReader(Files.newInputStream(file), TransferLimits.of(Long.MAX_VALUE))) {
      long events = 0;
      while (reader.next() != null) {
        events++;
      }
      return events;
    }
  }

  private ExportFile() {}
}
