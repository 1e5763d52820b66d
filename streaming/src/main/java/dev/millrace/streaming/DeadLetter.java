package dev.millrace.streaming;

import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * A record, or one use of it, that could not go on, and why.
 *
 * @param value the raw bytes; the first 64 KiB of a record over 1 MiB
 * @param valueLength of the record as it was; -1 where it had no value
 */
public record DeadLetter(
    String source,
    String topic,
    int partition,
    long offset,
    String reason,
    String message,
    String stage,
    byte @Nullable [] key,
    byte @Nullable [] value,
    int valueLength,
    long recordTimeMillis) {

  public static final int RECORD_BYTES_MAX = 1024 * 1024;
  private static final int KEPT_BYTES = 64 * 1024;

  /** Reason codes that are not the name of a contract rule. */
  public static final class Reason {
    public static final String MALFORMED = "MALFORMED";
    public static final String UNKNOWN_SCHEMA = "UNKNOWN_SCHEMA";
    public static final String NULL_KEY = "NULL_KEY";
    public static final String NON_FINITE = "NON_FINITE";
    public static final String TOO_LARGE = "TOO_LARGE";
    public static final String FUTURE = "FUTURE";
    public static final String LATE = "LATE";
    public static final String NO_MODEL = "NO_MODEL";
    public static final String TOO_MANY_EVENTS = "TOO_MANY_EVENTS";

    private Reason() {}
  }

  /**
   * A letter of a place that has not got the record's bytes any more; they are in the source's
   * topic at that offset, and in its archive.
   */
  public static DeadLetter withoutBytes(
      String source,
      String topic,
      int partition,
      long offset,
      long recordTimeMillis,
      String reason,
      String message,
      String stage) {
    return new DeadLetter(
        source, topic, partition, offset, reason, message, stage, null, null, -1, recordTimeMillis);
  }

  static DeadLetter of(
      String source,
      String topic,
      int partition,
      long offset,
      long recordTimeMillis,
      String reason,
      String message,
      String stage,
      byte @Nullable [] key,
      byte @Nullable [] value) {
    byte[] kept = value;
    if (value != null && value.length > RECORD_BYTES_MAX) {
      kept = Arrays.copyOf(value, KEPT_BYTES);
    }
    return new DeadLetter(
        source,
        topic,
        partition,
        offset,
        reason,
        message,
        stage,
        key != null && key.length > KEPT_BYTES ? Arrays.copyOf(key, KEPT_BYTES) : key,
        kept,
        value == null ? -1 : value.length,
        recordTimeMillis);
  }

  /** The letter of an event that was decoded and refused further on. */
  public static DeadLetter of(
      String source, String topic, Event event, String reason, String message, String stage) {
    return of(
        source,
        topic,
        event.partition(),
        event.offset(),
        event.recordTimeMillis(),
        reason,
        message,
        stage,
        event.rawKey(),
        event.rawValue());
  }

  /** The key on the topic: {@code topic:partition:offset}. */
  public String recordKey() {
    return topic + ":" + partition + ":" + offset;
  }
}
