package dev.millrace.drift;

import dev.millrace.drift.audit.AuditSample;
import dev.millrace.schemas.ConfluentSubjectRegistry;
import dev.millrace.schemas.SubjectRegistry;
import dev.millrace.schemas.Wire;
import dev.millrace.schemas.WireFormat;
import dev.millrace.streaming.Stamp;
import java.io.IOException;
import java.io.Serializable;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.apache.avro.AvroRuntimeException;
import org.apache.avro.Schema;
import org.apache.avro.generic.GenericRecord;
import org.apache.avro.util.Utf8;
import org.apache.flink.api.common.serialization.DeserializationSchema;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.connector.kafka.source.reader.deserializer.KafkaRecordDeserializationSchema;
import org.apache.flink.metrics.Counter;
import org.apache.flink.util.Collector;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.common.header.Header;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Reads a topic of predictions, and of each only what is measured: the reader's schema leaves the
 * other fields out, so that Avro skips them. A record that is no prediction is counted, logged and
 * passed over; it stays on the topic.
 */
final class ScoredDecoder implements KafkaRecordDeserializationSchema<Scored> {

  /** The versions whose scores of the same event are on the shadows topic, joined by commas. */
  static final String SHADOWS_HEADER = "millrace-shadows";

  /** The values of the model's segments, in order, joined by U+001F; an empty one is null. */
  static final String SEGMENTS_HEADER = "millrace-segments";

  private static final long serialVersionUID = 1L;
  private static final Logger LOG = LoggerFactory.getLogger(ScoredDecoder.class);

  /** Where schemas come from; a test brings its own. */
  interface RegistryFactory extends Serializable {
    SubjectRegistry open();
  }

  private final DriftPlan plan;
  private final boolean shadow;
  private final AuditSample sample;
  private final RegistryFactory registryFactory;
  private transient WireFormat.Reader reader;
  private transient Utf8[] inputNames;
  private transient Counter malformed;
  private transient Counter unstamped;

  ScoredDecoder(DriftPlan plan, boolean shadow, AuditSample sample, String schemaRegistry) {
    this(plan, shadow, sample, () -> new ConfluentSubjectRegistry(schemaRegistry));
  }

  /** Of served predictions, those of the sample come out with their whole record. */
  @SuppressWarnings("NullAway.Init") // Flink calls open before the first record.
  ScoredDecoder(
      DriftPlan plan, boolean shadow, AuditSample sample, RegistryFactory registryFactory) {
    this.plan = plan;
    this.shadow = shadow;
    this.sample = sample;
    this.registryFactory = registryFactory;
  }

  @Override
  public void open(DeserializationSchema.InitializationContext context) {
    reader = new WireFormat.Reader(registryFactory.open(), schema());
    inputNames = plan.inputs().stream().map(Utf8::new).toArray(Utf8[]::new);
    malformed = context.getMetricGroup().counter("malformedPredictions");
    unstamped = context.getMetricGroup().counter("unstampedPredictions");
  }

  /** The prediction's schema with the fields that are read. */
  private Schema schema() {
    List<String> names =
        new ArrayList<>(List.of("event_id", "event_time", "version", "role", "score"));
    if (!shadow) {
      names.add("inputs");
      if (!sample.isEmpty()) {
        names.add("prediction_id");
      }
      if (plan.segments().stream().anyMatch(s -> s.entity() != null)) {
        names.add("entity_keys");
      }
    }
    List<Schema.Field> fields = new ArrayList<>();
    for (Schema.Field field : Wire.PREDICTION.getFields()) {
      if (names.contains(field.name())) {
        fields.add(new Schema.Field(field, field.schema()));
      }
    }
    return Schema.createRecord(
        Wire.PREDICTION.getName(), null, Wire.PREDICTION.getNamespace(), false, fields);
  }

  @Override
  public void deserialize(ConsumerRecord<byte[], byte[]> record, Collector<Scored> out)
      throws IOException {
    byte[] value = record.value();
    if (!WireFormat.framed(value)) {
      refused(record, "it does not begin with the magic byte and a schema id");
      return;
    }
    Scored scored;
    try {
      scored = scored(reader.read(value), record);
    } catch (SubjectRegistry.UnknownSchemaException
        | WireFormat.UnreadableException
        | AvroRuntimeException
        | IllegalArgumentException
        | IndexOutOfBoundsException e) {
      refused(record, String.valueOf(e.getMessage()));
      return;
    }
    out.collect(scored);
  }

  private Scored scored(GenericRecord prediction, ConsumerRecord<byte[], byte[]> record) {
    Stamp stamp = Stamp.parse(header(record, Stamp.HEADER));
    if (stamp == null && !shadow) {
      unstamped.inc();
    }
    return new Scored(
        prediction.get("event_id").toString(),
        (Long) prediction.get("event_time"),
        (Integer) prediction.get("version"),
        shadow ? Role.SHADOW : Role.valueOf(prediction.get("role").toString()),
        (Double) prediction.get("score"),
        shadow ? Scored.NO_SEGMENTS : segments(prediction, record),
        shadow ? Scored.NO_VERSIONS : versions(header(record, SHADOWS_HEADER)),
        shadow ? Scored.NO_INPUTS : inputs((Map<?, ?>) prediction.get("inputs")),
        Scored.NO_BINS,
        sampled(prediction, record.value()),
        stamp);
  }

  private byte @Nullable [] sampled(GenericRecord prediction, byte[] value) {
    return !shadow && !sample.isEmpty() && sample.takes(prediction.get("prediction_id").toString())
        ? value
        : null;
  }

  private double[] inputs(Map<?, ?> byName) {
    double[] inputs = new double[inputNames.length];
    for (int i = 0; i < inputs.length; i++) {
      inputs[i] =
          byName.get(inputNames[i]) instanceof Double number ? number : plan.missing().get(i);
    }
    return inputs;
  }

  private @Nullable String[] segments(
      GenericRecord prediction, ConsumerRecord<byte[], byte[]> record) {
    if (plan.segments().isEmpty()) {
      return Scored.NO_SEGMENTS;
    }
    byte[] header = header(record, SEGMENTS_HEADER);
    String[] told =
        header == null ? null : new String(header, StandardCharsets.UTF_8).split("\u001f", -1);
    @Nullable String[] segments = new String[plan.segments().size()];
    for (int i = 0; i < segments.length; i++) {
      DriftPlan.Segment segment = plan.segments().get(i);
      if (told != null && told.length == segments.length) {
        segments[i] = told[i].isEmpty() ? null : told[i];
      } else if (segment.entity() != null) {
        Object keys = ((Map<?, ?>) prediction.get("entity_keys")).get(new Utf8(segment.entity()));
        String[] parts = keys == null ? new String[0] : keys.toString().split("~", -1);
        segments[i] = segment.position() < parts.length ? parts[segment.position()] : null;
      }
    }
    return segments;
  }

  private static int[] versions(byte @Nullable [] header) {
    if (header == null || header.length == 0) {
      return Scored.NO_VERSIONS;
    }
    String[] texts = new String(header, StandardCharsets.US_ASCII).split(",", -1);
    int[] versions = new int[texts.length];
    for (int i = 0; i < versions.length; i++) {
      versions[i] = Integer.parseInt(texts[i]);
    }
    return versions;
  }

  private static byte @Nullable [] header(ConsumerRecord<byte[], byte[]> record, String name) {
    Header header = record.headers().lastHeader(name);
    return header == null ? null : header.value();
  }

  @Override
  public TypeInformation<Scored> getProducedType() {
    return Scored.TYPE;
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
