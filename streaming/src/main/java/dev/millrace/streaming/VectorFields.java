package dev.millrace.streaming;

import dev.millrace.platform.ArchivedValues;
import java.util.HashMap;
import java.util.Map;
import org.apache.avro.Schema;
import org.jspecify.annotations.Nullable;

/** Which fields of an event are vectors: arrays of plain numbers. */
final class VectorFields {

  /** What the elements are, by field. */
  static Map<String, Schema.Type> of(Schema record) {
    Map<String, Schema.Type> fields = new HashMap<>();
    for (Schema.Field field : record.getFields()) {
      Schema plain = ArchivedValues.withoutNull(field.schema());
      Schema.Type elements = plain.getType() == Schema.Type.ARRAY ? elements(plain) : null;
      if (elements != null) {
        fields.put(field.name(), elements);
      }
    }
    return fields;
  }

  /** The type of an array's numbers; null where it has others, or nulls among them. */
  static Schema.@Nullable Type elements(Schema array) {
    Schema element = array.getElementType();
    return switch (element.getType()) {
      case FLOAT, DOUBLE, INT, LONG -> element.getLogicalType() == null ? element.getType() : null;
      default -> null;
    };
  }

  private VectorFields() {}
}
