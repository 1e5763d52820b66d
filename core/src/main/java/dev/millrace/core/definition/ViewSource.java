package dev.millrace.core.definition;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.apache.avro.LogicalTypes;
import org.apache.avro.Schema;

/**
 * The rows of a view as the events that another view reads: one event for each row that an event
 * caused; rows that only the passing of time caused are none, because when they come depends on the
 * run.
 *
 * <p>An event's fields are the keys of the entity as text, {@link #TIME}, {@link #CAUSE} and the
 * features.
 */
public final class ViewSource {

  /** T of the row: the event's time. */
  public static final String TIME = "_time";

  /** {@code <partition>:<offset>} of the source's event that caused the row: the event's id. */
  public static final String CAUSE = "_source";

  private static final String NAMESPACE = "dev.millrace.rows";

  /**
   * @param read what the view itself reads
   */
  static Source of(FeatureView view, Source read) {
    return new Source(
        view.name(),
        // A changed view makes another stream, and so another definition of what reads it.
        view.name() + "@" + view.id(),
        Source.Kind.VIEW,
        Source.Format.AVRO,
        schema(view),
        CAUSE,
        TIME,
        read.maxOutOfOrderness(),
        read.maxAhead(),
        Duration.ZERO,
        false,
        List.of(),
        null);
  }

  private static Schema schema(FeatureView view) {
    List<Schema.Field> fields = new ArrayList<>();
    for (String key : view.entity().keys()) {
      fields.add(new Schema.Field(key, Schema.create(Schema.Type.STRING)));
    }
    fields.add(
        new Schema.Field(
            TIME, LogicalTypes.timestampMillis().addToSchema(Schema.create(Schema.Type.LONG))));
    fields.add(new Schema.Field(CAUSE, Schema.create(Schema.Type.STRING)));
    for (Feature feature : view.features()) {
      Schema nullable = Schema.createUnion(Schema.create(Schema.Type.NULL), type(feature.type()));
      fields.add(new Schema.Field(feature.name(), nullable, null, Schema.Field.NULL_DEFAULT_VALUE));
    }
    return Schema.createRecord(view.name(), null, NAMESPACE, false, fields);
  }

  private static Schema type(Feature.ValueType type) {
    return switch (type.kind()) {
      case LONG -> Schema.create(Schema.Type.LONG);
      case DOUBLE -> Schema.create(Schema.Type.DOUBLE);
      case STRING -> Schema.create(Schema.Type.STRING);
      case BOOLEAN -> Schema.create(Schema.Type.BOOLEAN);
      case LIST -> Schema.createArray(type(type.elementType()));
      case MAP -> Schema.createMap(type(type.elementType()));
    };
  }

  private ViewSource() {}
}
