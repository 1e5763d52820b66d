package dev.millrace.registry.search;

import java.util.Locale;
import java.util.Optional;

/** How a value is compared. */
enum Operator {
  EQUAL("="),
  UNEQUAL("!="),
  LESS("<"),
  LESS_OR_EQUAL("<="),
  GREATER(">"),
  GREATER_OR_EQUAL(">="),
  LIKE("LIKE"),
  ILIKE("ILIKE"),
  IN("IN"),
  NOT_IN("NOT IN"),
  IS_NULL("IS NULL"),
  IS_NOT_NULL("IS NOT NULL");

  private final String text;

  Operator(String text) {
    this.text = text;
  }

  String text() {
    return text;
  }

  static Optional<Operator> of(String text) {
    for (Operator operator : values()) {
      if (operator.text.equals(text.toUpperCase(Locale.ROOT))) {
        return Optional.of(operator);
      }
    }
    return Optional.empty();
  }
}
