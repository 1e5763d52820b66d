package dev.millrace.bench.peers;

import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtSession;
import dev.millrace.schemas.ConfluentSubjectRegistry;
import dev.millrace.schemas.Wire;
import dev.millrace.schemas.WireFormat;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apache.avro.Schema;
import org.apache.avro.generic.GenericData;
import org.apache.avro.generic.GenericRecord;
import org.apache.flink.api.common.eventtime.WatermarkStrategy;
import org.apache.flink.api.common.functions.OpenContext;
import org.apache.flink.api.common.functions.RichMapFunction;
import org.apache.flink.api.common.serialization.DeserializationSchema;
import org.apache.flink.api.common.serialization.SerializationSchema;
import org.apache.flink.api.common.typeinfo.PrimitiveArrayTypeInfo;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.connector.base.DeliveryGuarantee;
import org.apache.flink.connector.kafka.sink.KafkaRecordSerializationSchema;
import org.apache.flink.connector.kafka.sink.KafkaSink;
import org.apache.flink.connector.kafka.source.KafkaSource;
import org.apache.flink.connector.kafka.source.enumerator.initializer.OffsetsInitializer;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.jspecify.annotations.Nullable;
import redis.clients.jedis.Jedis;

/**
 * Scoring as a Flink job is first written: for each record one read of Redis, one tensor from a
 * {@code float[][]}, one run of the session, one record out.
 *
 * <p>What documentation advises is done: one session and one connection for each task, one thread
 * inside ONNX Runtime, object reuse, all operators in one chain, a fast Avro codec, batches and LZ4
 * in the producer, at-least-once with checkpoints as far apart as those of Millrace's job. The
 * record that goes out is the same.
 */
public final class RecordByRecord {

  private static final Duration CHECKPOINT_INTERVAL = Duration.ofSeconds(15);

  /**
   * What the job reads and writes.
   *
   * @param model path of the ONNX file
   * @param schema of the events, in Avro's JSON
   * @param features fields of the row in Redis, in the model's order; then come amount and age
   */
  public record Task(
      String kafka,
      String schemaRegistry,
      String redisHost,
      int redisPort,
      String model,
      String schema,
      int predictionSchemaId,
      List<String> features,
      String from,
      String to,
      int parallelism)
      implements java.io.Serializable {}

  /** Runs until it is killed. */
  public static void run(Task task, Path folder) throws Exception {
    Configuration configuration = new Configuration();
    configuration.setString("io.tmp.dirs", folder.resolve("tmp").toString());
    configuration.setString("execution.checkpointing.storage", "filesystem");
    configuration.setString(
        "execution.checkpointing.dir", folder.resolve("checkpoints").toUri().toString());
    configuration.setString("pipeline.object-reuse", "true");
    StreamExecutionEnvironment env =
        StreamExecutionEnvironment.createLocalEnvironment(task.parallelism(), configuration);
    env.enableCheckpointing(CHECKPOINT_INTERVAL.toMillis());
    KafkaSource<byte[]> source =
        KafkaSource.<byte[]>builder()
            .setBootstrapServers(task.kafka())
            .setTopics(task.from())
            .setGroupId("peer")
            .setStartingOffsets(OffsetsInitializer.earliest())
            .setValueOnlyDeserializer(new Bytes())
            .build();
    KafkaSink<byte[]> sink =
        KafkaSink.<byte[]>builder()
            .setBootstrapServers(task.kafka())
            .setProperty("compression.type", "lz4")
            .setProperty("linger.ms", "1")
            .setProperty("batch.size", String.valueOf(128 * 1024))
            .setRecordSerializer(
                KafkaRecordSerializationSchema.<byte[]>builder()
                    .setTopic(task.to())
                    .setValueSerializationSchema(new AsTheyAre())
                    .build())
            .setDeliveryGuarantee(DeliveryGuarantee.AT_LEAST_ONCE)
            .build();
    env.fromSource(source, WatermarkStrategy.noWatermarks(), "requests")
        .uid("requests")
        .map(new Score(task))
        .returns(PrimitiveArrayTypeInfo.BYTE_PRIMITIVE_ARRAY_TYPE_INFO)
        .name("score")
        .uid("score")
        .sinkTo(sink)
        .name("predictions")
        .uid("predictions");
    env.execute("record by record");
  }

  /** Bytes as they come. */
  private static final class Bytes implements DeserializationSchema<byte[]> {
    private static final long serialVersionUID = 1L;

    @Override
    public byte[] deserialize(byte[] message) {
      return message;
    }

