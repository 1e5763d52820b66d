package dev.millrace.inference;

import org.jspecify.annotations.Nullable;

/** A request that cannot be answered, and how HTTP says so. */
final class RequestRefusedException extends Exception {

  private static final long serialVersionUID = 1L;

  static final int BAD_REQUEST = 400;
  static final int NOT_FOUND = 404;
  static final int TOO_LARGE = 413;
  static final int UNPROCESSABLE = 422;
  static final int UNAVAILABLE = 503;

  private final int status;
  private final @Nullable String reason;

  RequestRefusedException(int status, String message) {
    this(status, null, message);
  }

  /**
   * A refusal.
   *
   * @param reason the code that a dead letter of the event would have; null where it is no event
   */
  RequestRefusedException(int status, @Nullable String reason, String message) {
    super(message);
    this.status = status;
    this.reason = reason;
  }

  int status() {
    return status;
  }

  @Nullable String reason() {
    return reason;
  }
}
