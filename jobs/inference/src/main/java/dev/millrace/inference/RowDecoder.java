package dev.millrace.inference;

import dev.millrace.core.row.Positions;
import dev.millrace.schemas.ConfluentSubjectRegistry;
import dev.millrace.schemas.SubjectRegistry;
import dev.millrace.schemas.WireFormat;
import java.io.IOException;
import java.util.List;
import org.apache.avro.AvroRuntimeException;
import org.apache.avro.Schema;
import org.apache.avro.generic.GenericRecord;
import org.apache.flink.api.common.serialization.DeserializationSchema;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.connector.kafka.source.reader.deserializer.KafkaRecordDeserializationSchema;
import org.apache.flink.metrics.Counter;
import org.apache.flink.util.Collector;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Reads the rows of one view's topic: what a model needs of them. Rows of another definition are
 * counted and passed over, as are records that are no rows.
 */
final class RowDecoder implements KafkaRecordDeserializationSchema<EntityRow> {

  private static final long serialVersionUID = 1L;
  private static final Logger LOG = LoggerFactory.getLogger(RowDecoder.class);

  private final ViewRead view;
  private final String schemaJson;
  private final String schemaRegistry;
  private transient WireFormat.Reader reader;
  private transient int[] positions;
  private transient int keyField;
  private transient Counter malformed;
  private transient Counter ofAnotherVersion;

  @SuppressWarnings("NullAway.Init") // Flink calls open before the first record.
  RowDecoder(ViewRead view, Schema schema, String schemaRegistry) {
    this.view = view;
    this.schemaJson = schema.toString();
    this.schemaRegistry = schemaRegistry;
  }

  @Override
  public void open(DeserializationSchema.InitializationContext context) {
    Schema schema = new Schema.Parser().parse(schemaJson);
    reader = new WireFormat.Reader(new ConfluentSubjectRegistry(schemaRegistry), schema);
    List<String> fields = view.fields();
    positions = fields.stream().mapToInt(f -> schema.getField(f).pos()).toArray();
    keyField = schema.getField("entity_key").pos();
    malformed = context.getMetricGroup().counter("malformedRows");
    ofAnotherVersion = context.getMetricGroup().counter("rowsOfAnotherVersion");
  }

  @Override
  public void deserialize(ConsumerRecord<byte[], byte[]> record, Collector<EntityRow> out)
      throws IOException {
    byte[] value = record.value();
    if (!WireFormat.framed(value)) {
      refused(record, "it does not begin with the magic byte and a schema id");
      return;
    }
    EntityRow row;
    try {
      GenericRecord read = reader.read(value);
      if (!view.version().equals(String.valueOf(read.get(positions[ViewRead.VERSION])))) {
        ofAnotherVersion.inc();
        return;
      }
      row = row(read);
    } catch (SubjectRegistry.UnknownSchemaException
        | WireFormat.UnreadableException
        | AvroRuntimeException
        | IllegalArgumentException
        | ClassCastException
        | IndexOutOfBoundsException e) {
      refused(record, String.valueOf(e.getMessage()));
      return;
    }
    out.collect(row);
  }

  private EntityRow row(GenericRecord read) {
    @Nullable Object[] values = new Object[positions.length - ViewRead.HEADER];
    for (int f = ViewRead.HEADER; f < positions.length; f++) {
      Object value = read.get(positions[f]);
      values[f - ViewRead.HEADER] = view.isText(f) ? text(value) : number(value);
    }
    String witness = view.witness().feature();
    Object told = witness == null ? null : read.get(positions[view.indexOf(witness)]);
    return new EntityRow(
        String.valueOf(read.get(keyField)),
        new ViewRow(
            (Long) read.get(positions[ViewRead.TIME]),
            Positions.parse(String.valueOf(read.get(positions[ViewRead.POSITIONS]))),
            view.witness().allEmpty(told == null ? null : told.toString()),
            values));
  }

  private static @Nullable String text(@Nullable Object value) {
    return value == null ? null : value.toString();
  }

  private static @Nullable Double number(@Nullable Object value) {
    if (value instanceof Number number) {
      return number.doubleValue();
    }
    if (value instanceof Boolean truth) {
      return truth ? 1.0 : 0.0;
    }
    return null;
  }

  @Override
  public TypeInformation<EntityRow> getProducedType() {
    return EntityRow.TYPE;
  }

  private void refused(ConsumerRecord<byte[], byte[]> record, String why) {
    malformed.inc();
    LOG.error(
        "Cannot read a row from {}:{}:{}: {}; it is passed over",
        record.topic(),
        record.partition(),
        record.offset(),
        why);
  }
}
