package dev.millrace.registry.transfer;

/** A file is no whole export, or one that cannot be taken. */
public final class BadExportException extends RuntimeException {
  private static final long serialVersionUID = 1;

  BadExportException(String message) {
    super(message);
  }

  static BadExportException at(long line, String why) {
    return new BadExportException(
        "Cannot import: line %d: %s; nothing was changed".formatted(line, why));
  }
}
