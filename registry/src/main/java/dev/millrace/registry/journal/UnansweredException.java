package dev.millrace.registry.journal;

/** Nobody decided in time. */
public final class UnansweredException extends RuntimeException {
  private static final long serialVersionUID = 1;

  UnansweredException(String message) {
    super(message);
  }
}
