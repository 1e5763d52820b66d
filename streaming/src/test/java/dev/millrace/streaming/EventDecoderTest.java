package dev.millrace.streaming;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.millrace.core.definition.Source;
import dev.millrace.schemas.SubjectRegistry;
import dev.millrace.schemas.WireFormat;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.Random;
import org.apache.avro.Schema;
import org.apache.avro.generic.GenericData;
import org.apache.avro.generic.GenericRecord;
import org.apache.flink.util.Collector;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.common.header.internals.RecordHeaders;
import org.apache.kafka.common.record.TimestampType;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

class EventDecoderTest {

  private static final long RECORD_TIME = 1_700_000_000_000L;

  private static final Schema SCHEMA =
      new Schema.Parser()
          .parse(
              """
              {"type": "record", "name": "Arrival", "fields": [
                {"name": "id", "type": "long"},
                {"name": "at", "type": {"type": "long", "logicalType": "timestamp-millis"}},
                {"name": "delay", "type": "double"},
                {"name": "unused", "type": "double", "default": 0},
                {"name": "origin", "type": ["null", "string"], "default": null}]}
              """);

  @Test
  void decodesAvro() throws Exception {
    Event event = event(decode(false, avro(7, 1_000, 2.5, 0, "JFK")));
    assertThat(event.id()).isEqualTo("7");
    assertThat(event.eventTimeMillis()).isEqualTo(1_000);
    assertThat(event.values()).containsExactly(7L, 1_000L, 2.5, 0.0, "JFK");
  }

  @Test
  void decodesJsonTypedByTheSchema() throws Exception {
    Event event =
        event(decode(true, text("{\"id\":7,\"at\":\"1970-01-01T00:00:01Z\",\"delay\":3,\"x\":1}")));
    assertThat(event.values()).containsExactly(7L, 1_000L, 3.0, 0.0, null);
  }

  @Test
  void namesTheReasonOfEveryLetter() throws Exception {
    byte[] good = avro(7, 1_000, 2.5, 0, "JFK");
    byte[] unknown = good.clone();
    unknown[4] = 99;
    assertThat(reason(false, null)).isEqualTo("MALFORMED");
    assertThat(reason(false, text("garbage"))).isEqualTo("MALFORMED");
    assertThat(reason(false, Arrays.copyOf(good, good.length - 3))).isEqualTo("MALFORMED");
    assertThat(reason(false, unknown)).isEqualTo("UNKNOWN_SCHEMA");
    assertThat(reason(false, avro(7, 1_000, Double.NaN, 0, "JFK"))).isEqualTo("NON_FINITE");
    assertThat(reason(false, avro(7, 1_000, Double.NEGATIVE_INFINITY, 0, "JFK")))
        .isEqualTo("NON_FINITE");
    assertThat(reason(false, avro(7, 4_070_908_800_000L, 2.5, 0, "JFK"))).isEqualTo("FUTURE");
    assertThat(reason(false, new byte[10 * 1024 * 1024])).isEqualTo("TOO_LARGE");
    assertThat(reason(false, avro(7, 1_000, -1, 0, "JFK"))).isEqualTo("delay_is_positive");
    assertThat(reason(true, text("{\"id\":7,"))).isEqualTo("MALFORMED");
    assertThat(reason(true, text("[]"))).isEqualTo("MALFORMED");
    assertThat(reason(true, text("{\"id\":7,\"at\":1000}"))).isEqualTo("MALFORMED");
    assertThat(reason(true, text("{\"id\":7,\"at\":1000,\"delay\":NaN}"))).isEqualTo("NON_FINITE");
    assertThat(reason(true, text("{\"id\":7,\"at\":\"soon\",\"delay\":1}"))).isEqualTo("MALFORMED");
  }

  @Test
  void takesAnInfiniteNumberThatNobodyUses() throws Exception {
    assertThat(event(decode(false, avro(7, 1_000, 2.5, Double.NaN, "JFK"))).id()).isEqualTo("7");
  }

  @Test
  void keepsTheFirst64KiBOfARecordThatIsTooLarge() throws Exception {
    DeadLetter letter = letter(decode(false, new byte[10 * 1024 * 1024]));
    assertThat(letter.value()).hasSize(64 * 1024);
    assertThat(letter.valueLength()).isEqualTo(10 * 1024 * 1024);
    assertThat(letter.recordKey()).isEqualTo("arrivals:2:33");
  }

