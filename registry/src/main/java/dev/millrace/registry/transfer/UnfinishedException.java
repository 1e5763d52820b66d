package dev.millrace.registry.transfer;

/** An import stopped on its way; the same again goes on. */
public final class UnfinishedException extends RuntimeException {
  private static final long serialVersionUID = 1;

  UnfinishedException(String message) {
    super(message);
  }
}
