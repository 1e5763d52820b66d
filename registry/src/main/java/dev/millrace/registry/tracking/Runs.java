package dev.millrace.registry.tracking;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.millrace.core.tracking.Experiment;
import dev.millrace.core.tracking.ExperimentsState;
import dev.millrace.core.tracking.Run;
import dev.millrace.core.tracking.TrackingEntry;
import dev.millrace.core.tracking.TrackingEntry.Command;
import dev.millrace.registry.access.Need;
import dev.millrace.registry.access.Need.About;
import dev.millrace.registry.mlflow.MlflowError;
import dev.millrace.registry.mlflow.MlflowRequest;
import dev.millrace.registry.mlflow.MlflowRoutes.Endpoints;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.TreeMap;

/** Runs: made, changed, deleted and found. What they log is in {@link RunLogs}. */
final class Runs {

  /**
   * The same asked again within this is a repeat: clients that get no answer send a request three
   * times, and cannot say that it is the same.
   */
  static final long REPEAT_MILLIS = 60_000;

  private final TrackingCommands commands;

  Runs(TrackingCommands commands) {
    this.commands = commands;
  }

  void addTo(Endpoints endpoints) {
    String root = "/runs/";
    Need change = Need.contributing(About.RUN);
    RunSearch search = new RunSearch(commands);
    endpoints
        .post(root + "create", Need.contributing(About.EXPERIMENT), this::create)
        .get(root + "get", r -> answer(commands.run(r)))
        .post(root + "update", change, this::update)
        .post(root + "delete", change, r -> stage(r, Command.DELETE_RUN))
        .post(root + "restore", change, r -> stage(r, Command.RESTORE_RUN))
        .post(root + "search", Need.READING, search::answer);
  }

  private ObjectNode create(MlflowRequest request) throws InterruptedException {
    Experiment experiment =
        commands.activeExperiment(request.text("experiment_id", ExperimentsState.DEFAULT_ID));
    Map<String, String> tags = new TreeMap<>(request.tags("tags"));
    ObjectNode details = TrackingJson.object().put("experiment_id", experiment.id());
    details.put("user_id", request.text("user_id", ""));
    details.put("name", request.text("run_name", ""));
    OptionalLong start = request.number("start_time");
    start.ifPresent(millis -> details.put("start_time", millis));
    ObjectNode told = details.putObject("tags");
    tags.forEach(told::put);
    if (!request.idempotencyKey().isEmpty() || start.isEmpty()) {
      // Who says which request it is may ask for the same twice; without a time it is not told.
      return answer(
          create(
              request, experiment, details, TrackingCommands.newId(request, Command.CREATE_RUN)));
    }
    return answer(createOnce(request, experiment, details));
  }

  /**
   * The same request makes the same id, so that whoever decides tells a repeat even where the first
   * was not decided yet; when the first is older, the next id is taken.
   */
  private TrackedRun createOnce(MlflowRequest request, Experiment experiment, ObjectNode details)
      throws InterruptedException {
    String content = details.toString();
    for (int number = 0; ; number++) {
      String id = TrackingCommands.idOf(content + '\u001f' + number);
      Optional<TrackedRun> before = commands.tracking().run(id);
      if (before.isEmpty()) {
        return create(request, experiment, details, id);
      }
      if (before.get().run().createdAtMillis() >= commands.nowMillis() - REPEAT_MILLIS) {
        return before.get();
      }
    }
  }

  private TrackedRun create(
      MlflowRequest request, Experiment experiment, ObjectNode details, String id)
      throws InterruptedException {
    Optional<TrackedRun> repeated = commands.tracking().run(id);
    if (repeated.isPresent()) {
      return repeated.get();
    }
    commands.refuseWithoutRoom();
    boolean named =
        !details.path("name").asText("").isEmpty()
            || !details.path("tags").path(Run.NAME_TAG).asText("").isEmpty();
    if (!named) {
      details.put("name", RunNames.of(id));
    }
    details.put("artifact_uri", Run.artifacts(experiment.artifactLocation(), id));
    try {
      TrackingEntry unusedEvent = commands.submit(request, id, Command.CREATE_RUN, details);
    } catch (MlflowError e) {
      if (e.code() != MlflowError.Code.RESOURCE_ALREADY_EXISTS) {
        throw e;
      }
      // The same was under way, and is there now.
    }
    return commands.run(id);
  }

  private ObjectNode answer(TrackedRun run) {
    ObjectNode json = TrackingJson.object();
    json.set("run", TrackingJson.run(run, commands.isDeleted(run)));
    return json;
  }

  private ObjectNode update(MlflowRequest request) throws InterruptedException {
    TrackedRun run = commands.activeRun(request);
    ObjectNode details = TrackingJson.object();
    if (request.has("status")) {
      details.put("status", status(request.text("status", "")));
    }
    request.number("end_time").ifPresent(millis -> details.put("end_time", millis));
    String name = request.text("run_name", "");
    if (!name.isEmpty()) {
      details.put("name", name);
    }
    TrackingEntry unusedEvent = commands.submit(request, run.id(), Command.UPDATE_RUN, details);
    TrackedRun after = commands.run(run.id());
    ObjectNode json = TrackingJson.object();
    json.set("run_info", TrackingJson.info(after.run(), commands.isDeleted(after)));
    return json;
  }

  /** Its name, or its number in the protocol. */
  private static String status(String text) {
    Run.Status[] all = Run.Status.values();
    return text.length() == 1 && text.charAt(0) >= '1' && text.charAt(0) < '1' + all.length
        ? all[text.charAt(0) - '1'].name()
        : text;
  }

  private ObjectNode stage(MlflowRequest request, Command command) throws InterruptedException {
    TrackedRun run = commands.run(request);
    TrackingEntry unusedEvent = commands.submit(request, run.id(), command, TrackingJson.object());
    return TrackingJson.object();
  }
}
