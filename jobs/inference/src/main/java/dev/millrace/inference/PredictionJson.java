package dev.millrace.inference;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.millrace.schemas.Wire;
import java.util.Map;
import org.apache.avro.Schema;
import org.apache.avro.generic.GenericRecord;
import org.jspecify.annotations.Nullable;

/** A prediction as JSON: the record of its topic, field by field, times as epoch milliseconds. */
final class PredictionJson {

  private static final JsonNodeFactory NODES = JsonNodeFactory.instance;

  static JsonNode of(Prediction prediction) {
    return node(PredictionRecords.record(prediction, Wire.PREDICTION));
  }

  private static JsonNode node(@Nullable Object value) {
    if (value == null) {
      return NODES.nullNode();
    }
    if (value instanceof GenericRecord record) {
      ObjectNode fields = NODES.objectNode();
      for (Schema.Field field : record.getSchema().getFields()) {
        fields.set(field.name(), node(record.get(field.pos())));
      }
      return fields;
    }
    if (value instanceof Map<?, ?> map) {
      ObjectNode entries = NODES.objectNode();
      map.forEach((key, element) -> entries.set(key.toString(), node(element)));
      return entries;
    }
    if (value instanceof Integer number) {
      return NODES.numberNode((int) number);
    }
    if (value instanceof Long number) {
      return NODES.numberNode((long) number);
    }
    if (value instanceof Double number) {
      return NODES.numberNode((double) number);
    }
    return NODES.textNode(value.toString());
  }

  private PredictionJson() {}
}
