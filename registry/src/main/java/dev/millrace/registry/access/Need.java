package dev.millrace.registry.access;

/**
 * What a request takes.
 *
 * @param role the least that does
 * @param about whose project has to be among the caller's
 */
public record Need(Role role, About about) {

  /** Reads; every project's things, since features and models are shared by all. */
  public static final Need READING = new Need(Role.READER, About.NOTHING);

  /** What a request changes, and by which of its parameters that is found. */
  public enum About {
    NOTHING,
    /** {@code name}. */
    MODEL,
    /** The same of one that is not there yet. */
    NEW_MODEL,
    /** {@code experiment_id}; the default one where it is missing. */
    EXPERIMENT,
    NEW_EXPERIMENT,
    /** {@code run_id}, or {@code run_uuid}: that of its experiment. */
    RUN,
    /** {@code model_id}: that of its experiment. */
    LOGGED_MODEL
  }

  public static Need contributing(About about) {
    return new Need(Role.CONTRIBUTOR, about);
  }

  public static Need promoting(About about) {
    return new Need(Role.PROMOTER, about);
  }

  public static Need administering(About about) {
    return new Need(Role.ADMIN, about);
  }
}
