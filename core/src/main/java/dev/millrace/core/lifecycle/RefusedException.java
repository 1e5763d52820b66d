package dev.millrace.core.lifecycle;

/** A command that is not allowed. */
final class RefusedException extends RuntimeException {
  private static final long serialVersionUID = 1;
  private final String reason;

  RefusedException(String reason) {
    super(reason, null, false, false);
    this.reason = reason;
  }

  String reason() {
    return reason;
  }
}
