package dev.millrace.scoring;

import java.io.IOException;

/** A device that cannot compute a model here, for whatever reason; the CPU may still. */
public final class ProviderUnavailableException extends IOException {
  private static final long serialVersionUID = 1L;

  public ProviderUnavailableException(String message) {
    super(message);
  }

  public ProviderUnavailableException(String message, Throwable cause) {
    super(message, cause);
  }
}
