package dev.millrace.streaming;

import dev.millrace.schemas.ConfluentSubjectRegistry;
import dev.millrace.schemas.SubjectRegistry;
import dev.millrace.schemas.WireFormat;
import java.io.IOException;
import java.io.Serializable;
import java.util.HashMap;
import java.util.Map;
import org.apache.avro.AvroRuntimeException;
import org.apache.avro.Schema;
import org.apache.avro.SchemaParseException;
import org.apache.avro.generic.GenericDatumReader;
import org.apache.avro.generic.GenericRecord;
import org.apache.avro.io.BinaryDecoder;
import org.apache.avro.io.DecoderFactory;
import org.apache.flink.api.common.serialization.DeserializationSchema;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.connector.kafka.source.reader.deserializer.KafkaRecordDeserializationSchema;
import org.apache.flink.util.Collector;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.jspecify.annotations.Nullable;

/**
 * Turns one Kafka record into an event or a dead letter: it judges all that can be judged from the
 * record alone. It keeps one Avro reader per schema id, because setting a reader's schema anew for
 * each record costs more than the decoding.
 *
 * <p>Only what is wrong with the record becomes a letter. A schema registry that cannot be reached
 * fails the task: the record is read again after the restart.
 */
public final class EventDecoder implements KafkaRecordDeserializationSchema<Inbound> {

  private static final long serialVersionUID = 1L;

  /** Where schemas come from; a test brings its own. */
  public interface RegistryFactory extends Serializable {
    SubjectRegistry open();
  }

  private final SourcePlan plan;
  private final RegistryFactory registryFactory;

  private transient Decoding decoding;

  public EventDecoder(SourcePlan plan, String schemaRegistryUrl) {
    this(plan, () -> new ConfluentSubjectRegistry(schemaRegistryUrl));
  }

  @SuppressWarnings("NullAway.Init") // Flink calls open before the first record.
  public EventDecoder(SourcePlan plan, RegistryFactory registryFactory) {
    this.plan = plan;
    this.registryFactory = registryFactory;
  }

  @Override
  public void open(DeserializationSchema.InitializationContext context) {
    decoding = new Decoding(plan, registryFactory.open());
  }

  @Override
  public void deserialize(ConsumerRecord<byte[], byte[]> record, Collector<Inbound> out)
      throws IOException {
    out.collect(decoding.decode(record));
  }

  @Override
  public TypeInformation<Inbound> getProducedType() {
    return Serializers.INBOUND;
  }

  /**
   * How records of one schema are read.
   *
   * @param same null where they have to be resolved
   */
  private record Reading(
      @Nullable SameSchemaReader same, GenericDatumReader<GenericRecord> other) {}

  /** The state of one task's decoder. */
  private static final class Decoding {
    private final SourcePlan plan;
    private final SubjectRegistry registry;
    private final Map<Integer, Reading> readers = new HashMap<>();
    private final EventRules rules;
    private final JsonEvents json;
    private @Nullable BinaryDecoder binary;
    private @Nullable GenericRecord reused;

    Decoding(SourcePlan plan, SubjectRegistry registry) {
      this.plan = plan;
      this.registry = registry;
      this.json = new JsonEvents(plan.schema());
      this.rules = new EventRules(plan);
    }

    Inbound decode(ConsumerRecord<byte[], byte[]> record) throws IOException {
      byte[] value = record.value();
      if (value == null) {
        return letter(record, DeadLetter.Reason.MALFORMED, "the record has no value");
      }
      if (value.length > DeadLetter.RECORD_BYTES_MAX) {
        return letter(
            record,
            DeadLetter.Reason.TOO_LARGE,
            "the record has " + value.length + " bytes, at most 1048576 are taken");
      }
      @Nullable Object[] values;
      try {
        values = plan.json() ? json.decode(value) : avro(value);
      } catch (SubjectRegistry.UnknownSchemaException e) {
        return letter(record, DeadLetter.Reason.UNKNOWN_SCHEMA, message(e));
      } catch (JsonEvents.MalformedException e) {
        return letter(record, DeadLetter.Reason.MALFORMED, message(e));
      }
      return judge(record, values);
    }

    private @Nullable Object[] avro(byte[] value)
        throws IOException, JsonEvents.MalformedException {
      if (!WireFormat.framed(value)) {
        throw new JsonEvents.MalformedException(
            "the record does not begin with the magic byte and a schema id", null);
      }
      Reading reader = reader(WireFormat.schemaId(value));
      @Nullable Object[] values;
      try {
        binary =
            DecoderFactory.get()
                .binaryDecoder(
                    value, WireFormat.HEADER_BYTES, value.length - WireFormat.HEADER_BYTES, binary);
        values = reader.same == null ? resolved(reader.other, binary) : reader.same.read(binary);
        if (!binary.isEnd()) {
          throw new JsonEvents.MalformedException("bytes are left after the record", null);
        }
      } catch (IOException
          | AvroRuntimeException
          | IndexOutOfBoundsException
          | NegativeArraySizeException
          | UnsupportedOperationException
          | ClassCastException e) {
        // Whatever Avro's decoder throws on corrupt bytes says that they are corrupt.
        reused = null;
        throw new JsonEvents.MalformedException("the bytes are no " + plan.schema().getName(), e);
      }
      return values;
    }

    private @Nullable Object[] resolved(
        GenericDatumReader<GenericRecord> reader, BinaryDecoder from) throws IOException {
      GenericRecord decoded = reader.read(reused, from);
      reused = decoded;
      int fields = plan.schema().getFields().size();
      @Nullable Object[] values = new Object[fields];
      for (int i = 0; i < fields; i++) {
        values[i] = AvroValues.plain(decoded.get(i));
      }
      return values;
    }

    private Reading reader(int id) throws IOException, JsonEvents.MalformedException {
      Reading reader = readers.get(id);
      if (reader == null) {
        Schema written;
        try {
          written = new Schema.Parser().parse(registry.schemaById(id));
        } catch (SchemaParseException e) {
          throw new JsonEvents.MalformedException("schema id " + id + " is no Avro schema", e);
        }
        reader =
            VectorFields.of(plan.schema()).isEmpty()
                ? new Reading(null, new GenericDatumReader<>(written, plan.schema()))
                : new Reading(
                    SameSchemaReader.of(written, plan.schema()),
                    new VectorReader(written, plan.schema()));
        readers.put(id, reader);
      }
      return reader;
    }

    private Inbound judge(ConsumerRecord<byte[], byte[]> record, @Nullable Object[] values) {
      EventRules.Broken broken = rules.broken(values, record.timestamp(), "the record's time");
      if (broken != null) {
        return letter(record, broken.reason(), broken.message());
      }
      return Inbound.of(
          new Event(
              record.partition(),
              record.offset(),
              record.timestamp(),
              rules.eventTimeMillis(values),
              rules.id(values),
              values,
              record.key(),
              record.value()));
    }

    private Inbound letter(ConsumerRecord<byte[], byte[]> record, String reason, String message) {
      return Inbound.of(
          DeadLetter.of(
              plan.name(),
              record.topic(),
              record.partition(),
              record.offset(),
              record.timestamp(),
              reason,
              message,
              plan.stage(),
              record.key(),
              record.value()));
    }

    private static String message(Exception e) {
      Throwable cause = e.getCause();
      String own = String.valueOf(e.getMessage());
      return cause == null || cause.getMessage() == null ? own : own + ": " + cause.getMessage();
    }
  }
}
