package dev.millrace.registry.transfer;

import java.util.List;

/** The registry has other events than the file where there can be only one. */
public final class ConflictException extends RuntimeException {
  private static final long serialVersionUID = 1;

  private final transient List<String> problems;

  ConflictException(String message, List<String> problems) {
    super(message);
    this.problems = List.copyOf(problems);
  }

  /** One a model or other subject. */
  List<String> problems() {
    return problems;
  }
}
