package dev.millrace.core.model;

import org.apache.avro.Schema;
import org.apache.avro.generic.GenericData;
import org.apache.avro.generic.GenericRecord;
import org.jspecify.annotations.Nullable;

/**
 * One entry of {@code models.lifecycle}: a command to the registry, or an event that one became.
 *
 * @param type one of {@link Command} or {@link Event}, by its name
 * @param version the version it is about; null where it is about none, or the registry gives it
 * @param idempotencyKey of a command: one that comes again with the same key changes nothing; of an
 *     event: its command's
 * @param details JSON: an object
 */
public record LifecycleEntry(
    String model,
    Kind kind,
    String type,
    @Nullable Integer version,
    String actor,
    String reason,
    long atMillis,
    String idempotencyKey,
    @Nullable String uri,
    @Nullable String sha256,
    String details) {

  /** Whether it is asked or has happened. */
  public enum Kind {
    COMMAND,
    EVENT
  }

  /** What may be asked of the registry. */
  public enum Command {
    /**
     * A new version: {@code uri}, {@code sha256}; details hold {@code profile_uri}, {@code
     * profile_sha256}, {@code metrics}, {@code lineage}, {@code request_id}. The registry gives the
     * number.
     */
    REGISTER,
    /**
     * The gates of a version were run; details {@code passed} and {@code gates}. Of one that was
     * made elsewhere also {@code uri} and {@code sha256} of the file that serves, and in details
     * {@code evaluation}: what a registration would have said.
     */
    VALIDATE,
    /**
     * A version becomes champion; details {@code force}, {@code shadows} (version numbers that go
     * on beside it), {@code request_id}. A version that is not validated needs {@code force}.
     */
    PROMOTE,
    /**
     * A challenger beside the champion; details {@code canary} (a version number or null), {@code
     * share} from 0 to 1, {@code shadows} (version numbers).
     */
    STAGE,
    /** Back to who was champion before; details may name {@code deployment_id}. */
    ROLLBACK,
    /** A version that never serves again. */
    ARCHIVE,
    /** Nothing automatic changes who serves from now on; what people ask for is done. */
    PAUSE,
    /** The end of that. */
    RESUME,
    /**
     * A subtask of inference has loaded a deployment and holds what lies beyond; details {@code
     * deployment_id, subtask, parallelism, largest_event_time} (null where it saw none).
     */
    READY,
    /** A subtask of inference cannot load it; details {@code deployment_id, subtask}. */
    UNLOADABLE,
    /** A model's card; details {@code description, tags}. */
    CREATE_MODEL,
    /** Its description; details {@code description}. */
    UPDATE_MODEL,
    /** The card and all versions; refused while one serves. */
    DELETE_MODEL,
    /** A tag of the model, or of the version that is named; details {@code key, value}. */
    SET_TAG,
    /** Details {@code key}. */
    DELETE_TAG,
    /** A name for a version; details {@code alias}. */
    SET_ALIAS,
    /** Details {@code alias}. */
    DELETE_ALIAS,
    /** A version's description; details {@code description}. */
    UPDATE_VERSION,
    /** A version's stage; details {@code stage, archive_existing}. */
    TRANSITION_VERSION,
    /** A version whose number is never given again; refused while it serves. */
    DELETE_VERSION,
    /** An event of another registry, taken as it is where it is the next; details hold it. */
    IMPORT
  }

  /** What the registry made of it. */
  public enum Event {
    VERSION_REGISTERED,
    VERSION_VALIDATED,
    VERSION_REJECTED,
    VERSION_ARCHIVED,
    DEPLOYMENT_PREPARING,
    DEPLOYMENT_EFFECTIVE,
    DEPLOYMENT_REVOKED,
    MODEL_PAUSED,
    MODEL_RESUMED,
    MODEL_CREATED,
    MODEL_UPDATED,
    MODEL_DELETED,
    TAG_SET,
    TAG_DELETED,
    ALIAS_SET,
    ALIAS_DELETED,
    VERSION_UPDATED,
    /** Details {@code stage, before}, and {@code archived}: the versions that made room. */
    VERSION_TRANSITIONED,
    VERSION_DELETED,
    /** The command is not allowed; the reason says why. */
    REFUSED
  }

  public static LifecycleEntry command(
      String model,
      Command command,
      @Nullable Integer version,
      String actor,
      String reason,
      long atMillis,
      String idempotencyKey,
      String details) {
    return new LifecycleEntry(
        model,
        Kind.COMMAND,
        command.name(),
        version,
        actor,
        reason,
        atMillis,
        idempotencyKey,
        null,
        null,
        details);
  }

  public boolean is(Command command) {
    return kind == Kind.COMMAND && type.equals(command.name());
  }

  public boolean is(Event event) {
    return kind == Kind.EVENT && type.equals(event.name());
  }

  /** Reads a record of the schema {@code dev.millrace.wire.Lifecycle}. */
  public static LifecycleEntry of(GenericRecord record) {
    return new LifecycleEntry(
        String.valueOf(record.get("model")),
        Kind.valueOf(String.valueOf(record.get("kind"))),
        String.valueOf(record.get("type")),
        (Integer) record.get("version"),
        String.valueOf(record.get("actor")),
        String.valueOf(record.get("reason")),
        (Long) record.get("at"),
        String.valueOf(record.get("idempotency_key")),
        optional(record.get("uri")),
        optional(record.get("sha256")),
        String.valueOf(record.get("details")));
  }

  /** The record of that schema. */
  public GenericRecord record(Schema schema) {
    GenericRecord record = new GenericData.Record(schema);
    record.put("model", model);
    record.put("kind", new GenericData.EnumSymbol(schema.getField("kind").schema(), kind.name()));
    record.put("type", type);
    record.put("version", version);
    record.put("actor", actor);
    record.put("reason", reason);
    record.put("at", atMillis);
    record.put("idempotency_key", idempotencyKey);
    record.put("uri", uri);
    record.put("sha256", sha256);
    record.put("details", details);
    return record;
  }

  private static @Nullable String optional(@Nullable Object value) {
    return value == null ? null : value.toString();
  }
}
