package dev.millrace.inference;

import dev.millrace.schemas.ConfluentSubjectRegistry;
import dev.millrace.schemas.SubjectRegistry;
import dev.millrace.schemas.Wire;
import dev.millrace.schemas.WireFormat;
import java.io.IOException;
import org.apache.avro.AvroRuntimeException;
import org.apache.flink.api.common.functions.OpenContext;
import org.apache.flink.api.common.functions.RichFlatMapFunction;
import org.apache.flink.metrics.Counter;
import org.apache.flink.util.Collector;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Reads records of a topic of predictions. A record that somebody else put there and that is no
 * prediction is counted, logged and passed over; it stays on the topic.
 */
final class PredictionDecoder extends RichFlatMapFunction<RawPrediction, Prediction> {

  private static final long serialVersionUID = 1L;
  private static final Logger LOG = LoggerFactory.getLogger(PredictionDecoder.class);

  private final String topic;
  private final String schemaRegistry;
  private transient WireFormat.ReaderOf<Prediction> reader;
  private transient Counter malformed;

  @SuppressWarnings("NullAway.Init") // Flink calls open before the first record.
  PredictionDecoder(String topic, String schemaRegistry) {
    this.topic = topic;
    this.schemaRegistry = schemaRegistry;
  }

  @Override
  public void open(OpenContext context) {
    reader =
        new WireFormat.ReaderOf<>(
            new ConfluentSubjectRegistry(schemaRegistry),
            Wire.PREDICTION.getName(),
            PredictionReader::of);
    malformed = getRuntimeContext().getMetricGroup().counter("malformedPredictions");
  }

  @Override
  public void flatMap(RawPrediction raw, Collector<Prediction> out) throws IOException {
    if (!WireFormat.framed(raw.value())) {
      refused("it does not begin with the magic byte and a schema id");
      return;
    }
    Prediction prediction;
    try {
      prediction = reader.read(raw.value());
    } catch (SubjectRegistry.UnknownSchemaException
        | WireFormat.UnreadableException
        | AvroRuntimeException
        | IllegalArgumentException
        | IndexOutOfBoundsException e) {
      refused(String.valueOf(e.getMessage()));
      return;
    }
    out.collect(prediction);
  }

  private void refused(String why) {
    malformed.inc();
    LOG.error("Cannot read a prediction of {}: {}; it is passed over", topic, why);
  }
}
