package dev.millrace.trainer;

/** Training, or the join before it, that cannot go on; the message says why and what to change. */
public final class TrainingException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  private final boolean definition;

  public TrainingException(String message) {
    super(message);
    this.definition = false;
  }

  public TrainingException(String message, Throwable cause) {
    super(message, cause);
    this.definition = false;
  }

  private TrainingException(String message, boolean definition) {
    super(message);
    this.definition = definition;
  }

  /** Something that the project's definition has to say otherwise. */
  static TrainingException ofDefinition(String message) {
    return new TrainingException(message, true);
  }

  /** Whether the project's definition has to change, whatever the data. */
  public boolean isOfDefinition() {
    return definition;
  }
}
