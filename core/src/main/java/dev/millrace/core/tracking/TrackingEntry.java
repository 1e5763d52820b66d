package dev.millrace.core.tracking;

import org.apache.avro.Schema;
import org.apache.avro.generic.GenericData;
import org.apache.avro.generic.GenericRecord;

/**
 * One entry of {@code models.tracking}: a command, or the event that one became.
 *
 * @param subject {@link Subject#EXPERIMENTS}, the id of a run or that of a logged model
 * @param type one of {@link Command} or {@link Event}, by its name
 * @param idempotencyKey of a command: one that comes again with the same key changes nothing; of an
 *     event: its command's
 * @param details JSON: an object
 */
public record TrackingEntry(
    String subject,
    Kind kind,
    String type,
    String actor,
    long atMillis,
    String idempotencyKey,
    String details) {

  /** Begins the keys that nobody can send a second time; they are not remembered. */
  public static final String ONCE = "http-";

  /** Whether it is asked or has happened. */
  public enum Kind {
    COMMAND,
    EVENT
  }

  /** What may be asked. */
  public enum Command {
    /** Details {@code name, artifact_location, tags}. The rules give the id. */
    CREATE_EXPERIMENT,
    /** Details {@code experiment_id, name}. */
    RENAME_EXPERIMENT,
    /** Details {@code experiment_id}. */
    DELETE_EXPERIMENT,
    /** Details {@code experiment_id}. */
    RESTORE_EXPERIMENT,
    /** Details {@code experiment_id, key, value}. */
    SET_EXPERIMENT_TAG,
    /** Details {@code experiment_id, key}. */
    DELETE_EXPERIMENT_TAG,
    /** Details {@code experiment_id, name, user_id, start_time, artifact_uri, tags, content}. */
    CREATE_RUN,
    /** Details {@code status, end_time, name}, each only where it changes. */
    UPDATE_RUN,
    DELETE_RUN,
    RESTORE_RUN,
    /**
     * Details {@code metrics} ({@code [[key, value, timestamp, step], …]}), {@code params} and
     * {@code tags} ({@code [[key, value], …]}): all of it or nothing.
     */
    LOG,
    /** Details {@code key}. */
    DELETE_RUN_TAG,
    /** Details {@code datasets, models}: what the run has read. */
    LOG_INPUTS,
    /** Details {@code models} ({@code [{model_id, step}]}): what the run has made. */
    LOG_OUTPUTS,
    /** Details {@code model}: an object that joins the others in a tag of the run. */
    LOG_MODEL,
    /**
     * Details {@code experiment_id, name, model_type, source_run_id, artifact_uri, params, tags}.
     */
    CREATE_LOGGED_MODEL,
    /** Details {@code status}. */
    FINALIZE_LOGGED_MODEL,
    DELETE_LOGGED_MODEL,
    /** Details {@code params} ({@code [[key, value], …]}). */
    LOG_LOGGED_MODEL_PARAMS,
    /** Details {@code tags} ({@code [[key, value], …]}). */
    SET_LOGGED_MODEL_TAGS,
    /** Details {@code key}. */
    DELETE_LOGGED_MODEL_TAG,
    /** An event of another registry, taken as it is where it is the next; details hold it. */
    IMPORT
  }

  /** What became of it. */
  public enum Event {
    EXPERIMENT_CREATED,
    EXPERIMENT_RENAMED,
    EXPERIMENT_DELETED,
    EXPERIMENT_RESTORED,
    EXPERIMENT_TAG_SET,
    EXPERIMENT_TAG_DELETED,
    RUN_CREATED,
    RUN_UPDATED,
    RUN_DELETED,
    RUN_RESTORED,
    /**
     * Details {@code metrics} ({@code {key: [[value, timestamp, step], …]}}, those alone that were
     * not there before), {@code new_keys}, {@code params}, {@code tags}.
     */
    LOGGED,
    RUN_TAG_DELETED,
    INPUTS_LOGGED,
    OUTPUTS_LOGGED,
    LOGGED_MODEL_CREATED,
    LOGGED_MODEL_FINALIZED,
    LOGGED_MODEL_DELETED,
    LOGGED_MODEL_PARAMS_LOGGED,
    LOGGED_MODEL_TAGS_SET,
    LOGGED_MODEL_TAG_DELETED,
    /** The command is not allowed; details {@code command, code, reason}. */
    REFUSED
  }

  public static TrackingEntry command(
      String subject,
      Command command,
      String actor,
      long atMillis,
      String idempotencyKey,
      String details) {
    return new TrackingEntry(
        subject, Kind.COMMAND, command.name(), actor, atMillis, idempotencyKey, details);
  }

  public boolean is(Command command) {
    return kind == Kind.COMMAND && type.equals(command.name());
  }

  public boolean is(Event event) {
    return kind == Kind.EVENT && type.equals(event.name());
  }

  /** Whether its key may come again. */
  public boolean mayComeAgain() {
    return !idempotencyKey.startsWith(ONCE);
  }

  /** Reads a record of the schema {@code dev.millrace.wire.Tracking}. */
  public static TrackingEntry of(GenericRecord record) {
    return new TrackingEntry(
        String.valueOf(record.get("subject")),
        Kind.valueOf(String.valueOf(record.get("kind"))),
        String.valueOf(record.get("type")),
        String.valueOf(record.get("actor")),
        (Long) record.get("at"),
        String.valueOf(record.get("idempotency_key")),
        String.valueOf(record.get("details")));
  }

  /** The record of that schema. */
  public GenericRecord record(Schema schema) {
    GenericRecord record = new GenericData.Record(schema);
    record.put("subject", subject);
    record.put("kind", new GenericData.EnumSymbol(schema.getField("kind").schema(), kind.name()));
    record.put("type", type);
    record.put("actor", actor);
    record.put("at", atMillis);
    record.put("idempotency_key", idempotencyKey);
    record.put("details", details);
    return record;
  }
}
