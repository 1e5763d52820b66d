package dev.millrace.inference;

import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.core.row.Positions;
import dev.millrace.platform.Warehouse;
import dev.millrace.schemas.Wire;
import dev.millrace.schemas.WireFormat;
import java.io.ByteArrayOutputStream;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.apache.avro.Schema;
import org.apache.avro.generic.GenericData;
import org.apache.avro.generic.GenericDatumReader;
import org.apache.avro.generic.GenericRecord;
import org.apache.avro.io.BinaryDecoder;
import org.apache.avro.io.DatumReader;
import org.apache.avro.io.DecoderFactory;
import org.apache.avro.io.Encoder;
import org.apache.avro.io.EncoderFactory;
import org.apache.flink.core.memory.DataInputDeserializer;
import org.apache.flink.core.memory.DataOutputSerializer;
import org.apache.flink.table.data.MapData;
import org.apache.flink.table.data.RowData;
import org.apache.flink.table.data.StringData;
import org.apache.flink.table.types.logical.RowType;
import org.apache.iceberg.flink.FlinkSchemaUtil;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

class PredictionRecordsTest {

  @Test
  void aPredictionComesBackFromItsTopic() throws Exception {
    for (Prediction prediction : List.of(full(), bare())) {
      byte[] bytes =
          new WireFormat.Writer(7, Wire.PREDICTION)
              .write(PredictionRecords.record(prediction, Wire.PREDICTION));
      GenericRecord read =
          new GenericDatumReader<GenericRecord>(Wire.PREDICTION).read(null, behindHeader(bytes));
      assertThat(PredictionRecords.prediction(read)).isEqualTo(prediction);
    }
  }

  /** The record, which Avro's own writer writes, is the other implementation. */
  @Test
  void whatIsWrittenWithoutARecordAreTheBytesOfTheRecord() throws Exception {
    WireFormat.Writer records = new WireFormat.Writer(7, Wire.PREDICTION);
    WireFormat.Framer<Prediction> direct =
        new WireFormat.Framer<>(
            7, new PredictionWriter<Prediction>(Wire.PREDICTION, prediction -> prediction));
    List<Prediction> predictions = new ArrayList<>(List.of(full(), bare()));
    Random random = new Random(3);
    for (int i = 0; i < 500; i++) {
      predictions.add(any(random));
    }
    for (Prediction prediction : predictions) {
      assertThat(direct.write(prediction))
          .isEqualTo(records.write(PredictionRecords.record(prediction, Wire.PREDICTION)));
      ByteArrayOutputStream out = new ByteArrayOutputStream();
      // Refuses what is not in the order or of the types of the schema.
      Encoder checked =
          EncoderFactory.get()
              .validatingEncoder(
                  Wire.PREDICTION, EncoderFactory.get().directBinaryEncoder(out, null));
      new PredictionWriter<Prediction>(Wire.PREDICTION, p -> p).write(prediction, checked);
      checked.flush();
    }
  }

  /** Avro's own reader, through records, is the other implementation. */
  @Test
  void whatIsReadWithoutARecordIsThePredictionOfTheRecord() throws Exception {
    WireFormat.Writer records = new WireFormat.Writer(7, Wire.PREDICTION);
    DatumReader<Prediction> direct = PredictionReader.of(Wire.PREDICTION);
    assertThat(direct).isInstanceOf(PredictionReader.class);
    List<Prediction> predictions = new ArrayList<>(List.of(full(), bare(), full(), full()));
    Random random = new Random(5);
    for (int i = 0; i < 500; i++) {
      Prediction any = any(random);
      predictions.add(any);
      if (i % 3 == 0) {
        // The same names once more.
        predictions.add(any);
      }
    }
    for (Prediction prediction : predictions) {
      byte[] bytes = records.write(PredictionRecords.record(prediction, Wire.PREDICTION));
      BinaryDecoder decoder = behindHeader(bytes);
      Prediction read = direct.read(null, decoder);
      assertThat(read).isEqualTo(prediction);
      assertThat(read.inputs().keySet()).containsExactlyElementsOf(prediction.inputs().keySet());
      assertThat(decoder.isEnd()).isTrue();
    }
  }

  @Test
  void aListAmongTheInputsIsPassedOver() throws Exception {
    GenericRecord record = PredictionRecords.record(full(), Wire.PREDICTION);
    Map<String, @Nullable Object> inputs = new LinkedHashMap<>(full().inputs());
    inputs.put("of a later build", List.of(1.0, 2.0));
    record.put("inputs", inputs);
    byte[] bytes = new WireFormat.Writer(7, Wire.PREDICTION).write(record);
    Map<String, @Nullable Object> expected = new LinkedHashMap<>(full().inputs());
    expected.put("of a later build", null);
    assertThat(PredictionReader.of(Wire.PREDICTION).read(null, behindHeader(bytes)).inputs())
        .isEqualTo(expected);
  }

