package dev.millrace.core.rollout;

import org.apache.avro.generic.GenericRecord;
import org.jspecify.annotations.Nullable;

/**
 * How good a version was in one window: what the decisions take of a performance record.
 *
 * @param baseline the version that {@code log_loss_delta} compares with
 * @param segment null for all events
 * @param sinceMillis of {@code page_hinkley}: where the rise began
 */
public record Measured(
    String model,
    int version,
    @Nullable Integer baseline,
    String role,
    @Nullable String segment,
    long windowStartMillis,
    long windowEndMillis,
    String metric,
    String definition,
    @Nullable Double value,
    @Nullable Double threshold,
    boolean alarm,
    @Nullable Long sinceMillis,
    long labelled) {

  public static final String LOG_LOSS_DELTA = "log_loss_delta";

  /** Reads a record of the schema {@code dev.millrace.wire.Performance}. */
  public static Measured of(GenericRecord record) {
    return new Measured(
        String.valueOf(record.get("model")),
        (Integer) record.get("version"),
        (Integer) record.get("baseline"),
        String.valueOf(record.get("role")),
        record.get("segment") == null ? null : String.valueOf(record.get("segment")),
        (Long) record.get("window_start"),
        (Long) record.get("window_end"),
        String.valueOf(record.get("metric")),
        String.valueOf(record.get("definition")),
        (Double) record.get("value"),
        (Double) record.get("threshold"),
        (Boolean) record.get("alarm"),
        (Long) record.get("since"),
        (Long) record.get("labelled"));
  }
}
