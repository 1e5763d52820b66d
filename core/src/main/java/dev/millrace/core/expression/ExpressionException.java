package dev.millrace.core.expression;

/** An expression that cannot be compiled, or that cannot be computed for one event. */
public final class ExpressionException extends RuntimeException {

  private static final long serialVersionUID = 1L;

  private final String reason;
  private final String repair;

  ExpressionException(String verb, String text, String reason, String repair) {
    super(
        "Cannot "
            + verb
            + " expression "
            + text
            + ": "
            + reason
            + (repair.isEmpty() ? "" : "; " + repair));
    this.reason = reason;
    this.repair = repair;
  }

  /** Why, without the expression itself. */
  public String reason() {
    return reason;
  }

  /** What to do about it; empty where the reason says it all. */
  public String repair() {
    return repair;
  }
}
