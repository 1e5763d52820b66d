package dev.millrace.core.retrain;

import org.apache.avro.generic.GenericRecord;
import org.jspecify.annotations.Nullable;

/** A window whose inputs or score drifted: what the policy takes of a drift record. */
public record Drifted(
    String model,
    int version,
    String feature,
    long windowStartMillis,
    long windowEndMillis,
    String statistic,
    String definition,
    @Nullable Double value,
    @Nullable Double threshold) {

  /**
   * Reads a record of the schema {@code dev.millrace.wire.Drift}; null where it is about a segment
   * or nothing drifted.
   */
  public static @Nullable Drifted of(GenericRecord record) {
    if (record.get("segment") != null || !(Boolean) record.get("drifted")) {
      return null;
    }
    return new Drifted(
        String.valueOf(record.get("model")),
        (Integer) record.get("version"),
        String.valueOf(record.get("feature")),
        (Long) record.get("window_start"),
        (Long) record.get("window_end"),
        String.valueOf(record.get("statistic")),
        String.valueOf(record.get("definition")),
        (Double) record.get("value"),
        (Double) record.get("threshold"));
  }
}
