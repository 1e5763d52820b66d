package dev.millrace.core.rollout;

import org.apache.avro.Schema;
import org.apache.avro.generic.GenericData;
import org.apache.avro.generic.GenericRecord;

/**
 * Something that needs a person; the fields are those of the schema {@code
 * dev.millrace.wire.Alert}.
 */
public record Alert(
    String alertId,
    String model,
    String rule,
    String message,
    long eventTimeMillis,
    String evidence) {

  /** The record of that schema. */
  public GenericRecord record(Schema schema) {
    GenericRecord record = new GenericData.Record(schema);
    record.put("alert_id", alertId);
    record.put("model", model);
    record.put("rule", rule);
    record.put("message", message);
    record.put("event_time", eventTimeMillis);
    record.put("evidence", evidence);
    return record;
  }
}
