package dev.millrace.trainer;

import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.schemas.SubjectRegistry;
import dev.millrace.schemas.Wire;
import dev.millrace.schemas.WireFormat;
import java.io.IOException;
import org.apache.avro.Schema;
import org.apache.avro.generic.GenericData;
import org.apache.avro.generic.GenericRecord;
import org.junit.jupiter.api.Test;

/** What is written is what is read, through the wire format. */
class WireRecordsTest {

  @Test
  void lineageSaysWhatAVersionCameFrom() {
    TrainingSet set = TrainerTest.set(1);
    TrainingRun run = new Trainer(m -> {}).train(set, TrainerTest.CONFIG, set.inputs());
    var lineage = Lineage.of(set, run, 7, "key", 2, "me", 1_000);
    assertThat(lineage.path("training_set").path("sha256").asText()).isEqualTo(set.sha256());
    assertThat(lineage.path("artifact").path("sha256").asText()).isEqualTo(run.sha256());
    assertThat(lineage.path("versions").path("xgboost").asText()).isEqualTo("3.0.4");
    assertThat(lineage.path("versions").path("onnxruntime").asText()).isEqualTo("1.28.0");
    assertThat(lineage.path("training").path("parameters").path("seed").asText()).isEqualTo("7");
    assertThat(lineage.path("training").path("holdout").path("rows").asInt()).isEqualTo(500);
    assertThat(lineage.path("metrics").path("holdout").path("auc").asDouble())
        .isEqualTo(run.holdout().auc());
    assertThat(lineage.path("idempotency_key").asText()).isEqualTo("key");
    assertThat(lineage.path("training").path("cross_fitting").path("block").asText())
        .isEqualTo("PT24H");
    assertThat(lineage.path("project_revision").asInt()).isEqualTo(2);
  }

  @Test
  void requestsAndAlertsAreOfTheirSchemas() throws IOException {
    GenericRecord request = new GenericData.Record(Wire.RETRAINING);
    request.put("model", "delay_risk");
    request.put("request_id", "ef".repeat(32));
    request.put("episode", "one");
    request.put(
        "decision",
        new GenericData.EnumSymbol(Wire.RETRAINING.getField("decision").schema(), "REQUESTED"));
    request.put("cause", "performance");
    request.put("why", "log loss");
    request.put("version", 1);
    request.put("decided_at", 5_000L);
    request.put("window_start", 1_000L);
    request.put("window_end", 4_000L);
    request.put("evidence", "{}");
    RetrainingRequest read = RetrainingRequest.of(overTheWire(request, Wire.RETRAINING));
    assertThat(read)
        .isEqualTo(
            new RetrainingRequest(
                "delay_risk", "ef".repeat(32), "REQUESTED", "performance", 5_000, 1_000L, 4_000L));
    assertThat(read.isRequested()).isTrue();

    GenericRecord alert =
        overTheWire(
            TopicAlerts.record(
                new Alerts.Alert(
                    "id", "flights", "delay_risk", Alerts.TRAINING_FAILED, "why", 4_000, "{}")),
            Wire.ALERT);
    assertThat(String.valueOf(alert.get("rule"))).isEqualTo("TRAINING_FAILED");
    assertThat(alert.get("event_time")).isEqualTo(4_000L);
  }

  private static GenericRecord overTheWire(GenericRecord record, Schema schema) throws IOException {
    byte[] bytes = new WireFormat.Writer(5, schema).write(record);
    return new WireFormat.Reader(new OneSchema(schema), schema).read(bytes);
  }

  /** A registry with one schema, under id 5. */
  private record OneSchema(Schema schema) implements SubjectRegistry {
    @Override
    public int register(String subject, String schemaJson) {
      return 5;
    }

    @Override
    public String schemaById(int id) throws IOException {
      if (id != 5) {
        throw new UnknownSchemaException(id);
      }
      return schema.toString();
    }
  }
}
