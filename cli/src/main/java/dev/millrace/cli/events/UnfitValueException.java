package dev.millrace.cli.events;

import org.jspecify.annotations.Nullable;

/** A row, or a value in it, that does not fit the source's schema; the message says why. */
final class UnfitValueException extends Exception {
  private static final long serialVersionUID = 1L;

  UnfitValueException(String message) {
    this(message, null);
  }

  UnfitValueException(String message, @Nullable Throwable cause) {
    super(message, cause);
  }
}
