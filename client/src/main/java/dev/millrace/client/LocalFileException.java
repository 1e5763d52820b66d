package dev.millrace.client;

import java.io.IOException;

/** A file of this machine could not be written: no other try would help. */
final class LocalFileException extends IOException {

  private static final long serialVersionUID = 1;

  LocalFileException(String message, IOException cause) {
    super(message, cause);
  }
}
