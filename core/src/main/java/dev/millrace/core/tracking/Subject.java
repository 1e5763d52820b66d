package dev.millrace.core.tracking;

import java.util.Optional;
import java.util.regex.Pattern;

/** What an entry is about, as its key says it. */
public enum Subject {
  ALL_EXPERIMENTS,
  RUN,
  LOGGED_MODEL;

  /** The one key of all experiments: their names are unique among all of them. */
  public static final String EXPERIMENTS = "experiments";

  private static final Pattern RUN_ID = Pattern.compile("[0-9a-f]{32}");
  private static final Pattern MODEL_ID = Pattern.compile("m-[0-9a-f]{32}");

  /** Empty where the key is none of these. */
  public static Optional<Subject> of(String key) {
    if (key.equals(EXPERIMENTS)) {
      return Optional.of(ALL_EXPERIMENTS);
    }
    if (RUN_ID.matcher(key).matches()) {
      return Optional.of(RUN);
    }
    return MODEL_ID.matcher(key).matches() ? Optional.of(LOGGED_MODEL) : Optional.empty();
  }
}
