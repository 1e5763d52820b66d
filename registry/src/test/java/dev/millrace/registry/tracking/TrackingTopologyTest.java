package dev.millrace.registry.tracking;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.millrace.core.tracking.Subject;
import dev.millrace.core.tracking.TrackingEntry;
import dev.millrace.core.tracking.TrackingEntry.Command;
import dev.millrace.core.tracking.TrackingEntry.Event;
import dev.millrace.core.tracking.TrackingEntry.Kind;
import dev.millrace.registry.mlflow.MlflowError;
import dev.millrace.registry.mlflow.MlflowRequest;
import dev.millrace.registry.mlflow.MlflowRoutes.Endpoint;
import dev.millrace.registry.mlflow.MlflowRoutes.Endpoints;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Clock;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The topology with what nobody should write, and after a restart. */
class TrackingTopologyTest {

  private static final String RUN = "0123456789abcdef0123456789abcdef";

  @SuppressWarnings("NullAway.Init") // JUnit sets it.
  @TempDir
  private Path folder;

  @SuppressWarnings("NullAway.Init") // Before each test.
  private DriverTracking tracking;

  private int asked;

  @BeforeEach
  void open() {
    tracking = new DriverTracking(folder.resolve("first"));
  }

  @AfterEach
  void close() {
    tracking.close();
  }

  private TrackingEntry ask(String subject, Command command, String details) {
    return tracking.submit(
        TrackingEntry.command(subject, command, "me", 0, "http-" + asked++, details));
  }

  private TrackingEntry point(int value) {
    return ask(RUN, Command.LOG, "{\"metrics\": [[\"m\", %d, 1, 1]]}".formatted(value));
  }

  @Test
  void recordsThatNobodyCanReadAreSkipped() {
    tracking.pipe(Subject.EXPERIMENTS, "no Avro".getBytes(StandardCharsets.UTF_8));
    tracking.pipe(
        "somebody else's",
        tracking.bytes(TrackingEntry.command(RUN, Command.CREATE_RUN, "me", 0, "k", "{}")));
    tracking.pipe(
        "neither",
        tracking.bytes(TrackingEntry.command("neither", Command.LOG, "me", 0, "k", "{}")));
    tracking.pipe(
        RUN,
        tracking.bytes(
            new TrackingEntry(
                RUN, Kind.EVENT, "RUN_CREATED", "me", 0, "k", "{\"sequence\": \"no number\"}")));
    tracking.pipe(
        RUN, tracking.bytes(new TrackingEntry(RUN, Kind.EVENT, "RUN_CREATED", "me", 0, "k", "[")));
    assertThat(tracking.events()).isEmpty();
    TrackingEntry refused = ask(RUN, Command.LOG, "no JSON");
    assertThat(refused.is(Event.REFUSED)).isTrue();
    assertThat(refused.details()).contains("INVALID_PARAMETER_VALUE");
    assertThat(ask(RUN, Command.CREATE_EXPERIMENT, "{}").details()).contains("no command about");
    assertThat(ask(RUN, Command.CREATE_RUN, "{\"name\": \"n\"}").is(Event.RUN_CREATED)).isTrue();
  }

  @Test
  void whereThereIsNoRoomNothingMoreIsTaken() throws Exception {
    Endpoints endpoints = new Endpoints();
    MlflowTracking.addTo(endpoints, tracking, Clock.systemUTC(), 2_000);
    for (int i = 0; i < 3; i++) {
      var create = endpoint(endpoints, "/runs/create");
      MlflowRequest request = MlflowRequest.ofBody("{}", "me", "");
      if (i < 2) {
        assertThat(create.handling().answer(request)).isNotEmpty();
      } else {
        assertThatThrownBy(() -> create.handling().answer(request))
            .isInstanceOf(MlflowError.class)
            .hasMessageContaining("-Xmx");
      }
    }
    String id = tracking.runs("0").findFirst().orElseThrow().id();
    MlflowRequest update =
        MlflowRequest.ofBody("{\"run_id\": \"" + id + "\", \"status\": \"FAILED\"}", "me", "");
    assertThat(endpoint(endpoints, "/runs/update").handling().answer(update)).isNotEmpty();
  }

  private static Endpoint endpoint(Endpoints endpoints, String path) {
    return endpoints.all().stream().filter(e -> e.path().equals(path)).findFirst().orElseThrow();
  }

  @Test
  void aRegistryThatStartsAgainKnowsWhatWas() {
    var unusedRun = ask(RUN, Command.CREATE_RUN, "{\"experiment_id\": \"1\", \"name\": \"n\"}");
    var unusedExperiment = ask(Subject.EXPERIMENTS, Command.CREATE_EXPERIMENT, "{\"name\": \"e\"}");
    var unusedPoint = point(1);
    DriverTracking before = tracking;
    tracking = new DriverTracking(folder.resolve("second"));
    tracking.restoreFrom(before);
    before.close();
    assertThat(ask(Subject.EXPERIMENTS, Command.CREATE_EXPERIMENT, "{\"name\": \"e\"}").details())
        .contains("RESOURCE_ALREADY_EXISTS");
    assertThat(ask(Subject.EXPERIMENTS, Command.CREATE_EXPERIMENT, "{\"name\": \"f\"}").details())
        .contains("\"experiment_id\":\"2\"", "\"sequence\":3");
    assertThat(point(1).details()).contains("\"metrics\":{}", "\"new_keys\":0");
    assertThat(point(2).details()).contains("\"metrics\":{\"m\":[[2.0,1,1]]}", "\"new_keys\":0");
    assertThat(tracking.bytes()).isBetween(1_500L, 3_000L);
    assertThat(tracking.run(RUN).orElseThrow().metrics().series("m").orElseThrow().size())
        .isEqualTo(2);
  }
}
