package dev.millrace.cli.events;

import dev.millrace.cli.UserMistake;
import dev.millrace.core.definition.Project;
import dev.millrace.core.definition.Source;
import dev.millrace.core.expression.Expression;
import dev.millrace.core.expression.ExpressionException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.apache.avro.Schema;
import org.apache.avro.generic.GenericData;
import org.apache.avro.generic.GenericRecord;
import org.jspecify.annotations.Nullable;

/**
 * How a row becomes an event of one source. A field takes the column of its name; else, where the
 * schema gives the field an attribute {@code sample}, that CEL expression over the file's columns;
 * else the schema's default. For one thread at a time.
 */
final class EventForm {

  /** The attribute of a field that says how it follows from the other columns. */
  static final String COMPUTED = "sample";

  private final Source source;
  private final Encoder encoder;
  private final Schema columns;
  private final Map<String, Expression> computed = new HashMap<>();

  /** From a record to the bytes of its topic. */
  interface Encoder {
    byte[] encode(GenericRecord record);
  }

  /**
   * @param project whose sources give the file's columns their types inside of expressions
   */
  EventForm(Project project, Source source, Encoder encoder) {
    this.source = source;
    this.encoder = encoder;
    this.columns = columns(project, source);
    for (Schema.Field field : source.schema().getFields()) {
      Object text = field.getObjectProp(COMPUTED);
      if (text != null) {
        computed.put(field.name(), expression(field, String.valueOf(text)));
      }
    }
  }

  Source source() {
    return source;
  }

  PreparedEvent event(SampleRow row) throws UnfitValueException {
    if (row.fault() != null) {
      throw new UnfitValueException(row.fault());
    }
    Schema schema = source.schema();
    GenericRecord record = new GenericData.Record(schema);
    for (Schema.Field field : schema.getFields()) {
      record.put(field.pos(), value(field, row));
    }
    Object id = record.get(source.eventId());
    Object time = record.get(source.eventTime());
    if (id == null || id.toString().isEmpty()) {
      throw new UnfitValueException(source.eventId() + ": an event needs its id");
    }
    if (!(time instanceof Long millis)) {
      throw new UnfitValueException(source.eventTime() + ": an event needs its time");
    }
    return new PreparedEvent(
        source.name(), source.topic(), id.toString(), millis, encoder.encode(record));
  }

  private @Nullable Object value(Schema.Field field, SampleRow row) throws UnfitValueException {
    String name = field.name();
    try {
      if (row.values().containsKey(name)) {
        return AvroValue.of(field.schema(), row.values().get(name));
      }
      Expression expression = computed.get(name);
      if (expression != null) {
        return AvroValue.of(field.schema(), expression.evaluate(inputs(expression, row)));
      }
    } catch (UnfitValueException e) {
      throw new UnfitValueException(name + ": " + e.getMessage(), e);
    } catch (ExpressionException e) {
      throw new UnfitValueException(name + ": " + e.getMessage(), e);
    }
    if (!field.hasDefaultValue()) {
      throw new UnfitValueException(
          name + ": the row has no such column and the schema gives no default");
    }
    return GenericData.get().getDefaultValue(field);
  }

  private @Nullable Object[] inputs(Expression expression, SampleRow row)
      throws UnfitValueException {
    @Nullable Object[] inputs = new Object[columns.getFields().size()];
    for (String name : expression.fields()) {
      Schema.Field column = columns.getField(name);
      if (column != null && row.values().containsKey(name)) {
        inputs[column.pos()] = AvroValue.of(column.schema(), row.values().get(name));
      }
    }
    return inputs;
  }

  private Expression expression(Schema.Field field, String text) {
    LogicalKind kind = LogicalKind.of(AvroValue.present(field.schema()));
    try {
      return Expression.compile(text, columns, kind.type, Map.of());
    } catch (ExpressionException e) {
      throw new UserMistake(
          "Cannot play source "
              + source.name()
              + ": field "
              + field.name()
              + ", attribute "
              + COMPUTED
              + ": "
              + e.getMessage(),
          e);
    }
  }

  /** All columns a file of this project may have, typed as its sources' fields are. */
  private static Schema columns(Project project, Source first) {
    List<Source> sources = new ArrayList<>();
    sources.add(first);
    sources.addAll(project.sources());
    Set<String> names = new HashSet<>();
    List<Schema.Field> fields = new ArrayList<>();
    for (Source source : sources) {
      for (Schema.Field field : source.schema().getFields()) {
        if (names.add(field.name())) {
          fields.add(new Schema.Field(field.name(), field.schema()));
        }
      }
    }
    return Schema.createRecord("Columns", null, "dev.millrace.sample", false, fields);
  }

  private enum LogicalKind {
    /** A point in time, or epoch milliseconds. */
    TIME(Expression.Type.ANY),
    WHOLE(Expression.Type.LONG),
    REAL(Expression.Type.DOUBLE),
    TRUTH(Expression.Type.BOOLEAN),
    TEXT(Expression.Type.STRING),
    OTHER(Expression.Type.ANY);

    final Expression.Type type;

    LogicalKind(Expression.Type type) {
      this.type = type;
    }

    static LogicalKind of(Schema schema) {
      return switch (schema.getType()) {
        case LONG ->
            schema.getLogicalType() != null
                    && schema.getLogicalType().getName().equals("timestamp-millis")
                ? TIME
                : WHOLE;
        case INT -> WHOLE;
        case FLOAT, DOUBLE -> REAL;
        case BOOLEAN -> TRUTH;
        case STRING, ENUM -> TEXT;
        default -> OTHER;
      };
    }
  }
}
