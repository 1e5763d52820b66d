package dev.millrace.cli.events;

import org.apache.avro.LogicalTypes;
import org.apache.avro.Schema;

/** Points in time as a person writes them. */
public final class EventTime {

  private static final Schema MILLIS =
      LogicalTypes.timestampMillis().addToSchema(Schema.create(Schema.Type.LONG));

  private EventTime() {}

  /** Epoch milliseconds or ISO-8601; a date is its first moment, no offset is UTC. */
  static long parseMillis(String text) throws UnfitValueException {
    return AvroValue.of(MILLIS, text) instanceof Long millis ? millis : Long.MIN_VALUE;
  }
}
