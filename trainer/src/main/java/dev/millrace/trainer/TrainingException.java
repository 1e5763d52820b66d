package dev.millrace.trainer;

/** Training, or the join before it, that cannot go on; the message says why and what to change. */
public final class TrainingException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  /** What has to change before the same training can succeed. */
  private enum Repair {
    /** Perhaps only time has to pass. */
    UNKNOWN,
    DEFINITION,
    DATA
  }

  private final Repair repair;

  public TrainingException(String message) {
    super(message);
    this.repair = Repair.UNKNOWN;
  }

  public TrainingException(String message, Throwable cause) {
    super(message, cause);
    this.repair = Repair.UNKNOWN;
  }

  private TrainingException(String message, Repair repair) {
    super(message);
    this.repair = repair;
  }

  /** Something that the project's definition has to say otherwise. */
  static TrainingException ofDefinition(String message) {
    return new TrainingException(message, Repair.DEFINITION);
  }

  /** Something about the rows of the window: trying again with the same window does not help. */
  static TrainingException ofData(String message) {
    return new TrainingException(message, Repair.DATA);
  }

  /** Whether the project's definition has to change, whatever the data. */
  public boolean isOfDefinition() {
    return repair == Repair.DEFINITION;
  }

  /** Whether the same training fails again, however often it is tried. */
  public boolean isFinal() {
    return repair != Repair.UNKNOWN;
  }
}
