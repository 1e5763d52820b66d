package dev.millrace.registry.search;

/** A filter or an order that nobody can read, or that is about what is not there. */
public final class SearchException extends RuntimeException {
  private static final long serialVersionUID = 1;

  SearchException(String message) {
    super(message);
  }

  /** What is wrong, never null. */
  public String said() {
    return String.valueOf(getMessage());
  }
}
