package dev.millrace.drift;

import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.core.definition.Model;
import dev.millrace.core.definition.Project;
import dev.millrace.drift.audit.AuditSample;
import dev.millrace.platform.DefinitionsLog.Applied;
import dev.millrace.platform.DefinitionsLog.KeptView;
import dev.millrace.platform.DefinitionsLog.ViewIdentity;
import dev.millrace.platform.RunningViews;
import dev.millrace.schemas.SubjectRegistry;
import dev.millrace.schemas.Wire;
import dev.millrace.schemas.WireFormat;
import dev.millrace.streaming.Stamp;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apache.avro.generic.GenericData;
import org.apache.avro.generic.GenericRecord;
import org.apache.flink.api.common.serialization.DeserializationSchema;
import org.apache.flink.metrics.MetricGroup;
import org.apache.flink.metrics.groups.UnregisteredMetricsGroup;
import org.apache.flink.util.Collector;
import org.apache.flink.util.SimpleUserCodeClassLoader;
import org.apache.flink.util.UserCodeClassLoader;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

class ScoredDecoderTest {

  private static final int SCHEMA_ID = 7;

  @Test
  void readsWhatIsMeasuredAndTheHeaders() throws Exception {
    ConsumerRecord<byte[], byte[]> record = record("CHAMPION");
    record.headers().add(Stamp.HEADER, new Stamp(1, 2, 99).bytes());
    record.headers().add("millrace-shadows", "3,12".getBytes(StandardCharsets.US_ASCII));
    assertThat(decode(false, record))
        .singleElement()
        .satisfies(
            scored -> {
              assertThat(scored.eventId()).isEqualTo("e1");
              assertThat(scored.timeMillis()).isEqualTo(Payments.START);
              assertThat(scored.version()).isEqualTo(2);
              assertThat(scored.role()).isEqualTo(Role.CHAMPION);
              assertThat(scored.score()).isEqualTo(0.25);
              assertThat(scored.segments()).as("from the entity's key").containsExactly("web");
              assertThat(scored.shadows()).containsExactly(3, 12);
              assertThat(scored.inputs()).containsExactly(Double.NaN, 12.5);
              assertThat(scored.stamp()).isEqualTo(new Stamp(1, 2, 99));
            });
  }

  @Test
  void aHeaderTellsSegmentsThatNoKeyHas() throws Exception {
    ConsumerRecord<byte[], byte[]> record = record("CANARY");
    record.headers().add("millrace-segments", "phone".getBytes(StandardCharsets.UTF_8));
    assertThat(decode(false, record))
        .extracting(s -> s.segments()[0], Scored::role, Scored::stamp)
        .containsExactly(org.assertj.core.groups.Tuple.tuple("phone", Role.CANARY, null));
  }

  @Test
  void ofAShadowOnlyTheScoreIsRead() throws Exception {
    assertThat(decode(true, record("SHADOW")))
        .singleElement()
        .satisfies(
            scored -> {
              assertThat(scored.role()).isEqualTo(Role.SHADOW);
              assertThat(scored.score()).isEqualTo(0.25);
              assertThat(scored.inputs()).isEmpty();
              assertThat(scored.segments()).isEmpty();
            });
  }

  @Test
  void whatIsNoPredictionIsPassedOver() throws Exception {
    assertThat(decode(false, kafka(null))).isEmpty();
    assertThat(decode(false, kafka(new byte[] {1, 2, 3}))).isEmpty();
    assertThat(decode(false, kafka(new byte[] {0, 0, 0, 0, SCHEMA_ID, 50, 1}))).isEmpty();
    assertThat(decode(false, kafka(new byte[] {0, 0, 0, 0, 8, 50, 1}))).isEmpty();
  }

  @Test
  void ofTheSampleTheWholeRecordComesOut() throws Exception {
    ConsumerRecord<byte[], byte[]> record = record("CHAMPION");
    assertThat(decode(false, AuditSample.EMPTY, record)).extracting(Scored::sampled).containsNull();
    assertThat(decode(false, new AuditSample(1), record))
        .extracting(Scored::sampled)
        .containsExactly(record.value());
    assertThat(decode(true, new AuditSample(1), record("SHADOW")))
        .extracting(Scored::sampled)
        .containsNull();
  }

