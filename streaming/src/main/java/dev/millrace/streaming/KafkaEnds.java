package dev.millrace.streaming;

import dev.millrace.platform.Target;
import dev.millrace.platform.Topics;
import dev.millrace.schemas.Wire;
import dev.millrace.schemas.WireFormat;
import dev.millrace.streaming.transactions.BrokerCeiling;
import dev.millrace.streaming.transactions.LossCheckedSink;
import dev.millrace.streaming.transactions.TransactionTimeout;
import java.io.IOException;
import java.io.Serializable;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Properties;
import org.apache.avro.Schema;
import org.apache.avro.generic.GenericData;
import org.apache.avro.generic.GenericDatumWriter;
import org.apache.avro.generic.GenericRecord;
import org.apache.avro.io.DatumWriter;
import org.apache.avro.io.Encoder;
import org.apache.flink.api.common.eventtime.Watermark;
import org.apache.flink.api.common.eventtime.WatermarkGenerator;
import org.apache.flink.api.common.eventtime.WatermarkOutput;
import org.apache.flink.api.common.eventtime.WatermarkStrategy;
import org.apache.flink.connector.base.DeliveryGuarantee;
import org.apache.flink.connector.kafka.lineage.DefaultKafkaDatasetFacet;
import org.apache.flink.connector.kafka.lineage.DefaultKafkaDatasetIdentifier;
import org.apache.flink.connector.kafka.lineage.KafkaDatasetFacet;
import org.apache.flink.connector.kafka.lineage.KafkaDatasetFacetProvider;
import org.apache.flink.connector.kafka.sink.KafkaRecordSerializationSchema;
import org.apache.flink.connector.kafka.sink.KafkaSink;
import org.apache.flink.connector.kafka.sink.KafkaSinkBuilder;
import org.apache.flink.connector.kafka.sink.TransactionNamingStrategy;
import org.apache.flink.connector.kafka.source.KafkaSource;
import org.apache.flink.connector.kafka.source.KafkaSourceBuilder;
import org.apache.flink.connector.kafka.source.enumerator.initializer.OffsetsInitializer;
import org.apache.flink.streaming.api.datastream.DataStream;
import org.apache.flink.streaming.api.datastream.DataStreamSink;
import org.apache.flink.streaming.api.environment.CheckpointConfig;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.header.Header;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The Kafka ends of the jobs: how topics are read and written. */
public final class KafkaEnds {

  private static final Logger LOG = LoggerFactory.getLogger(KafkaEnds.class);

  private static final Duration IDLE_AFTER = Duration.ofSeconds(5);

  /**
   * Settings of a consumer that nobody waits for within milliseconds: it takes records in larger
   * portions, which costs broker and reader less.
   */
  public static final Map<String, String> BULK = portions(100);

  /** The same where half a second does not matter: an idle topic is asked twice a second. */
  public static final Map<String, String> PATIENT = portions(500);

  private static Map<String, String> portions(int waitMillis) {
    return Map.of(
        "fetch.min.bytes",
        String.valueOf(64 * 1024),
        "fetch.max.wait.ms",
        String.valueOf(waitMillis));
  }

  /** Records that are visible with a checkpoint may wait that long for their batch. */
  private static final String COMMITTED_LINGER_MILLIS = "100";

  /** Every record of a source, from the topic's start where the job has no state. */
  public static KafkaSource<Inbound> events(Target target, SourcePlan plan, String group) {
    return events(target, plan, group, Map.of());
  }

  /** The same with more settings of the consumer. */
  public static KafkaSource<Inbound> events(
      Target target, SourcePlan plan, String group, Map<String, String> settings) {
    return source(target, plan, group, settings).build();
  }

  /** Every record that the source's topic keeps now, and then the end. */
  public static KafkaSource<Inbound> keptEvents(Target target, SourcePlan plan, String group) {
    return source(target, plan, group, BULK).setBounded(OffsetsInitializer.latest()).build();
  }

  private static KafkaSourceBuilder<Inbound> source(
      Target target, SourcePlan plan, String group, Map<String, String> settings) {
    KafkaSourceBuilder<Inbound> builder =
        KafkaSource.<Inbound>builder()
            .setBootstrapServers(target.kafka())
            .setTopics(plan.topic())
            .setGroupId(group)
            .setClientIdPrefix(group + "-" + plan.name())
            .setStartingOffsets(OffsetsInitializer.earliest())
            .setDeserializer(new EventDecoder(plan, target.schemaRegistry()))
            .setProperty("isolation.level", "read_committed")
            .setProperty("register.consumer.jmx.mbeans", "false");
    settings.forEach(builder::setProperty);
    return builder;
  }

  /**
   * Watermarks per partition: the largest event time less {@code max-out-of-orderness}. Dead
   * letters do not count, so that one event of the year 2099 makes nothing late; a partition with
   * no records for some seconds does not hold time back.
   */
  public static WatermarkStrategy<Inbound> watermarks(SourcePlan plan) {
    return watermarks(plan, IDLE_AFTER);
  }

