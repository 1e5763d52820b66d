package dev.millrace.retrain;

import dev.millrace.core.model.LifecycleEntry;
import dev.millrace.core.retrain.Drifted;
import dev.millrace.core.rollout.Measured;
import dev.millrace.schemas.ConfluentSubjectRegistry;
import dev.millrace.schemas.SubjectRegistry;
import dev.millrace.schemas.Wire;
import dev.millrace.schemas.WireFormat;
import java.io.IOException;
import java.util.Optional;
import java.util.Set;
import org.apache.avro.AvroRuntimeException;
import org.apache.avro.Schema;
import org.apache.avro.generic.GenericRecord;
import org.apache.flink.api.common.serialization.DeserializationSchema;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.connector.kafka.source.reader.deserializer.KafkaRecordDeserializationSchema;
import org.apache.flink.util.Collector;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Reads drift, performance or the registry's journal, and of them what decisions are made of:
 * windows that drifted and measures over all events, of the project's models. What cannot be read
 * is logged and passed over.
 */
final class SeenDecoder implements KafkaRecordDeserializationSchema<Seen> {

  private static final long serialVersionUID = 1L;
  private static final Logger LOG = LoggerFactory.getLogger(SeenDecoder.class);

  /** Which topic it reads. */
  enum Kind {
    DRIFT,
    PERFORMANCE,
    LIFECYCLE
  }

  private final Kind kind;
  private final Set<String> models;
  private final String schemaRegistry;
  private transient WireFormat.Reader reader;

  @SuppressWarnings("NullAway.Init") // Flink calls open before the first record.
  SeenDecoder(Kind kind, Set<String> models, String schemaRegistry) {
    this.kind = kind;
    this.models = Set.copyOf(models);
    this.schemaRegistry = schemaRegistry;
  }

  @Override
  public void open(DeserializationSchema.InitializationContext context) {
    reader = new WireFormat.Reader(new ConfluentSubjectRegistry(schemaRegistry), schema(kind));
  }

  @Override
  public void deserialize(ConsumerRecord<byte[], byte[]> record, Collector<Seen> out)
      throws IOException {
    byte[] value = record.value();
    if (!WireFormat.framed(value)) {
      refused(record, "it does not begin with the magic byte and a schema id");
      return;
    }
    try {
      seen(kind, models, reader.read(value)).ifPresent(out::collect);
    } catch (SubjectRegistry.UnknownSchemaException
        | WireFormat.UnreadableException
        | AvroRuntimeException
        | IllegalArgumentException
        | IndexOutOfBoundsException e) {
      refused(record, String.valueOf(e.getMessage()));
    }
  }

  @Override
  public TypeInformation<Seen> getProducedType() {
    return Seen.TYPE;
  }

  /** What decisions are made of; empty where a record is none of it. */
  static Optional<Seen> seen(Kind kind, Set<String> models, GenericRecord record) {
    if (!models.contains(String.valueOf(record.get("model")))) {
      return Optional.empty();
    }
    return switch (kind) {
      case DRIFT -> Optional.ofNullable(Drifted.of(record)).map(Seen.OfDrift::new);
      case PERFORMANCE -> {
        Measured measured = Measured.of(record);
        yield measured.segment() == null
            ? Optional.of(new Seen.OfPerformance(measured))
            : Optional.empty();
      }
      case LIFECYCLE -> {
        LifecycleEntry entry = LifecycleEntry.of(record);
        yield entry.kind() == LifecycleEntry.Kind.EVENT
            ? Optional.of(new Seen.OfLifecycle(entry))
            : Optional.empty();
      }
    };
  }

  private static Schema schema(Kind kind) {
    return switch (kind) {
      case DRIFT -> Wire.DRIFT;
      case PERFORMANCE -> Wire.PERFORMANCE;
      case LIFECYCLE -> Wire.LIFECYCLE;
    };
  }

  private static void refused(ConsumerRecord<?, ?> record, String why) {
    LOG.error(
        "Cannot read {}:{}:{}: {}; it is passed over",
        record.topic(),
        record.partition(),
        record.offset(),
        why);
  }
}
