package dev.millrace.scoring;

/** A run that took longer than it may, and was ended. */
public final class RunEndedException extends IllegalStateException {
  private static final long serialVersionUID = 1L;

  public RunEndedException(String message, Throwable cause) {
    super(message, cause);
  }
}
