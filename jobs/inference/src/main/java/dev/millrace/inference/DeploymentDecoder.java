package dev.millrace.inference;

import dev.millrace.core.model.Deployment;
import dev.millrace.schemas.ConfluentSubjectRegistry;
import dev.millrace.schemas.SubjectRegistry;
import dev.millrace.schemas.Wire;
import dev.millrace.schemas.WireFormat;
import java.io.IOException;
import java.util.Optional;
import org.apache.avro.AvroRuntimeException;
import org.apache.flink.api.common.serialization.DeserializationSchema;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.connector.kafka.source.reader.deserializer.KafkaRecordDeserializationSchema;
import org.apache.flink.util.Collector;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Reads {@code models.deployments}. What is no deployment is logged and passed over, each time the
 * topic is read: whoever serves goes on.
 */
final class DeploymentDecoder implements KafkaRecordDeserializationSchema<DeploymentRecord> {

  private static final long serialVersionUID = 1L;
  private static final Logger LOG = LoggerFactory.getLogger(DeploymentDecoder.class);

  private final String schemaRegistry;
  private transient WireFormat.Reader reader;

  @SuppressWarnings("NullAway.Init") // Flink calls open before the first record.
  DeploymentDecoder(String schemaRegistry) {
    this.schemaRegistry = schemaRegistry;
  }

  @Override
  public void open(DeserializationSchema.InitializationContext context) {
    reader = reader(schemaRegistry);
  }

  @Override
  public void deserialize(ConsumerRecord<byte[], byte[]> record, Collector<DeploymentRecord> out)
      throws IOException {
    decode(reader, record).ifPresent(out::collect);
  }

  @Override
  public TypeInformation<DeploymentRecord> getProducedType() {
    return DeploymentRecord.TYPE;
  }

  static WireFormat.Reader reader(String schemaRegistry) {
    return new WireFormat.Reader(new ConfluentSubjectRegistry(schemaRegistry), Wire.DEPLOYMENT);
  }

  /**
   * The deployment of a record.
   *
   * @throws IOException where the schema registry cannot be reached
   */
  static Optional<DeploymentRecord> decode(
      WireFormat.Reader reader, ConsumerRecord<?, byte[]> record) throws IOException {
    byte[] value = record.value();
    if (!WireFormat.framed(value)) {
      return refused(record, "it does not begin with the magic byte and a schema id");
    }
    try {
      return Optional.of(
          new DeploymentRecord(
              Deployment.of(reader.read(value)), record.partition(), record.offset()));
    } catch (SubjectRegistry.UnknownSchemaException
        | WireFormat.UnreadableException
        | AvroRuntimeException
        | IllegalArgumentException
        | IndexOutOfBoundsException e) {
      return refused(record, String.valueOf(e.getMessage()));
    }
  }

  private static Optional<DeploymentRecord> refused(ConsumerRecord<?, byte[]> record, String why) {
    LOG.error(
        "Cannot read a deployment from {}:{}:{}: {}; it is passed over",
        record.topic(),
        record.partition(),
        record.offset(),
        why);
    return Optional.empty();
  }
}
