package dev.millrace.cli.demo;

import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.core.model.DeployedVersion;
import dev.millrace.core.model.Deployment;
import dev.millrace.core.model.Deployment.State;
import dev.millrace.core.model.LifecycleEntry;
import dev.millrace.schemas.Wire;
import java.util.List;
import org.apache.avro.generic.GenericData;
import org.apache.avro.generic.GenericRecord;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

class LoopStateTest {

  private final LoopState state = new LoopState("m");

  @Test
  void eventTimeStandsStillFromARequestUntilItsVersionIsJudged() {
    assertThat(state.hold()).isNull();
    state.retraining(request("r1"));
    assertThat(state.hold()).contains("performance");
    state.lifecycle(entry(LifecycleEntry.Kind.COMMAND, "REGISTER", null, "r1"), "r1");
    state.lifecycle(entry(LifecycleEntry.Kind.EVENT, "VERSION_REGISTERED", 2, "r1"), "r1");
    assertThat(state.hold()).contains("performance");
    state.lifecycle(entry(LifecycleEntry.Kind.EVENT, "VERSION_VALIDATED", 2, "r1/validate"), "r1");
    assertThat(state.hold()).isNull();
    assertThat(state.version("r1")).isEqualTo(2);
    assertThat(state.isValidated(2)).isTrue();
    // Once more, after it was answered: a repeat.
    state.retraining(request("r1"));
    assertThat(state.hold()).isNull();
    assertThat(state.requested()).hasSize(1);
  }

  @Test
  void aRequestMayEndInAnAlert() {
    state.retraining(request("r2"));
    GenericRecord alert = new GenericData.Record(Wire.ALERT);
    alert.put("alert_id", "a");
    alert.put("message", "Cannot train for request r2: no labels");
    alert.put("evidence", "{}");
    state.alert(alert);
    assertThat(state.hold()).isNull();
    assertThat(state.alerts()).isEqualTo(1);
  }

  @Test
  void itStandsStillWhileTheRegistryDecidesAndInferenceLoads() {
    state.lifecycle(entry(LifecycleEntry.Kind.COMMAND, "STAGE", 2, "k"), null);
    assertThat(state.hold()).contains("STAGE");
    state.lifecycle(entry(LifecycleEntry.Kind.EVENT, "DEPLOYMENT_PREPARING", 2, "k"), null);
    state.deployment(deployment("d", State.PREPARING, null));
    assertThat(state.hold()).contains("load");
    // What a subtask reports is asked of nobody.
    state.lifecycle(entry(LifecycleEntry.Kind.COMMAND, "READY", null, "k/0"), null);
    state.deployment(deployment("d", State.EFFECTIVE, 5L));
    assertThat(state.hold()).isNull();
    // The same command again: it was answered.
    state.lifecycle(entry(LifecycleEntry.Kind.COMMAND, "STAGE", 2, "k"), null);
    assertThat(state.hold()).isNull();
  }

  @Test
  void aDeploymentThatWasTakenBackStillSaysSinceWhenItServed() {
    state.deployment(deployment("a", State.EFFECTIVE, 5L));
    state.deployment(deployment("b", State.PREPARING, null));
    state.deployment(deployment("b", State.EFFECTIVE, 9L));
    state.deployment(deployment("c", State.PREPARING, null));
    state.deployment(deployment("c", State.REVOKED, null));
    state.deployment(deployment("b", State.REVOKED, null));
    assertThat(state.served()).extracting(Deployment::deploymentId).containsExactly("a", "b");
    assertThat(state.served().get(1).effectiveTimeMillis()).isEqualTo(9L);
    assertThat(state.served().get(1).state()).isEqualTo(State.REVOKED);
  }

  private static LifecycleEntry entry(
      LifecycleEntry.Kind kind, String type, @Nullable Integer version, String key) {
    return new LifecycleEntry(
        "m", kind, type, version, "actor", "reason", 0, key, null, null, "{}");
  }

  private static Deployment deployment(String id, State state, @Nullable Long fromMillis) {
    return new Deployment(
        "m", id, state, fromMillis, new DeployedVersion(1, "u", "s"), null, 0, List.of(), 0);
  }

  private static GenericRecord request(String id) {
    GenericRecord request = new GenericData.Record(Wire.RETRAINING);
    request.put("request_id", id);
    request.put(
        "decision",
        new GenericData.EnumSymbol(Wire.RETRAINING.getField("decision").schema(), "REQUESTED"));
    request.put("cause", "performance");
    return request;
  }
}
