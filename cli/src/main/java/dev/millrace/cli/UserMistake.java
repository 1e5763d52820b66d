package dev.millrace.cli;

/** What the user has to change before the command can work: one clear message, exit status 2. */
public final class UserMistake extends RuntimeException {
  private static final long serialVersionUID = 1;

  public UserMistake(String message) {
    super(message);
  }

  public UserMistake(String message, Throwable cause) {
    super(message, cause);
  }
}
