package dev.millrace.trainer;

import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.core.model.DeployedVersion;
import dev.millrace.core.model.Deployment;
import dev.millrace.schemas.SubjectRegistry;
import dev.millrace.schemas.Wire;
import dev.millrace.schemas.WireFormat;
import java.io.IOException;
import java.util.List;
import org.apache.avro.Schema;
import org.apache.avro.generic.GenericRecord;
import org.junit.jupiter.api.Test;

/** What is written to the journals is what is read from them, through the wire format. */
class JournalRecordsTest {

  private static final VersionJournal.Version VERSION =
      new VersionJournal.Version(
          "delay_risk",
          3,
          "file:///models/delay_risk/3/model.onnx",
          "ab".repeat(32),
          1_000,
          "me",
          "trained by hand",
          "{}");

  @Test
  void versionsComeBack() throws IOException {
    GenericRecord record = overTheWire(VersionJournal.record(VERSION), Wire.LIFECYCLE);
    assertThat(VersionJournal.version(record)).isEqualTo(VERSION);
    record.put("type", "PROMOTED");
    assertThat(VersionJournal.version(record)).isNull();
  }

  @Test
  void deploymentsComeBack() throws IOException {
    Deployment deployment =
        new Deployment(
            "delay_risk",
            "id-1",
            Deployment.State.EFFECTIVE,
            null,
            new DeployedVersion(3, VERSION.uri(), VERSION.sha256()),
            null,
            0,
            List.of(new DeployedVersion(2, "file:///2", "cd".repeat(32))),
            2_000);
    GenericRecord record =
        overTheWire(DeploymentJournal.record(deployment, "me", "first"), Wire.DEPLOYMENT);
    assertThat(Deployment.of(record)).isEqualTo(deployment);
    assertThat(String.valueOf(record.get("reason"))).isEqualTo("first");
  }

  @Test
  void lineageSaysWhatAVersionCameFrom() {
    TrainingSet set = TrainerTest.set(1);
    TrainingRun run = new Trainer(m -> {}).train(set, TrainerTest.CONFIG, set.inputs());
    var lineage = Lineage.of(set, run, 7, 4, 2, "me", 1_000);
    assertThat(lineage.path("training_set").path("sha256").asText()).isEqualTo(set.sha256());
    assertThat(lineage.path("artifact").path("sha256").asText()).isEqualTo(run.sha256());
    assertThat(lineage.path("versions").path("xgboost").asText()).isEqualTo("3.0.4");
    assertThat(lineage.path("versions").path("onnxruntime").asText()).isEqualTo("1.28.0");
    assertThat(lineage.path("training").path("parameters").path("seed").asText()).isEqualTo("7");
    assertThat(lineage.path("training").path("holdout").path("rows").asInt()).isEqualTo(500);
    assertThat(lineage.path("metrics").path("holdout").path("auc").asDouble())
        .isEqualTo(run.holdout().auc());
    assertThat(lineage.path("project_revision").asInt()).isEqualTo(2);
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