  @Test
  void survivesEveryCorruptionOfARecord() throws Exception {
    Random random = new Random(3);
    byte[] good = avro(7, 1_000, 2.5, 0, "JFK");
    EventDecoder decoder = new EventDecoder(plan(false), TestingRegistry::new);
    open(decoder);
    for (int i = 0; i < 20_000; i++) {
      byte[] bytes = Arrays.copyOf(good, 6 + random.nextInt(good.length));
      for (int j = 0; j < 1 + random.nextInt(6); j++) {
        bytes[5 + random.nextInt(bytes.length - 5)] = (byte) random.nextInt();
      }
      OneCollector out = new OneCollector();
      decoder.deserialize(record(bytes), out);
      Inbound inbound = out.collected.get(0);
      assertThat(inbound.event() == null).isNotEqualTo(inbound.letter() == null);
    }
  }

  @Test
  void failsWhereTheRegistryCannotBeReached() {
    EventDecoder decoder =
        new EventDecoder(
            plan(false),
            () ->
                new TestingRegistry() {
                  @Override
                  public String schemaById(int id) throws IOException {
                    throw new IOException("connection refused");
                  }
                });
    open(decoder);
    assertThatThrownBy(
            () -> decoder.deserialize(record(avro(7, 1, 1, 1, "JFK")), new OneCollector()))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("connection refused");
  }

  @SuppressWarnings("NullAway") // The decoder does not look at the context.
  private static void open(EventDecoder decoder) {
    decoder.open(null);
  }

  private static String reason(boolean json, byte @Nullable [] value) throws Exception {
    return letter(decode(json, value)).reason();
  }

  private static DeadLetter letter(Inbound inbound) {
    assertThat(inbound.letter()).as("a letter, not %s", inbound.event()).isNotNull();
    return Objects.requireNonNull(inbound.letter());
  }

  private static Event event(Inbound inbound) {
    assertThat(inbound.event()).as("an event, not %s", inbound.letter()).isNotNull();
    return Objects.requireNonNull(inbound.event());
  }

  private static Inbound decode(boolean json, byte @Nullable [] value) throws Exception {
    EventDecoder decoder = new EventDecoder(plan(json), TestingRegistry::new);
    open(decoder);
    OneCollector out = new OneCollector();
    decoder.deserialize(record(value), out);
    assertThat(out.collected).hasSize(1);
    return out.collected.get(0);
  }

  private static ConsumerRecord<byte[], byte[]> record(byte @Nullable [] value) {
    return new ConsumerRecord<>(
        "arrivals",
        2,
        33,
        RECORD_TIME,
        TimestampType.LOG_APPEND_TIME,
        1,
        value == null ? -1 : value.length,
        new byte[] {1},
        value,
        new RecordHeaders(),
        Optional.empty());
  }

  private static SourcePlan plan(boolean json) {
    return new SourcePlan(
        "arrivals",
        "arrivals",
        json,
        SCHEMA,
        0,
        1,
        600_000,
        3_600_000,
        List.of(new Source.ContractRule("delay_is_positive", "delay >= 0.0")),
        List.of(2),
        "feature-pipeline");
  }

  private static byte[] avro(long id, long at, double delay, double unused, String origin) {
    GenericRecord record = new GenericData.Record(SCHEMA);
    record.put("id", id);
    record.put("at", at);
    record.put("delay", delay);
    record.put("unused", unused);
    record.put("origin", origin);
    return new WireFormat.Writer(1, SCHEMA).write(record);
  }

  private static byte[] text(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }

  /** Knows schema 1. */
  private static class TestingRegistry implements SubjectRegistry {
    @Override
    public int register(String subject, String schemaJson) {
      return 1;
    }

    @Override
    public String schemaById(int id) throws IOException {
      if (id != 1) {
        throw new UnknownSchemaException(id);
      }
      return SCHEMA.toString();
    }
  }

  private static final class OneCollector implements Collector<Inbound> {
    final List<Inbound> collected = new ArrayList<>();

    @Override
    public void collect(Inbound record) {
      collected.add(record);
    }

    @Override
    public void close() {}
  }
}
