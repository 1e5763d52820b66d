package dev.millrace.core.catalog;

import java.util.Locale;
import java.util.Optional;

/** A version's stage: a label that people move, and that decides nothing about who serves. */
public enum Stage {
  NONE("None"),
  STAGING("Staging"),
  PRODUCTION("Production"),
  ARCHIVED("Archived");

  private final String text;

  Stage(String text) {
    this.text = text;
  }

  /** As it is written. */
  public String text() {
    return text;
  }

  /** Whether others may be archived when a version comes to it. */
  boolean makesRoom() {
    return this == STAGING || this == PRODUCTION;
  }

  /** Reads one, in whatever case. */
  public static Optional<Stage> of(String text) {
    for (Stage stage : values()) {
      if (stage.text.toLowerCase(Locale.ROOT).equals(text.toLowerCase(Locale.ROOT))) {
        return Optional.of(stage);
      }
    }
    return Optional.empty();
  }
}
