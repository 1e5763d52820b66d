package dev.millrace.trainer;

import java.io.IOException;

/** Where the trainer says what needs a person. */
public interface Alerts {

  /** The rule of a request that became no version. */
  String TRAINING_FAILED = "TRAINING_FAILED";

  /**
   * Something that needs a person.
   *
   * @param id the same for the same thing, so that a repeat is seen as one
   * @param message what, why, and the repair
   * @param evidence JSON
   */
  record Alert(
      String id,
      String project,
      String model,
      String rule,
      String message,
      long eventTimeMillis,
      String evidence) {}

  /** Writes an alert and waits until it is kept. */
  void raise(Alert alert) throws IOException, InterruptedException;
}
