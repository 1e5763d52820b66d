package dev.millrace.registry.transfer;

/** A file is no whole export, or one that cannot be taken. */
public final class BadExportException extends RuntimeException {
  private static final long serialVersionUID = 1;

  private final String why;

  BadExportException(String why) {
    super("Cannot import: " + why + "; nothing was changed");
    this.why = why;
  }

  static BadExportException at(long line, String why) {
    return new BadExportException("line %d: %s".formatted(line, why));
  }

  /** What is wrong with the file, whatever was to be done with it. */
  public String why() {
    return why;
  }
}
