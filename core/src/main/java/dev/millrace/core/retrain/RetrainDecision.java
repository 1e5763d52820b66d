package dev.millrace.core.retrain;

import dev.millrace.core.definition.Model.Cause;
import java.util.Locale;
import org.apache.avro.Schema;
import org.apache.avro.generic.GenericData;
import org.apache.avro.generic.GenericRecord;
import org.jspecify.annotations.Nullable;

/**
 * One decision whether a model is trained again; the fields are those of the schema {@code
 * dev.millrace.wire.Retraining}.
 */
public record RetrainDecision(
    String model,
    String requestId,
    String episode,
    boolean requested,
    Cause cause,
    String why,
    int version,
    @Nullable Long changeMillis,
    @Nullable Long alarmMillis,
    long decidedAtMillis,
    @Nullable Long windowStartMillis,
    @Nullable Long windowEndMillis,
    String evidence) {

  /** Why a model is not trained again now. The first that holds is said. */
  public enum Suppression {
    /** The policy does not name the cause; said once for each cause of an episode. */
    CAUSE_NOT_ENABLED,
    /** Somebody has paused the model. */
    PAUSED,
    /** A successor is being trained, is on its way, or is in probation. */
    IN_ROLLOUT,
    /** Labels after the change do not yet cover validation, holdout and one day more. */
    WAITING_FOR_LABELS,
    /** Fewer labels since the champion's training than {@code min-labels}. */
    TOO_FEW_LABELS,
    /** Less than {@code cooldown} since the last request. */
    COOLDOWN,
    /** {@code max-per-week} requests within the last seven days. */
    BUDGET,
    /** Within the hours of {@code quiet}. */
    QUIET
  }

  /** The record of that schema. */
  public GenericRecord record(Schema schema) {
    GenericRecord record = new GenericData.Record(schema);
    record.put("model", model);
    record.put("request_id", requestId);
    record.put("episode", episode);
    record.put(
        "decision",
        new GenericData.EnumSymbol(
            schema.getField("decision").schema(), requested ? "REQUESTED" : "SUPPRESSED"));
    record.put("cause", cause.name().toLowerCase(Locale.ROOT));
    record.put("why", why);
    record.put("version", version);
    record.put("change_time", changeMillis);
    record.put("alarm_time", alarmMillis);
    record.put("decided_at", decidedAtMillis);
    record.put("window_start", windowStartMillis);
    record.put("window_end", windowEndMillis);
    record.put("evidence", evidence);
    return record;
  }
}
