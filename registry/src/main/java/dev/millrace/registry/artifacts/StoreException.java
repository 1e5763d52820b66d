package dev.millrace.registry.artifacts;

import dev.millrace.registry.mlflow.MlflowError;
import java.io.IOException;

/** The store of the artifacts does not do what it is asked; its message may be told to anybody. */
public final class StoreException extends IOException {

  private static final long serialVersionUID = 1;

  private final boolean passing;

  /**
   * @param passing whether the same may work in a moment
   */
  StoreException(String message, boolean passing, Throwable cause) {
    super(message, cause);
    this.passing = passing;
  }

  public boolean passing() {
    return passing;
  }

  /** What a client is told. */
  MlflowError told() {
    return new MlflowError(
        passing ? MlflowError.Code.TEMPORARILY_UNAVAILABLE : MlflowError.Code.INTERNAL_ERROR,
        String.valueOf(getMessage()));
  }
}