    @Override
    public boolean isEndOfStream(byte[] next) {
      return false;
    }

    @Override
    public TypeInformation<byte[]> getProducedType() {
      return PrimitiveArrayTypeInfo.BYTE_PRIMITIVE_ARRAY_TYPE_INFO;
    }
  }

  /** The same the other way. */
  private static final class AsTheyAre implements SerializationSchema<byte[]> {
    private static final long serialVersionUID = 1L;

    @Override
    public byte[] serialize(byte[] element) {
      return element;
    }
  }

  private static final class Score extends RichMapFunction<byte[], byte[]> {
    private static final long serialVersionUID = 1L;
    private final Task task;
    private transient @Nullable Scorer scorer;

    Score(Task task) {
      this.task = task;
    }

    @Override
    public void open(OpenContext context) throws IOException {
      scorer = new Scorer(task);
    }

    @Override
    public byte[] map(byte[] value) throws Exception {
      Scorer open = scorer;
      if (open == null) {
        throw new IllegalStateException("Cannot score: the task was not opened");
      }
      return open.score(value);
    }

    @Override
    public void close() throws Exception {
      Scorer open = scorer;
      if (open != null) {
        open.close();
      }
    }
  }

  /** What a task keeps open. */
  private static final class Scorer implements AutoCloseable {
    private final String[] fields;
    private final WireFormat.Reader reader;
    private final WireFormat.Writer writer;
    private final Jedis redis;
    private final OrtEnvironment ort;
    private final OrtSession session;
    private final String input;
    private final Object role;

    Scorer(Task task) throws IOException {
      fields = task.features().toArray(String[]::new);
      reader =
          new WireFormat.Reader(
              new ConfluentSubjectRegistry(task.schemaRegistry()),
              new Schema.Parser().parse(task.schema()));
      writer = new WireFormat.Writer(task.predictionSchemaId(), Wire.PREDICTION);
      redis = new Jedis(task.redisHost(), task.redisPort());
      ort = OrtEnvironment.getEnvironment();
      try (OrtSession.SessionOptions options = new OrtSession.SessionOptions()) {
        options.setIntraOpNumThreads(1);
        options.setInterOpNumThreads(1);
        session = ort.createSession(Files.readAllBytes(Path.of(task.model())), options);
      } catch (OrtException e) {
        throw new IOException("Cannot load " + task.model(), e);
      }
      input = session.getInputNames().iterator().next();
      role = new GenericData.EnumSymbol(Wire.PREDICTION.getField("role").schema(), "CHAMPION");
    }

    byte[] score(byte[] value) throws Exception {
      GenericRecord event = reader.read(value);
      String customer = event.get("customer").toString();
      List<String> row =
          redis.hmget("features:{customer:" + customer + "}:customer_purchases", fields);
      float[][] values = new float[1][fields.length + 2];
      Map<String, @Nullable Double> inputs = new HashMap<>();
      for (int i = 0; i < fields.length; i++) {
        String text = row.get(i);
        values[0][i] = text == null ? Float.NaN : Float.parseFloat(text);
        inputs.put(fields[i], text == null ? null : Double.valueOf(text));
      }
      values[0][fields.length] = ((Double) event.get("amount")).floatValue();
      values[0][fields.length + 1] = ((Double) event.get("age")).floatValue();
      inputs.put("amount", (Double) event.get("amount"));
      inputs.put("age", (Double) event.get("age"));
      float score;
      try (OnnxTensor tensor = OnnxTensor.createTensor(ort, values);
          OrtSession.Result result = session.run(Map.of(input, tensor))) {
        score = ((float[][]) result.get(0).getValue())[0][0];
      }
      return writer.write(prediction(event, customer, score, inputs));
    }

    private GenericRecord prediction(
        GenericRecord event, String customer, float score, Map<String, @Nullable Double> inputs) {
      GenericRecord record = new GenericData.Record(Wire.PREDICTION);
      record.put("prediction_id", event.get("id").toString());
      record.put("event_id", event.get("id").toString());
      record.put("entity_keys", Map.of("customer", customer));
      record.put("event_time", event.get("at"));
      record.put("scored_at", System.currentTimeMillis());
      record.put("model", "scorer");
      record.put("version", 1);
      record.put("role", role);
      record.put("score", (double) score);
      record.put("inputs", inputs);
      record.put("freshness", Map.of("customer_purchases", "INCLUDED"));
      return record;
    }

    @Override
    public void close() throws OrtException {
      redis.close();
      session.close();
    }
  }

  private RecordByRecord() {}
}
