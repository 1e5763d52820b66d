package dev.millrace.core.definition;

import java.util.List;
import java.util.stream.Collectors;

/** A project that cannot be used, with everything that is wrong in it. */
public final class DefinitionException extends RuntimeException {

  private static final long serialVersionUID = 1L;

  private final transient List<Mistake> mistakes;

  DefinitionException(List<Mistake> mistakes) {
    super(mistakes.stream().map(Mistake::toString).collect(Collectors.joining("\n")));
    this.mistakes = List.copyOf(mistakes);
  }

  /** In the order of files and lines. */
  public List<Mistake> mistakes() {
    return mistakes;
  }
}