  /** Whoever wrote before rows and deployments were told. */
  @Test
  void predictionsOfAnEarlierSchemaAreResolved() throws Exception {
    List<Schema.Field> fields =
        Wire.PREDICTION.getFields().stream()
            .filter(f -> !List.of("rows", "deployment_id").contains(f.name()))
            .map(f -> new Schema.Field(f, f.schema()))
            .toList();
    Schema earlier =
        Schema.createRecord(
            Wire.PREDICTION.getName(), null, Wire.PREDICTION.getNamespace(), false, fields);
    GenericRecord record = new GenericData.Record(earlier);
    GenericRecord whole = PredictionRecords.record(full(), Wire.PREDICTION);
    fields.forEach(f -> record.put(f.name(), whole.get(f.name())));
    byte[] bytes = new WireFormat.Writer(7, earlier).write(record);
    Prediction read = PredictionReader.of(earlier).read(null, behindHeader(bytes));
    assertThat(read.inputs()).isEqualTo(full().inputs());
    assertThat(read.rows()).isEmpty();
    assertThat(read.deploymentId()).isNull();
  }

  private static Prediction any(Random random) {
    Map<String, @Nullable Object> inputs = new LinkedHashMap<>();
    Map<String, String> freshness = new LinkedHashMap<>();
    Map<String, RowOrigin> rows = new LinkedHashMap<>();
    for (int i = random.nextInt(30); i > 0; i--) {
      inputs.put(
          "ı" + i,
          switch (random.nextInt(6)) {
            case 0 -> null;
            case 1 -> "uçuş " + i;
            default -> (Double) random.nextGaussian();
          });
    }
    for (int i = random.nextInt(3); i > 0; i--) {
      freshness.put("view" + i, "INCLUDED");
      rows.put(
          "view" + i,
          new RowOrigin(random.nextLong(), Positions.parse("0:" + i + ",3:17"), i + "-abc"));
    }
    Role[] roles = Role.values();
    return new Prediction(
        Long.toHexString(random.nextLong()),
        "uçuş-" + random.nextInt(),
        random.nextBoolean() ? Map.of() : Map.of("origin", "İ" + random.nextInt()),
        random.nextLong(),
        random.nextLong(),
        "delay_risk",
        random.nextInt(),
        maybe(random, "ab"),
        roles[random.nextInt(roles.length)],
        maybe(random, "eager"),
        maybe(random, ""),
        random.nextBoolean() ? null : (Double) random.nextDouble(),
        random.nextDouble(),
        maybe(random, "OK"),
        inputs,
        freshness,
        maybe(random, "d3"),
        rows,
        List.of(),
        null);
  }

  private static BinaryDecoder behindHeader(byte[] framed) {
    return DecoderFactory.get()
        .binaryDecoder(
            framed, WireFormat.HEADER_BYTES, framed.length - WireFormat.HEADER_BYTES, null);
  }

  private static @Nullable String maybe(Random random, String text) {
    return random.nextBoolean() ? text : null;
  }

  @Test
  void aPredictionComesBackFromItsSerializer() throws Exception {
    for (Prediction prediction : List.of(full(), bare())) {
      DataOutputSerializer out = new DataOutputSerializer(64);
      PredictionSerializer.INSTANCE.serialize(prediction, out);
      DataInputDeserializer in = new DataInputDeserializer(out.getCopyOfBuffer());
      assertThat(PredictionSerializer.INSTANCE.deserialize(in)).isEqualTo(prediction);
      assertThat(in.available()).isZero();
    }
  }

  @Test
  void aDeploymentComesBackFromItsSerializer() throws Exception {
    DeploymentRecord record = Flights.deployed(17, 3);
    DataOutputSerializer out = new DataOutputSerializer(64);
    DeploymentRecord.Serializer.INSTANCE.serialize(record, out);
    assertThat(
            DeploymentRecord.Serializer.INSTANCE.deserialize(
                new DataInputDeserializer(out.getCopyOfBuffer())))
        .isEqualTo(record);
  }

