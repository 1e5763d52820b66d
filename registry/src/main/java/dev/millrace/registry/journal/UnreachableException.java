package dev.millrace.registry.journal;

import java.io.IOException;

/** The schema registry does not answer: the record may be sound, so it must not be skipped. */
public final class UnreachableException extends RuntimeException {
  private static final long serialVersionUID = 1;

  UnreachableException(IOException cause) {
    super("Cannot ask the schema registry: " + cause.getMessage(), cause);
  }
}
