package dev.millrace.core.plugin;

/** A user's function that cannot be had, or that failed. */
public final class PluginException extends RuntimeException {

  private static final long serialVersionUID = 1L;

  PluginException(String message) {
    super(message);
  }

  PluginException(String message, Throwable cause) {
    super(message, cause);
  }
}
