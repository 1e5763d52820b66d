package dev.millrace.streaming;

import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.core.row.Numbers;
import dev.millrace.schemas.SubjectRegistry;
import dev.millrace.schemas.WireFormat;
import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.Random;
import org.apache.avro.Schema;
import org.apache.avro.generic.GenericData;
import org.apache.avro.generic.GenericDatumReader;
import org.apache.avro.generic.GenericDatumWriter;
import org.apache.avro.generic.GenericRecord;
import org.apache.avro.io.DecoderFactory;
import org.apache.avro.io.Encoder;
import org.apache.avro.io.EncoderFactory;
import org.apache.flink.core.memory.DataInputDeserializer;
import org.apache.flink.core.memory.DataOutputSerializer;
import org.apache.flink.table.data.GenericRowData;
import org.apache.flink.table.data.StringData;
import org.apache.flink.table.types.logical.BigIntType;
import org.apache.flink.table.types.logical.LogicalType;
import org.apache.flink.table.types.logical.RowType;
import org.apache.flink.table.types.logical.VarCharType;
import org.apache.flink.util.Collector;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.common.header.internals.RecordHeaders;
import org.apache.kafka.common.record.TimestampType;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** Arrays of numbers on their way from a record to a task and back from the archive. */
class VectorsTest {

  private static final Schema SCHEMA =
      new Schema.Parser()
          .parse(
              """
              {"type": "record", "name": "Photo", "fields": [
                {"name": "id", "type": "long"},
                {"name": "at", "type": {"type": "long", "logicalType": "timestamp-millis"}},
                {"name": "floats", "type": {"type": "array", "items": "float"}},
                {"name": "doubles", "type": ["null", {"type": "array", "items": "double"}]},
                {"name": "ints", "type": {"type": "array", "items": "int"}, "default": []},
                {"name": "longs", "type": {"type": "array", "items": "long"}, "default": []},
                {"name": "gaps", "default": [],
                 "type": {"type": "array", "items": ["null", "float"]}},
                {"name": "tags", "type": {"type": "array", "items": "string"}, "default": []}]}
              """);

  @Test
  void avroIsReadAsAvrosOwnReaderDoes() throws Exception {
    Random random = new Random(3);
    for (int i = 0; i < 200; i++) {
      GenericRecord record = photo(random);
      boolean blocks = random.nextBoolean();
      byte[] avro = avro(record, blocks);
      GenericRecord expected =
          new GenericDatumReader<GenericRecord>(SCHEMA)
              .read(
                  null,
                  DecoderFactory.get()
                      .binaryDecoder(
                          avro,
                          WireFormat.HEADER_BYTES,
                          avro.length - WireFormat.HEADER_BYTES,
                          null));
      @Nullable Object[] values = event(false, avro).values();
      for (int field = 2; field < values.length; field++) {
        assertThat(String.valueOf(values[field])).isEqualTo(String.valueOf(expected.get(field)));
      }
      assertThat(values[2]).isInstanceOf(Numbers.Floats.class);
      assertThat(values[5]).isInstanceOf(Numbers.Longs.class);
      assertThat(values[6]).isNotInstanceOf(Numbers.class);
    }
  }

  @Test
  void anEventOfAnEarlierSchemaIsReadTheSame() throws Exception {
    Schema earlier =
        new Schema.Parser()
            .parse(SCHEMA.toString().replace("\"items\":\"float\"", "\"items\":\"int\""));
    GenericRecord record = photo(new Random(7));
    record.put("floats", List.of(1f, 2f));
    GenericRecord before = new GenericData.Record(earlier);
    earlier.getFields().forEach(field -> before.put(field.pos(), record.get(field.name())));
    before.put("floats", List.of(1, 2));
    byte[] avro = new WireFormat.Writer(1, earlier).write(before);
    assertThat(Objects.requireNonNull(decode(false, avro, earlier).event()).values())
        .isEqualTo(event(false, avro(record, false)).values());
  }

  @Test
  void jsonIsReadTheSame() throws Exception {
    Random random = new Random(4);
    for (int i = 0; i < 200; i++) {
      GenericRecord record = photo(random);
      Event avro = event(false, avro(record, false));
      Event json = event(true, record.toString().getBytes(StandardCharsets.UTF_8));
      assertThat(json.values()).isEqualTo(avro.values());
      assertThat(json.values()[2]).isInstanceOf(Numbers.Floats.class);
    }
  }

  @Test
  void whatIsNoVectorInJsonIsSaid() throws Exception {
    assertThat(letter("\"floats\":[1,\"a\"]").message())
        .contains("floats is \"a\", expected FLOAT");
    assertThat(letter("\"floats\":[1,null]").message()).contains("floats is null, expected FLOAT");
    assertThat(letter("\"floats\":[[1]]").message()).contains("floats is [1], expected FLOAT");
    assertThat(letter("\"floats\":1").message()).contains("floats is 1, expected ARRAY");
    assertThat(letter("\"floats\":[1],\"ints\":[1.5]").message()).contains("ints is 1.5");
    assertThat(letter("\"floats\":[1],\"ints\":[2147483648]").message()).contains("ints is 2147");
    assertThat(letter("\"floats\":[1],\"floats\":[1]").message()).contains("no JSON");
    assertThat(letter("\"floats\":[1}").message()).contains("no JSON");
    assertThat(letter("\"floats\":[1]}, {\"a\": 1").reason()).isEqualTo("MALFORMED");
    DeadLetter infinite = letter("\"floats\":[1,NaN]");
    assertThat(infinite.reason()).isEqualTo("NON_FINITE");
    assertThat(infinite.message())
        .isEqualTo("floats is a vector whose value 1 is NaN, a finite number is needed");
  }

