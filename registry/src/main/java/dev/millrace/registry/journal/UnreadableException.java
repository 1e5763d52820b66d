package dev.millrace.registry.journal;

import org.jspecify.annotations.Nullable;

/** A record that nobody can read, for ever. */
public final class UnreadableException extends Exception {
  private static final long serialVersionUID = 1;

  public UnreadableException(String message, @Nullable Throwable cause) {
    super(message, cause);
  }
}
