package dev.millrace.core.catalog;

/** Why a command is not taken, with the code by which programs tell. */
public final class Refusal extends RuntimeException {

  private static final long serialVersionUID = 1;

  /** By the names that clients of model registries know. */
  public enum Code {
    RESOURCE_ALREADY_EXISTS,
    RESOURCE_DOES_NOT_EXIST,
    INVALID_PARAMETER_VALUE,
    /** It would be right at another time, or of another version. */
    INVALID_STATE
  }

  private final Code code;

  public Refusal(Code code, String message) {
    super(message, null, false, false);
    this.code = code;
  }

  public Code code() {
    return code;
  }

  /** The reason, never null. */
  public String reason() {
    return String.valueOf(getMessage());
  }
}