  @Test
  void aCorruptLengthIsALetter() throws Exception {
    byte[] avro = avro(photo(new Random(5)), false);
    for (int cut = WireFormat.HEADER_BYTES + 1; cut < avro.length; cut++) {
      assertThat(decode(false, Arrays.copyOf(avro, cut)).letter()).isNotNull();
    }
  }

  @Test
  void tasksAndTheArchiveKeepThem() throws Exception {
    Random random = new Random(6);
    ArchivedFields archived =
        new ArchivedFields(
            "photos",
            SCHEMA,
            List.of("id", "floats", "doubles", "longs"),
            RowType.of(
                new LogicalType[] {
                  new BigIntType(), new VarCharType(), new VarCharType(), new VarCharType()
                },
                new String[] {"id", "floats", "doubles", "longs"}));
    for (int i = 0; i < 100; i++) {
      Event event = event(false, avro(photo(random), false));
      DataOutputSerializer out = new DataOutputSerializer(64);
      Serializers.EVENT_SERIALIZER.serialize(event, out);
      Event copy =
          Serializers.EVENT_SERIALIZER.deserialize(
              new DataInputDeserializer(out.getCopyOfBuffer()));
      assertThat(copy.values()).isEqualTo(event.values());
      assertThat(copy.values()[2]).isInstanceOf(Numbers.Floats.class);
      @Nullable Object[] back =
          archived.of(
              GenericRowData.of(
                  event.values()[0],
                  text(event.values()[2]),
                  text(event.values()[3]),
                  text(event.values()[5])));
      assertThat(back[2]).isEqualTo(event.values()[2]).isInstanceOf(Numbers.Floats.class);
      assertThat(back[3]).isEqualTo(event.values()[3]);
      assertThat(back[5]).isEqualTo(event.values()[5]);
    }
  }

  private static @Nullable StringData text(@Nullable Object value) {
    return value == null ? null : StringData.fromString(String.valueOf(value));
  }

  private static GenericRecord photo(Random random) {
    GenericRecord record = new GenericData.Record(SCHEMA);
    record.put("id", random.nextLong());
    record.put("at", 1_000L);
    List<Float> floats = new ArrayList<>();
    List<Integer> ints = new ArrayList<>();
    List<Long> longs = new ArrayList<>();
    List<Double> doubles = new ArrayList<>();
    List<@Nullable Float> gaps = new ArrayList<>();
    for (int i = random.nextInt(40); i > 0; i--) {
      floats.add((float) random.nextGaussian());
      ints.add(random.nextInt());
      longs.add(random.nextLong());
      doubles.add(random.nextGaussian() * 1e9);
      gaps.add(random.nextBoolean() ? null : 1f);
    }
    record.put("floats", floats);
    record.put("doubles", random.nextInt(4) == 0 ? null : doubles);
    record.put("ints", ints);
    record.put("longs", longs);
    record.put("gaps", gaps);
    record.put("tags", List.of("a"));
    return record;
  }

  /** With arrays in one block, or in several. */
  private static byte[] avro(GenericRecord record, boolean blocks) throws Exception {
    if (!blocks) {
      return new WireFormat.Writer(1, SCHEMA).write(record);
    }
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    out.writeBytes(new byte[] {0, 0, 0, 0, 1});
    Encoder encoder = new EncoderFactory().configureBlockSize(64).blockingBinaryEncoder(out, null);
    new GenericDatumWriter<GenericRecord>(SCHEMA).write(record, encoder);
    encoder.flush();
    return out.toByteArray();
  }

  private static DeadLetter letter(String fields) throws Exception {
    String json = "{\"id\":1,\"at\":1000,\"doubles\":null," + fields + "}";
    return Objects.requireNonNull(
        decode(true, json.getBytes(StandardCharsets.UTF_8)).letter(), json);
  }

  private static Event event(boolean json, byte[] value) throws Exception {
    return Objects.requireNonNull(decode(json, value).event());
  }

  private static Inbound decode(boolean json, byte[] value) throws Exception {
    return decode(json, value, SCHEMA);
  }

  @SuppressWarnings("NullAway") // The decoder does not look at the context.
  private static Inbound decode(boolean json, byte[] value, Schema written) throws Exception {
    SourcePlan plan =
        new SourcePlan(
            "photos", "photos", json, SCHEMA, 0, 1, 10_000, 3_600_000, List.of(), List.of(2), "t");
    EventDecoder decoder = new EventDecoder(plan, () -> new OneSchema(written));
    decoder.open(null);
    List<Inbound> out = new ArrayList<>();
    decoder.deserialize(
        new ConsumerRecord<>(
            "photos",
            0,
            0,
            1_000,
            TimestampType.LOG_APPEND_TIME,
            0,
            value.length,
            new byte[0],
            value,
            new RecordHeaders(),
            Optional.empty()),
        new Collector<>() {
          @Override
          public void collect(Inbound inbound) {
            out.add(inbound);
          }

          @Override
          public void close() {}
        });
    return out.get(0);
  }

  private record OneSchema(Schema written) implements SubjectRegistry {
    @Override
    public int register(String subject, String schemaJson) {
      throw new UnsupportedOperationException("Cannot register a schema here");
    }

    @Override
    public String schemaById(int id) {
      return written.toString();
    }
  }
}