  @Test
  void aRowHasTheColumnsOfItsTable() {
    RowType type = FlinkSchemaUtil.convert(Warehouse.predictionsSchema());
    RowData row = new PredictionRecords.ToRow().map(full());
    assertThat(row.getArity()).isEqualTo(type.getFieldCount());
    Map<String, Object> columns = new HashMap<>();
    for (int i = 0; i < row.getArity(); i++) {
      Object value = RowData.createFieldGetter(type.getTypeAt(i), i).getFieldOrNull(row);
      if (value != null) {
        columns.put(type.getFieldNames().get(i), value);
      }
    }
    assertThat(columns)
        .containsEntry("prediction_id", StringData.fromString("0123"))
        .containsEntry("event_id", StringData.fromString("f1"))
        .containsEntry("model", StringData.fromString("delay_risk"))
        .containsEntry("version", 3)
        .containsEntry("sha256", StringData.fromString("ab"))
        .containsEntry("role", StringData.fromString("CANARY"))
        .containsEntry("experiment", StringData.fromString("eager"))
        .containsEntry("arm", StringData.fromString("control"))
        .containsEntry("propensity", 0.5)
        .containsEntry("score", 0.25)
        .containsEntry("decision", StringData.fromString("OK"))
        .containsEntry("deployment_id", StringData.fromString("d3"))
        .hasSize(17);
  }

  @Test
  void textsAmongTheInputsHaveAColumnOfTheirOwn() {
    RowType type = FlinkSchemaUtil.convert(Warehouse.predictionsSchema());
    assertThat(type.getFieldNames().get(type.getFieldCount() - 1)).isEqualTo(Warehouse.INPUT_TEXTS);
    RowType ofRun = FlinkSchemaUtil.convert(Warehouse.scoresSchema());
    assertThat(ofRun.getFieldNames().subList(17, 19)).containsExactly("run", "input_texts");
    PredictionRecords.ToRow toRow = new PredictionRecords.ToRow();
    ScoreRows ofRuns = new ScoreRows("r1");
    Map<String, @Nullable Object> inputs = new LinkedHashMap<>();
    inputs.put("carrier", "uçuş");
    inputs.put("distance", 1.5);
    inputs.put("delay", null);
    Prediction mixed = withInputs(inputs);
    for (Prediction prediction : List.of(full(), mixed, full(), mixed)) {
      RowData row = toRow.map(prediction);
      RowData run = ofRuns.map(prediction);
      assertThat(run.getString(17)).isEqualTo(StringData.fromString("r1"));
      if (prediction.equals(mixed)) {
        for (MapData texts : List.of(row.getMap(17), run.getMap(18))) {
          assertThat(texts.size()).isEqualTo(1);
          assertThat(texts.keyArray().getString(0)).hasToString("carrier");
          assertThat(texts.valueArray().getString(0)).hasToString("uçuş");
        }
        MapData numbers = row.getMap(14);
        assertThat(numbers.size()).isEqualTo(2);
        assertThat(numbers.keyArray().getString(0)).hasToString("distance");
        assertThat(numbers.valueArray().getDouble(0)).isEqualTo(1.5);
        assertThat(numbers.valueArray().isNullAt(1)).isTrue();
      } else {
        assertThat(row.isNullAt(17)).isTrue();
        assertThat(run.isNullAt(18)).isTrue();
        assertThat(row.getMap(14).size()).isEqualTo(2);
      }
    }
  }

  private static Prediction withInputs(Map<String, @Nullable Object> inputs) {
    Prediction other = bare();
    return new Prediction(
        other.predictionId(),
        other.eventId(),
        other.entityKeys(),
        other.eventTimeMillis(),
        other.scoredAtMillis(),
        other.model(),
        other.version(),
        other.sha256(),
        other.role(),
        other.experiment(),
        other.arm(),
        other.propensity(),
        other.score(),
        other.decision(),
        inputs,
        other.freshness(),
        other.deploymentId());
  }

  private static Prediction full() {
    Map<String, @Nullable Object> inputs = new HashMap<>();
    inputs.put("distance", 100.5);
    inputs.put("delay_mean_1h", null);
    return new Prediction(
        "0123",
        "f1",
        Map.of("origin", "JFK"),
        1_000,
        2_000,
        "delay_risk",
        3,
        "ab",
        Role.CANARY,
        "eager",
        "control",
        0.5,
        0.25,
        "OK",
        inputs,
        Map.of("origin_delays", "STALE"),
        "d3",
        Map.of("origin_delays", new RowOrigin(900, Positions.parse("0:4,2:17"), "3-0123456789ab")),
        List.of(),
        null);
  }

  private static Prediction bare() {
    return new Prediction(
        "0123",
        "f1",
        Map.of(),
        1_000,
        2_000,
        "delay_risk",
        0,
        null,
        Role.FALLBACK,
        null,
        null,
        null,
        0.2,
        null,
        Map.of(),
        Map.of(),
        null);
  }
}
