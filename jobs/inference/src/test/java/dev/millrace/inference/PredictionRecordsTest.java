package dev.millrace.inference;

import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.core.row.Positions;
import dev.millrace.platform.Warehouse;
import dev.millrace.schemas.Wire;
import dev.millrace.schemas.WireFormat;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apache.avro.generic.GenericDatumReader;
import org.apache.avro.generic.GenericRecord;
import org.apache.avro.io.DecoderFactory;
import org.apache.flink.core.memory.DataInputDeserializer;
import org.apache.flink.core.memory.DataOutputSerializer;
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
          new GenericDatumReader<GenericRecord>(Wire.PREDICTION)
              .read(
                  null,
                  DecoderFactory.get()
                      .binaryDecoder(
                          bytes,
                          WireFormat.HEADER_BYTES,
                          bytes.length - WireFormat.HEADER_BYTES,
                          null));
      assertThat(PredictionRecords.prediction(read)).isEqualTo(prediction);
    }
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

  private static Prediction full() {
    Map<String, @Nullable Double> inputs = new HashMap<>();
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