  @Test
  void theInputsOfVersionsOfEarlierDefinitionsAreReadToo() throws Exception {
    Project old = Payments.project(null, Model.Label.Repeat.LAST);
    Model was = old.models().get(0);
    Model now =
        new Model(
            was.name(),
            was.source(),
            was.features(),
            List.of(
                new Model.Input.OnDemand("amount", "amount"),
                new Model.Input.OnDemand("large", "amount > 100.0")),
            Double.NaN,
            Map.of("large", -2.0),
            was.maxFeatureWait(),
            was.execution(),
            was.decisions(),
            was.fallback(),
            was.delivery(),
            was.label(),
            was.training());
    Project project = Payments.project(now);
    RunningViews running =
        RunningViews.of(
            project,
            new Applied(
                "shop",
                2,
                0,
                Map.of(),
                List.of(new KeptView("channel_load", new ViewIdentity(1, "aaaaaaaaaaaa"), 1)),
                Map.of(),
                Map.of()),
            Map.of(1, old));
    DriftPlan plan = DriftPlan.of(project, now, running, DriftDetectorJob.STAGE);
    assertThat(plan.inputs()).containsExactly("amount", "large", "count_1h");
    assertThat(decode(plan, false, AuditSample.EMPTY, record("CHAMPION")))
        .singleElement()
        .satisfies(s -> assertThat(s.inputs()).containsExactly(12.5, -2.0, Double.NaN));
  }

  private static List<Scored> decode(boolean shadow, ConsumerRecord<byte[], byte[]> record)
      throws Exception {
    return decode(shadow, AuditSample.EMPTY, record);
  }

  private static List<Scored> decode(
      boolean shadow, AuditSample sample, ConsumerRecord<byte[], byte[]> record) throws Exception {
    return decode(Payments.plan(), shadow, sample, record);
  }

  private static List<Scored> decode(
      DriftPlan plan, boolean shadow, AuditSample sample, ConsumerRecord<byte[], byte[]> record)
      throws Exception {
    ScoredDecoder decoder = new ScoredDecoder(plan, shadow, sample, OneSchema::new);
    decoder.open(new Context());
    List<Scored> decoded = new ArrayList<>();
    decoder.deserialize(
        record,
        new Collector<>() {
          @Override
          public void collect(Scored scored) {
            decoded.add(scored);
          }

          @Override
          public void close() {}
        });
    return decoded;
  }

  private static ConsumerRecord<byte[], byte[]> record(String role) {
    GenericRecord record = new GenericData.Record(Wire.PREDICTION);
    record.put("prediction_id", "00112233445566778899aabbccddeeff");
    record.put("event_id", "e1");
    record.put("entity_keys", Map.of("channel", "web"));
    record.put("event_time", Payments.START);
    record.put("scored_at", 5L);
    record.put("model", "fraud_risk");
    record.put("version", 2);
    record.put("role", new GenericData.EnumSymbol(Wire.PREDICTION.getField("role").schema(), role));
    record.put("score", 0.25);
    Map<String, @Nullable Double> inputs = new HashMap<>();
    inputs.put("count_1h", null);
    inputs.put("amount", 12.5);
    record.put("inputs", inputs);
    record.put("freshness", Map.of("channel_load", "INCLUDED"));
    return kafka(new WireFormat.Writer(SCHEMA_ID, Wire.PREDICTION).write(record));
  }

  private static ConsumerRecord<byte[], byte[]> kafka(byte @Nullable [] value) {
    return new ConsumerRecord<>("shop.predictions.fraud_risk", 0, 0, null, value);
  }

  private static final class OneSchema implements SubjectRegistry {
    @Override
    public int register(String subject, String schema) {
      throw new AssertionError("a reader registers nothing");
    }

    @Override
    public String schemaById(int id) throws UnknownSchemaException {
      if (id != SCHEMA_ID) {
        throw new UnknownSchemaException(id);
      }
      return Wire.PREDICTION.toString();
    }
  }

  private static final class Context implements DeserializationSchema.InitializationContext {
    @Override
    public MetricGroup getMetricGroup() {
      return new UnregisteredMetricsGroup();
    }

    @Override
    public UserCodeClassLoader getUserCodeClassLoader() {
      return SimpleUserCodeClassLoader.create(ScoredDecoderTest.class.getClassLoader());
    }
  }
}
