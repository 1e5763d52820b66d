package dev.millrace.trainer;

import org.apache.avro.generic.GenericRecord;
import org.jspecify.annotations.Nullable;

/**
 * One record of {@code <project>.retraining}.
 *
 * @param decision REQUESTED, or SUPPRESSED: then nothing is to be trained
 * @param windowStartMillis of the training window; null: the model's own window before its end
 */
record RetrainingRequest(
    String model,
    String requestId,
    String decision,
    String cause,
    long decidedAtMillis,
    @Nullable Long windowStartMillis,
    @Nullable Long windowEndMillis) {

  private static final String REQUESTED = "REQUESTED";

  static RetrainingRequest of(GenericRecord record) {
    return new RetrainingRequest(
        String.valueOf(record.get("model")),
        String.valueOf(record.get("request_id")),
        String.valueOf(record.get("decision")),
        String.valueOf(record.get("cause")),
        (Long) record.get("decided_at"),
        (Long) record.get("window_start"),
        (Long) record.get("window_end"));
  }

  boolean isRequested() {
    return decision.equals(REQUESTED);
  }

  /** Up to where events are learnt from. */
  long endMillis() {
    return windowEndMillis == null ? decidedAtMillis : windowEndMillis;
  }
}
