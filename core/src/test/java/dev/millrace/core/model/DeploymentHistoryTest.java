package dev.millrace.core.model;

import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.core.model.Deployment.State;
import java.util.List;
import java.util.Map;
import org.apache.avro.Schema;
import org.apache.avro.SchemaBuilder;
import org.apache.avro.generic.GenericData;
import org.apache.avro.generic.GenericRecord;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

class DeploymentHistoryTest {

  private final DeploymentHistory history = new DeploymentHistory();

  @Test
  void nobodyServesBeforeTheFirst() {
    assertThat(history.current()).isEmpty();
    history.accept(deployment("a", State.PREPARING, 1));
    assertThat(history.current()).isEmpty();
  }

  @Test
  void theLatestEffectiveServes() {
    history.accept(deployment("a", State.PREPARING, 1));
    history.accept(deployment("a", State.EFFECTIVE, 1));
    history.accept(deployment("b", State.PREPARING, 2));
    assertThat(serving()).isEqualTo("a");
    history.accept(deployment("b", State.EFFECTIVE, 2));
    assertThat(serving()).isEqualTo("b");
    assertThat(history.newestFirst(0))
        .extracting(Deployment::deploymentId)
        .containsExactly("b", "a");
  }

  @Test
  void aRevokedOneGivesWayToTheOneBefore() {
    history.accept(deployment("a", State.EFFECTIVE, 1));
    history.accept(deployment("b", State.EFFECTIVE, 2));
    history.accept(deployment("b", State.REVOKED, 2));
    assertThat(serving()).isEqualTo("a");
    history.accept(deployment("a", State.REVOKED, 1));
    assertThat(history.current()).isEmpty();
  }

  @Test
  void anEventsTimeSaysWhoServesIt() {
    history.accept(deployment("a", State.EFFECTIVE, 1, 100L));
    history.accept(deployment("b", State.PREPARING, 2));
    assertThat(history.preparing()).map(Deployment::deploymentId).hasValue("b");
    history.accept(deployment("b", State.EFFECTIVE, 2, 200L));
    assertThat(history.preparing()).isEmpty();
    assertThat(at(99)).isEqualTo("nobody");
    assertThat(at(100)).isEqualTo("a");
    assertThat(at(199)).isEqualTo("a");
    assertThat(at(200)).isEqualTo("b");
    history.accept(deployment("b", State.REVOKED, 2, 200L));
    assertThat(at(200)).isEqualTo("a");
    assertThat(history.standing()).extracting(Deployment::deploymentId).containsExactly("a");
  }

  @Test
  void oneThatIsRevokedBeforeItServesIsGone() {
    history.accept(deployment("a", State.PREPARING, 1));
    history.accept(deployment("a", State.REVOKED, 1));
    assertThat(history.preparing()).isEmpty();
    assertThat(history.current()).isEmpty();
  }

  private String at(long eventTimeMillis) {
    return history.at(eventTimeMillis).map(Deployment::deploymentId).orElse("nobody");
  }

  @Test
  void readsTheRecord() {
    Schema version =
        SchemaBuilder.record("DeployedVersion")
            .fields()
            .requiredInt("version")
            .requiredString("uri")
            .requiredString("sha256")
            .optionalString("profile_uri")
            .optionalString("profile_sha256")
            .name("views")
            .type()
            .map()
            .values()
            .stringType()
            .noDefault()
            .endRecord();
    Schema schema =
        SchemaBuilder.record("Deployment")
            .fields()
            .requiredString("model")
            .requiredString("deployment_id")
            .requiredString("state")
            .optionalLong("effective_time")
            .name("champion")
            .type()
            .optional()
            .type(version)
            .name("canary")
            .type()
            .optional()
            .type(version)
            .requiredDouble("canary_share")
            .name("shadows")
            .type()
            .array()
            .items(version)
            .noDefault()
            .requiredLong("decided_at")
            .endRecord();
    GenericRecord champion = new GenericData.Record(version);
    champion.put("version", 3);
    champion.put("uri", "file:///models/3.onnx");
    champion.put("sha256", "ab");
    champion.put("profile_uri", "file:///models/3.json");
    champion.put("profile_sha256", "cd");
    champion.put("views", Map.of("load", "0123456789ab"));
    GenericRecord record = new GenericData.Record(schema);
    record.put("model", "delay_risk");
    record.put("deployment_id", "d1");
    record.put("state", "EFFECTIVE");
    record.put("champion", champion);
    record.put("canary_share", 0.0);
    record.put("shadows", List.of(champion));
    record.put("decided_at", 17L);
    DeployedVersion expected =
        new DeployedVersion(
            3,
            "file:///models/3.onnx",
            "ab",
            "file:///models/3.json",
            "cd",
            Map.of("load", "0123456789ab"));
    assertThat(Deployment.of(record))
        .isEqualTo(
            new Deployment(
                "delay_risk",
                "d1",
                State.EFFECTIVE,
                null,
                expected,
                null,
                0.0,
                List.of(expected),
                17));
  }

  private String serving() {
    return history.current().map(Deployment::deploymentId).orElse("nobody");
  }

  private static Deployment deployment(String id, State state, int version) {
    return deployment(id, state, version, null);
  }

  private static Deployment deployment(
      String id, State state, int version, @Nullable Long effectiveTimeMillis) {
    return new Deployment(
        "delay_risk",
        id,
        state,
        effectiveTimeMillis,
        new DeployedVersion(version, "file:///m", "ab"),
        null,
        0,
        List.of(),
        0);
  }
}