  /** The same, with another time after which a partition without records holds nothing back. */
  public static WatermarkStrategy<Inbound> watermarks(SourcePlan plan, Duration idleAfter) {
    long lagMillis = plan.maxOutOfOrdernessMillis();
    return WatermarkStrategy.<Inbound>forGenerator(context -> new EventTime(lagMillis))
        .withTimestampAssigner(
            (inbound, recordTimeMillis) ->
                inbound.event() == null ? recordTimeMillis : inbound.event().eventTimeMillis())
        .withIdleness(idleAfter);
  }

  /** Dead letters, at least once; the topic's readers take the first of each key and reason. */
  public static void writeDeadLetters(
      DataStream<DeadLetter> letters, Target target, String project, int schemaId) {
    String topic = Topics.deadLetters(project);
    letters
        .sinkTo(
            sink(
                    target,
                    topic,
                    schemaId,
                    Wire.DEAD_LETTER,
                    DeadLetter::recordKey,
                    KafkaEnds::letterRecord)
                .setDeliveryGuarantee(DeliveryGuarantee.AT_LEAST_ONCE)
                .build())
        .name("dead letters")
        .uid("dead-letters")
        .setParallelism(1);
  }

  /**
   * Writes elements exactly-once, under a prefix of transactional ids that no other sink of the
   * broker has. The caller gives the operator its name and uid.
   *
   * @throws IllegalArgumentException when no timeout of the transactions would do
   */
  public static <T> DataStreamSink<T> writeExactlyOnce(
      DataStream<T> elements,
      Target target,
      KafkaSinkBuilder<T> builder,
      String transactionalIdPrefix) {
    Map<String, String> environment = System.getenv();
    Duration timeout =
        transactionTimeout(
            elements.getExecutionEnvironment().getCheckpointConfig(),
            target,
            transactionalIdPrefix,
            environment);
    KafkaSink<T> sink =
        builder
            .setDeliveryGuarantee(DeliveryGuarantee.EXACTLY_ONCE)
            .setTransactionalIdPrefix(transactionalIdPrefix)
            .setTransactionNamingStrategy(TransactionNamingStrategy.POOLING)
            .setProperty("linger.ms", COMMITTED_LINGER_MILLIS)
            .setProperty("transaction.timeout.ms", String.valueOf(timeout.toMillis()))
            .build();
    String what =
        "transactions of %s (transaction timeout %s)"
            .formatted(transactionalIdPrefix, TransactionTimeout.text(timeout));
    return elements.sinkTo(LossCheckedSink.of(sink, target.kafka(), what, environment));
  }

  private static Duration transactionTimeout(
      CheckpointConfig checkpoints, Target target, String sink, Map<String, String> environment) {
    if (!checkpoints.isCheckpointingEnabled()) {
      throw new IllegalArgumentException(
          "Cannot start "
              + sink
              + ": its transactions are committed with checkpoints, and there are none; set execution.checkpointing.interval");
    }
    TransactionTimeout chosen =
        TransactionTimeout.of(
            sink,
            TransactionTimeout.asked(environment),
            new TransactionTimeout.Limits(
                Duration.ofMillis(checkpoints.getCheckpointInterval()),
                Duration.ofMillis(checkpoints.getCheckpointTimeout()),
                BrokerCeiling.of(target)));
    if (chosen.warning() != null) {
      LOG.warn(chosen.warning());
    }
    return chosen.timeout();
  }

  /** A sink that writes each element as one Avro record in the Confluent wire format. */
  public static <T> KafkaSinkBuilder<T> sink(
      Target target,
      String topic,
      int schemaId,
      Schema schema,
      KeyOf<T> keyOf,
      RecordOf<T> recordOf) {
    return sink(target, topic, schemaId, schema, keyOf, recordOf, element -> List.of());
  }

  /** The same, with headers beside the value. */
  public static <T> KafkaSinkBuilder<T> sink(
      Target target,
      String topic,
      int schemaId,
      Schema schema,
      KeyOf<T> keyOf,
      RecordOf<T> recordOf,
      HeadersOf<T> headersOf) {
    return sink(
        target,
        topic,
        schemaId,
        schema,
        keyOf,
        parsed -> new RecordWriter<>(recordOf, parsed),
        headersOf);
  }

  /** The same, with elements that are written as they are. */
  public static <T> KafkaSinkBuilder<T> sink(
      Target target,
      String topic,
      int schemaId,
      Schema schema,
      KeyOf<T> keyOf,
      WriterOf<T> writerOf,
      HeadersOf<T> headersOf) {
    Properties producer = new Properties();
    producer.put("acks", "all");
    producer.put("compression.type", "lz4");
    producer.put("linger.ms", "1");
    producer.put("batch.size", String.valueOf(128 * 1024));
    producer.put("max.request.size", String.valueOf(Topics.RECORD_BYTES_MAX));
    return KafkaSink.<T>builder()
        .setBootstrapServers(target.kafka())
        .setKafkaProducerConfig(producer)
        .setRecordSerializer(
            new Framed<>(topic, schemaId, schema.toString(), keyOf, writerOf, headersOf));
  }

