package dev.millrace.registry;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import dev.millrace.core.lifecycle.LifecycleRules;
import dev.millrace.core.model.LifecycleEntry;
import dev.millrace.core.model.LifecycleEntry.Command;
import dev.millrace.core.model.LifecycleEntry.Event;
import dev.millrace.core.model.LifecycleEntry.Kind;
import java.net.http.HttpResponse;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** A registry with something of each kind, so that a kind that gets lost is seen. */
final class FilledRegistry implements AutoCloseable {

  static final String MODEL = "vorhersage_überfällig";

  private static final JsonMapper JSON = new JsonMapper();
  private static final String SHA = "ef".repeat(32);

  final GuardedRegistry registry;
  final List<String> runs = new ArrayList<>();
  final List<String> logged = new ArrayList<>();

  FilledRegistry(Path folder) throws Exception {
    registry = new GuardedRegistry(folder, null);
    fill();
  }

  static JsonNode ok(GuardedRegistry registry, String method, String path, String body)
      throws Exception {
    HttpResponse<String> answer =
        registry.send("ada", method, path, body.replace("\"MODEL\"", "\"" + MODEL + "\""));
    assertThat(answer.statusCode()).as("%s: %s", path, answer.body()).isEqualTo(200);
    return JSON.readTree(answer.body());
  }

  JsonNode post(String path, String body) throws Exception {
    return ok(registry, "POST", path, body);
  }

  static LifecycleEntry command(
      Command command, @Nullable Integer version, String key, String details) {
    boolean registers = command == Command.REGISTER;
    return new LifecycleEntry(
        MODEL,
        Kind.COMMAND,
        command.name(),
        version,
        "jürgen",
        "weil „es“ \u001f geht 🚀",
        5,
        key,
        registers ? "s3://there/" + key : null,
        registers ? SHA : null,
        details);
  }

  static LifecycleEntry ready(String deploymentKey, long largest) {
    return command(
        Command.READY,
        null,
        "ready " + deploymentKey,
        "{\"deployment_id\": \"%s\", \"subtask\": 0, \"parallelism\": 1, \"largest_event_time\": %d}"
            .formatted(LifecycleRules.deploymentId(MODEL, deploymentKey), largest));
  }

  private LifecycleEntry promote(int version, String key) {
    return registry.catalogue.submit(
        command(Command.PROMOTE, version, key, "{\"force\": true, \"evidence\": {\"a\": 1.50}}"));
  }

  private void fill() throws Exception {
    post(
        "registered-models/create",
        "{\"name\": \"MODEL\", \"description\": \"日本語\", \"tags\": [{\"key\": \"k\", \"value\": \"ü\"}]}");
    for (int version = 1; version <= 3; version++) {
      LifecycleEntry unusedVersion =
          registry.catalogue.submit(
              command(
                  Command.REGISTER,
                  null,
                  "v" + version,
                  "{\"metrics\": {\"auc\": 0.10}, \"request_id\": \"r%d\"}".formatted(version)));
    }
    LifecycleEntry unusedValidated =
        registry.catalogue.submit(
            command(Command.VALIDATE, 1, "validate", "{\"passed\": true, \"gates\": []}"));
    assertThat(promote(1, "p1").type()).isEqualTo(Event.DEPLOYMENT_PREPARING.name());
    registry.catalogue.pipe(ready("p1", 1_000));
    assertThat(promote(2, "p2").type()).isEqualTo(Event.DEPLOYMENT_PREPARING.name());
    registry.catalogue.pipe(ready("p2", 2_000));
    LifecycleEntry rolledBack =
        registry.catalogue.submit(command(Command.ROLLBACK, null, "back", "{}"));
    assertThat(rolledBack.type()).isEqualTo(Event.DEPLOYMENT_REVOKED.name());
    // It is being prepared when it is exported.
    assertThat(promote(3, "p3").type()).isEqualTo(Event.DEPLOYMENT_PREPARING.name());
    assertThat(promote(2, "p4").type()).isEqualTo(Event.REFUSED.name());
    post(
        "registered-models/alias",
        "{\"name\": \"MODEL\", \"alias\": \"best\", \"version\": \"2\"}");
    post(
        "model-versions/transition-stage",
        "{\"name\": \"MODEL\", \"version\": \"2\", \"stage\": \"Staging\"}");
    post(
        "model-versions/set-tag",
        "{\"name\": \"MODEL\", \"version\": \"1\", \"key\": \"t\", \"value\": \"x\"}");
    post("registered-models/create", "{\"name\": \"gone\"}");
    ok(registry, "DELETE", "registered-models/delete", "{\"name\": \"gone\"}");

    for (String name : List.of("eins", "zwei", "drei")) {
      post("experiments/create", "{\"name\": \"%s\"}".formatted(name));
    }
    post("experiments/delete", "{\"experiment_id\": \"1\"}");
    post("experiments/delete", "{\"experiment_id\": \"2\"}");
    post("experiments/restore", "{\"experiment_id\": \"2\"}");
    post(
        "experiments/set-experiment-tag",
        "{\"experiment_id\": \"0\", \"key\": \"k\", \"value\": \"of the default\"}");
    for (int i = 0; i < 3; i++) {
      String run =
          post(
                  "runs/create",
                  "{\"experiment_id\": \"%d\", \"start_time\": %d}"
                      .formatted(i == 0 ? 0 : 2, 7 + i))
              .at("/run/info/run_id")
              .asText();
      runs.add(run);
      for (String value : List.of("0.30000000000000004", "\"NaN\"", "\"-Infinity\"")) {
        post(
            "runs/log-metric",
            "{\"run_id\": \"%s\", \"key\": \"m %d\", \"value\": %s, \"timestamp\": %d, \"step\": 1}"
                .formatted(run, i, value, value.length()));
      }
      post(
          "runs/log-parameter",
          "{\"run_id\": \"%s\", \"key\": \"p\", \"value\": \"π\"}".formatted(run));
      post(
          "runs/set-tag",
          "{\"run_id\": \"%s\", \"key\": \"t\", \"value\": \"\\\"q\\\"\"}".formatted(run));
    }
    post(
        "runs/update",
        "{\"run_id\": \"%s\", \"status\": \"FINISHED\", \"end_time\": 9}".formatted(runs.get(0)));
    post("runs/delete", "{\"run_id\": \"%s\"}".formatted(runs.get(1)));
    String model =
        post(
                "logged-models",
                "{\"experiment_id\": \"2\", \"name\": \"m\", \"source_run_id\": \"%s\", \"params\": [{\"key\": \"a\", \"value\": \"b\"}]}"
                    .formatted(runs.get(2)))
            .at("/model/info/model_id")
            .asText();
    logged.add(model);
    ok(
        registry,
        "PATCH",
        "logged-models/" + model,
        "{\"model_id\": \"%s\", \"status\": \"LOGGED_MODEL_READY\"}".formatted(model));
    registry.post(
        "ada",
        "runs/log-parameter",
        "{\"run_id\": \"%s\", \"key\": \"p\", \"value\": \"other\"}".formatted(runs.get(0)));
  }

  @Override
  public void close() {
    registry.close();
  }
}
