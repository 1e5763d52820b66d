package dev.millrace.core.rollout;

import org.apache.avro.Schema;
import org.apache.avro.generic.GenericData;
import org.apache.avro.generic.GenericRecord;
import org.jspecify.annotations.Nullable;

/**
 * One step of a version's way to serving everything; the fields are those of the schema {@code
 * dev.millrace.wire.Rollout}.
 */
public record RolloutStep(
    String rolloutId,
    String model,
    int version,
    @Nullable Integer baseline,
    Phase phase,
    double share,
    Verdict decision,
    String why,
    long eventTimeMillis,
    @Nullable String deploymentId,
    @Nullable String requestId,
    String evidence) {

  /** What a challenger has to stand. */
  public enum Phase {
    SHADOW,
    CANARY,
    PROBATION
  }

  /** What was decided about it. */
  public enum Verdict {
    STARTED,
    EFFECTIVE,
    ADVANCED,
    PASSED,
    FAILED,
    ROLLED_BACK,
    INCONCLUSIVE;

    /** Whether the challenger goes no further. */
    public boolean endsBadly() {
      return this == FAILED || this == ROLLED_BACK || this == INCONCLUSIVE;
    }
  }

  /** The record of that schema. */
  public GenericRecord record(Schema schema) {
    GenericRecord record = new GenericData.Record(schema);
    record.put("rollout_id", rolloutId);
    record.put("model", model);
    record.put("version", version);
    record.put("baseline", baseline);
    record.put("phase", phase.name());
    record.put("share", share);
    record.put("decision", decision.name());
    record.put("why", why);
    record.put("event_time", eventTimeMillis);
    record.put("deployment_id", deploymentId);
    record.put("evidence", evidence);
    return record;
  }
}
