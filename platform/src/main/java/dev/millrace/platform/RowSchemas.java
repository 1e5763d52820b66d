package dev.millrace.platform;

import dev.millrace.core.definition.Feature;
import dev.millrace.core.definition.FeatureView;
import org.apache.avro.LogicalTypes;
import org.apache.avro.Schema;
import org.apache.avro.SchemaBuilder;

/** The Avro schema of a view's topic: the row as in Redis, with {@code known_at}. */
public final class RowSchemas {

  public static Schema of(String project, FeatureView view) {
    Schema time = LogicalTypes.timestampMillis().addToSchema(Schema.create(Schema.Type.LONG));
    SchemaBuilder.FieldAssembler<Schema> fields =
        SchemaBuilder.record(view.name())
            .namespace("dev.millrace.features." + project)
            .doc("One row of view " + view.name() + "; the key is the entity key.")
            .fields()
            .requiredString("entity_key")
            .name("_time")
            .doc("T of the row")
            .type(time)
            .noDefault()
            .name("_source")
            .doc("<partition>:<offset> of the last source record of each partition")
            .type()
            .stringType()
            .noDefault()
            .name("_version")
            .doc("<epoch>-<id> of the view's definition")
            .type()
            .stringType()
            .noDefault()
            .name("known_at")
            .doc("when the row was computed")
            .type(time)
            .noDefault();
    for (Feature feature : view.features()) {
      Schema type = type(feature.type());
      fields = fields.name(feature.name()).type().optional().type(type);
    }
    return fields.endRecord();
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

  private RowSchemas() {}
}
