package dev.millrace.inference;

import dev.millrace.schemas.ConfluentSubjectRegistry;
import dev.millrace.schemas.SubjectRegistry;
import dev.millrace.schemas.Wire;
import dev.millrace.schemas.WireFormat;
import java.io.EOFException;
import java.io.IOException;
import org.apache.avro.AvroRuntimeException;
import org.apache.flink.api.common.serialization.DeserializationSchema;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.connector.kafka.source.reader.deserializer.KafkaRecordDeserializationSchema;
import org.apache.flink.metrics.Counter;
import org.apache.flink.util.Collector;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Reads a topic of predictions. A record that somebody else put there and that is no prediction is
 * counted, logged and passed over; it stays on the topic.
 */
final class PredictionDecoder implements KafkaRecordDeserializationSchema<Prediction> {

  private static final long serialVersionUID = 1L;
  private static final Logger LOG = LoggerFactory.getLogger(PredictionDecoder.class);

  private final String schemaRegistry;
  private transient WireFormat.Reader reader;
  private transient Counter malformed;

  @SuppressWarnings("NullAway.Init") // Flink calls open before the first record.
  PredictionDecoder(String schemaRegistry) {
    this.schemaRegistry = schemaRegistry;
  }

  @Override
  public void open(DeserializationSchema.InitializationContext context) {
    reader = new WireFormat.Reader(new ConfluentSubjectRegistry(schemaRegistry), Wire.PREDICTION);
    malformed = context.getMetricGroup().counter("malformedPredictions");
  }

  @Override
  public void deserialize(ConsumerRecord<byte[], byte[]> record, Collector<Prediction> out)
      throws IOException {
    byte[] value = record.value();
    if (!WireFormat.framed(value)) {
      refused(record, "it does not begin with the magic byte and a schema id");
      return;
    }
    Prediction prediction;
    try {
      prediction = PredictionRecords.prediction(reader.read(value));
    } catch (SubjectRegistry.UnknownSchemaException
        | EOFException
        | AvroRuntimeException
        | IllegalArgumentException
        | IndexOutOfBoundsException e) {
      refused(record, String.valueOf(e.getMessage()));
      return;
    }
    out.collect(prediction);
  }

  @Override
  public TypeInformation<Prediction> getProducedType() {
    return PredictionSerializer.TYPE;
  }

  private void refused(ConsumerRecord<byte[], byte[]> record, String why) {
    malformed.inc();
    LOG.error(
        "Cannot read a prediction from {}:{}:{}: {}; it is passed over",
        record.topic(),
        record.partition(),
        record.offset(),
        why);
  }
}
