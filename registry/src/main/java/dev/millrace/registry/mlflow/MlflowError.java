package dev.millrace.registry.mlflow;

import io.javalin.http.HttpStatus;

/** What a client of MLflow is told: a code that programs tell by, and a message for people. */
public final class MlflowError extends RuntimeException {

  private static final long serialVersionUID = 1;

  /** The codes that are given, with the status of each. */
  public enum Code {
    RESOURCE_ALREADY_EXISTS(HttpStatus.BAD_REQUEST),
    INVALID_PARAMETER_VALUE(HttpStatus.BAD_REQUEST),
    BAD_REQUEST(HttpStatus.BAD_REQUEST),
    /** Of MLflow's codes the one that says: not now, or not of this one. */
    INVALID_STATE(HttpStatus.BAD_REQUEST),
    UNAUTHENTICATED(HttpStatus.UNAUTHORIZED),
    PERMISSION_DENIED(HttpStatus.FORBIDDEN),
    RESOURCE_DOES_NOT_EXIST(HttpStatus.NOT_FOUND),
    ENDPOINT_NOT_FOUND(HttpStatus.NOT_FOUND),
    REQUEST_LIMIT_EXCEEDED(HttpStatus.TOO_MANY_REQUESTS),
    NOT_IMPLEMENTED(HttpStatus.NOT_IMPLEMENTED),
    INTERNAL_ERROR(HttpStatus.INTERNAL_SERVER_ERROR),
    TEMPORARILY_UNAVAILABLE(HttpStatus.SERVICE_UNAVAILABLE);

    private final HttpStatus status;

    Code(HttpStatus status) {
      this.status = status;
    }

    public HttpStatus status() {
      return status;
    }
  }

  private final Code code;
  private final boolean decided;

  public MlflowError(Code code, String message) {
    this(code, message, false);
  }

  private MlflowError(Code code, String message, boolean decided) {
    super(message);
    this.code = code;
    this.decided = decided;
  }

  /** What became of a command: it was asked for, and refused. */
  public static MlflowError refused(Code code, String message) {
    return new MlflowError(code, message, true);
  }

  public static MlflowError invalid(String message) {
    return new MlflowError(Code.INVALID_PARAMETER_VALUE, message);
  }

  public static MlflowError missing(String message) {
    return new MlflowError(Code.RESOURCE_DOES_NOT_EXIST, message);
  }

  public Code code() {
    return code;
  }

  /** Whether something is missing in what this process has read, which may be behind. */
  boolean isNotFoundHere() {
    return code == Code.RESOURCE_DOES_NOT_EXIST && !decided;
  }

  /** What is said, never null. */
  public String said() {
    return String.valueOf(getMessage());
  }
}
