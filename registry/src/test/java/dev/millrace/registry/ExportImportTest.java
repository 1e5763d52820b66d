package dev.millrace.registry;

import static dev.millrace.registry.ExportBytes.events;
import static dev.millrace.registry.ExportBytes.unpacked;
import static dev.millrace.registry.FilledRegistry.MODEL;
import static dev.millrace.registry.FilledRegistry.command;
import static dev.millrace.registry.FilledRegistry.ok;
import static dev.millrace.registry.FilledRegistry.ready;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import dev.millrace.core.lifecycle.ModelState;
import dev.millrace.core.model.LifecycleEntry;
import dev.millrace.core.model.LifecycleEntry.Command;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A registry with everything in it goes into a file and comes back from it. */
class ExportImportTest {

  private static final JsonMapper JSON = new JsonMapper();

  private final Path folder;
  private final FilledRegistry filled;
  private final GuardedRegistry from;
  private final GuardedRegistry to;

  ExportImportTest(@TempDir Path folder) throws Exception {
    this.folder = folder;
    filled = new FilledRegistry(Files.createDirectories(folder.resolve("from")));
    from = filled.registry;
    to = new GuardedRegistry(Files.createDirectories(folder.resolve("to")), null);
  }

  @AfterEach
  void close() {
    filled.close();
    to.close();
  }

  private JsonNode done(byte[] file) throws Exception {
    HttpResponse<String> answer = to.imported("ada", file);
    assertThat(answer.statusCode()).as(answer.body()).isEqualTo(200);
    return JSON.readTree(answer.body());
  }

  private void assertSame() throws Exception {
    List<String> reads =
        new ArrayList<>(
            List.of(
                "/v1/models",
                "/v1/models/" + MODEL.replace("ü", "%C3%BC").replace("ä", "%C3%A4"),
                "registered-models/search",
                "model-versions/search",
                "logged-models/" + filled.logged.get(0),
                "experiments/get?experiment_id=0",
                "experiments/get?experiment_id=1",
                "experiments/get-by-name?experiment_name=zwei"));
    for (String run : filled.runs) {
      reads.add("runs/get?run_id=" + run);
      reads.add(
          "metrics/get-history?metric_key=m%20" + filled.runs.indexOf(run) + "&run_id=" + run);
    }
    for (String path : reads) {
      assertThat(ok(to, "GET", path, "")).isEqualTo(ok(from, "GET", path, ""));
    }
    for (String path : List.of("experiments/search", "runs/search")) {
      String all =
          "{\"max_results\": 100, \"view_type\": \"ALL\", \"run_view_type\": \"ALL\", \"experiment_ids\": [\"0\", \"2\"]}";
      JsonNode there = ok(from, "POST", path, all);
      assertThat(there).isNotEmpty();
      assertThat(ok(to, "POST", path, all)).isEqualTo(there);
    }
    assertThat(events(to.exported())).isEqualTo(events(from.exported()));
    assertThat(to.catalogue.deployments(MODEL)).isEqualTo(from.catalogue.deployments(MODEL));
    assertThat(to.catalogue.deployments(MODEL)).hasSize(6);
    for (CataloguedModel model : from.catalogue.models()) {
      assertThat(to.catalogue.stored().model(model.name())).isEqualTo(model);
      assertThat(to.catalogue.model(model.name())).contains(model);
    }
    try (Stream<Path> left = Files.list(folder.resolve("to/transfer"))) {
      assertThat(left).as("files that are left behind").isEmpty();
    }
  }

  @Test
  void allComesBackAsItWas() throws Exception {
    JsonNode done = done(from.exported());
    assertSame();
    assertThat(done.path("events")).isEqualTo(done.path("added"));
    assertThat(done.path("already_there").asInt()).isZero();
    assertThat(done.path("subjects").path("models.lifecycle").asInt()).isEqualTo(2);
    assertThat(done.path("subjects").path("models.tracking").asInt()).isEqualTo(5);
    String text = unpacked(from.exported());
    for (String kind :
        List.of(
            "DEPLOYMENT_PREPARING",
            "DEPLOYMENT_EFFECTIVE",
            "DEPLOYMENT_REVOKED",
            "MODEL_DELETED",
            "VERSION_TRANSITIONED",
            "ALIAS_SET",
            "REFUSED",
            "EXPERIMENT_RESTORED",
            "RUN_DELETED",
            "LOGGED_MODEL_FINALIZED",
            "NaN")) {
      assertThat(text).contains(kind);
    }
  }

  @Test
  void theRegistryGoesOnWhereTheOtherWas() throws Exception {
    JsonNode unusedDone = done(from.exported());
    // What was being prepared still is, and becomes effective when its subtasks report here.
    to.catalogue.pipe(ready("p3", 5_000));
    ModelState state = to.catalogue.model(MODEL).orElseThrow().state();
    assertThat(state.champion()).contains(3);
    assertThat(state.at(5_000).orElseThrow().champion().version()).isEqualTo(1);
    assertThat(state.at(5_001).orElseThrow().champion().version()).isEqualTo(3);
    // A command that was answered there is answered here too.
    int before = to.catalogue.events().size();
    to.catalogue.pipe(command(Command.REGISTER, null, "v1", "{}"));
    assertThat(to.catalogue.events()).hasSize(before);
    LifecycleEntry fourth = to.catalogue.submit(command(Command.REGISTER, null, "v4", "{}"));
    assertThat(fourth.version()).isEqualTo(4);
    assertThat(
            ok(to, "POST", "experiments/create", "{\"name\": \"vier\"}")
                .path("experiment_id")
                .asText())
        .isEqualTo("4");
    assertThat(to.post("ada", "experiments/create", "{\"name\": \"eins\"}").statusCode())
        .as("a deleted one keeps its name")
        .isEqualTo(400);
    ok(
        to,
        "POST",
        "runs/log-metric",
        "{\"run_id\": \"%s\", \"key\": \"new\", \"value\": 1, \"timestamp\": 1}"
            .formatted(filled.runs.get(2)));
  }

  @Test
  void aSecondTimeChangesNothing() throws Exception {
    byte[] file = from.exported();
    int events = done(file).path("events").asInt();
    JsonNode again = done(file);
    assertThat(again.path("added").asInt()).isZero();
    assertThat(again.path("already_there").asInt()).isEqualTo(events);
    assertSame();
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 1, 9, 20, 40})
  void oneThatStoppedGoesOn(int after) throws Exception {
    byte[] file = from.exported();
    to.imports.set(after);
    HttpResponse<String> stopped = to.imported("ada", file);
    assertThat(stopped.statusCode()).isEqualTo(503);
    assertThat(JSON.readTree(stopped.body()).path("error").asText())
        .contains("import the same file again", "no broker");
    to.imports.set(Integer.MAX_VALUE);
    JsonNode done = done(file);
    assertThat(done.path("already_there").asInt()).isEqualTo(after);
    assertSame();
  }

  @Test
  void whatWasAddedSinceIsBroughtByALaterExport() throws Exception {
    JsonNode unusedDone = done(from.exported());
    filled.post(
        "registered-models/set-tag", "{\"name\": \"MODEL\", \"key\": \"new\", \"value\": \"1\"}");
    filled.post(
        "runs/set-tag",
        "{\"run_id\": \"%s\", \"key\": \"new\", \"value\": \"1\"}".formatted(filled.runs.get(0)));
    byte[] later = from.exported();
    assertThat(done(later).path("added").asInt()).isEqualTo(2);
    assertSame();
  }
}
