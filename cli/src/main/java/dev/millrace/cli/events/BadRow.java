package dev.millrace.cli.events;

import java.nio.file.Path;

/** A row that became no event of a source, and why. */
public record BadRow(Path file, long line, String source, String reason) {

  @Override
  public String toString() {
    return file + ":" + line + ": no event of source " + source + ": " + reason;
  }
}
