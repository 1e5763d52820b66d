package dev.millrace.registry.access;

/** Whoever asks is known, and may not; the message says what it takes. */
public final class ForbiddenException extends RuntimeException {

  private static final long serialVersionUID = 1;

  public ForbiddenException(String message) {
    super(message);
  }
}
