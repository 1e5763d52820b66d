package dev.millrace.client;

import java.io.IOException;
import java.util.Locale;

/**
 * The registry answered, and said no. Whether anything was changed is certain: nothing was, unless
 * {@link #isTemporary()}.
 */
public final class RegistryException extends IOException {

  private static final long serialVersionUID = 1;
  private static final int SHOWN_MAX = 500;

  private final int status;
  private final String errorCode;
  private final String said;
  private final int afterSeconds;

  /**
   * @param afterSeconds how long the registry wants to be left alone; negative where it did not say
   */
  RegistryException(String what, int status, String errorCode, String said, int afterSeconds) {
    super(
        String.format(Locale.ROOT, "Cannot %s: %s (%d %s)", what, shown(said), status, errorCode));
    this.status = status;
    this.errorCode = errorCode;
    this.said = said;
    this.afterSeconds = afterSeconds;
  }

  private static String shown(String said) {
    return said.length() > SHOWN_MAX ? said.substring(0, SHOWN_MAX) + "…" : said;
  }

  /** The status of HTTP, as 404. */
  public int status() {
    return status;
  }

  /**
   * What programs tell errors by: {@code RESOURCE_DOES_NOT_EXIST, RESOURCE_ALREADY_EXISTS,
   * INVALID_PARAMETER_VALUE, INVALID_STATE, UNAUTHENTICATED, PERMISSION_DENIED,
   * TEMPORARILY_UNAVAILABLE} and others of MLflow's. Where the answer had none it follows from the
   * status.
   */
  public String errorCode() {
    return errorCode;
  }

  /** The registry's own words, without the client's. */
  public String said() {
    return said;
  }

  /** Whether what was asked for is not there. */
  public boolean isMissing() {
    return status == 404;
  }

  /** Whether the same may be answered in a moment. */
  public boolean isTemporary() {
    return switch (status) {
      case 429, 502, 503, 504 -> true;
      default -> false;
    };
  }

  int afterSeconds() {
    return afterSeconds;
  }

  /** The code of a status whose answer has none. */
  static String codeOf(int status) {
    return switch (status) {
      case 400 -> "INVALID_PARAMETER_VALUE";
      case 401 -> "UNAUTHENTICATED";
      case 403 -> "PERMISSION_DENIED";
      case 404 -> "RESOURCE_DOES_NOT_EXIST";
      case 409 -> "RESOURCE_CONFLICT";
      case 429 -> "REQUEST_LIMIT_EXCEEDED";
      case 501 -> "NOT_IMPLEMENTED";
      case 502, 503, 504 -> "TEMPORARILY_UNAVAILABLE";
      default -> "INTERNAL_ERROR";
    };
  }
}
