package dev.millrace.scoring;

import java.io.IOException;

/** A file that cannot serve as a model here: not the bytes that were announced, or not a scorer. */
public final class ModelRefusedException extends IOException {
  private static final long serialVersionUID = 1L;

  public ModelRefusedException(String message) {
    super(message);
  }

  public ModelRefusedException(String message, Throwable cause) {
    super(message, cause);
  }
}