  /** The record key of an element. */
  public interface KeyOf<T> extends Serializable {
    String of(T element);
  }

  /** The Avro record of an element. */
  public interface RecordOf<T> extends Serializable {
    GenericRecord of(T element, Schema schema);
  }

  /** Makes what writes elements in Avro. */
  public interface WriterOf<T> extends Serializable {
    DatumWriter<T> of(Schema schema);
  }

  /** What goes beside the value of an element. */
  public interface HeadersOf<T> extends Serializable {
    List<Header> of(T element);
  }

  private static GenericRecord letterRecord(DeadLetter letter, Schema schema) {
    GenericRecord record = new GenericData.Record(schema);
    record.put("source", letter.source());
    record.put("topic", letter.topic());
    record.put("partition", letter.partition());
    record.put("offset", letter.offset());
    record.put("reason", letter.reason());
    record.put("message", letter.message());
    record.put("stage", letter.stage());
    record.put("key", letter.key() == null ? null : ByteBuffer.wrap(letter.key()));
    record.put("value", letter.value() == null ? null : ByteBuffer.wrap(letter.value()));
    record.put("value_length", letter.valueLength());
    record.put("record_time", letter.recordTimeMillis());
    record.put("refused_at", System.currentTimeMillis());
    return record;
  }

  /** Writes elements as the records that are made of them. */
  private static final class RecordWriter<T> implements DatumWriter<T> {
    private final RecordOf<T> recordOf;
    private final GenericDatumWriter<GenericRecord> records = new GenericDatumWriter<>();
    private Schema schema;

    RecordWriter(RecordOf<T> recordOf, Schema schema) {
      this.recordOf = recordOf;
      this.schema = schema;
      records.setSchema(schema);
    }

    @Override
    public void setSchema(Schema other) {
      schema = other;
      records.setSchema(other);
    }

    @Override
    public void write(T element, Encoder out) throws IOException {
      records.write(recordOf.of(element, schema), out);
    }
  }

  /** Frames records; the Avro writer is made in the task. */
  private static final class Framed<T>
      implements KafkaRecordSerializationSchema<T>, KafkaDatasetFacetProvider {
    private static final long serialVersionUID = 1L;
    private final String topic;
    private final int schemaId;
    private final String schemaJson;
    private final KeyOf<T> keyOf;
    private final WriterOf<T> writerOf;
    private final HeadersOf<T> headersOf;
    private transient WireFormat.@Nullable Framer<T> framer;

    Framed(
        String topic,
        int schemaId,
        String schemaJson,
        KeyOf<T> keyOf,
        WriterOf<T> writerOf,
        HeadersOf<T> headersOf) {
      this.topic = topic;
      this.schemaId = schemaId;
      this.schemaJson = schemaJson;
      this.keyOf = keyOf;
      this.writerOf = writerOf;
      this.headersOf = headersOf;
    }

    /** Pooled transactions have to know which topics to look for left-over ones in. */
    @Override
    public Optional<KafkaDatasetFacet> getKafkaDatasetFacet() {
      return Optional.of(
          new DefaultKafkaDatasetFacet(
              DefaultKafkaDatasetIdentifier.ofTopics(List.of(topic)), new Properties()));
    }

    @Override
    public ProducerRecord<byte[], byte[]> serialize(
        T element, KafkaSinkContext context, Long timestamp) {
      WireFormat.Framer<T> open = framer;
      if (open == null) {
        open =
            new WireFormat.Framer<>(schemaId, writerOf.of(new Schema.Parser().parse(schemaJson)));
        framer = open;
      }
      return new ProducerRecord<>(
          topic,
          null,
          keyOf.of(element).getBytes(StandardCharsets.UTF_8),
          open.write(element),
          headersOf.of(element));
    }
  }

  /** The largest event time of one partition, less the lag. */
  private static final class EventTime implements WatermarkGenerator<Inbound> {
    private final long lagMillis;
    private long largestMillis;
    private boolean any;

    EventTime(long lagMillis) {
      this.lagMillis = lagMillis;
    }

    @Override
    public void onEvent(Inbound inbound, long timestampMillis, WatermarkOutput output) {
      Event event = inbound.event();
      if (event != null && (!any || event.eventTimeMillis() > largestMillis)) {
        largestMillis = event.eventTimeMillis();
        any = true;
      }
    }

    @Override
    public void onPeriodicEmit(WatermarkOutput output) {
      if (any) {
        output.emitWatermark(new Watermark(largestMillis - lagMillis - 1));
      }
    }
  }

  private KafkaEnds() {}
}
